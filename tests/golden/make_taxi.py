"""Makes taxi_train.csv and taxi_test.csv with pandas 3.1: the features of the trips in examples/nyc_taxi/data (see taxi.md)."""
import pathlib

import pandas as pd

HERE = pathlib.Path(__file__).resolve().parent
trips = pd.read_parquet(HERE.parents[1] / "examples/nyc_taxi/data/nyctaxi_trips.parquet")
trips = trips[(trips.fare_amount > 0) & (trips.trip_distance > 0)].reset_index(drop=True)
at = trips.tpep_pickup_datetime.dt
weekend = at.day_of_week >= 5
rush = ~weekend & (at.hour.between(7, 9) | at.hour.between(16, 19))
table = pd.DataFrame({
    "trip_distance": trips.trip_distance, "pickup_hour": at.hour, "pickup_dayofweek": at.day_of_week, "pickup_month": at.month,
    "is_weekend": weekend.astype(int), "is_rush_hour": rush.astype(int), "fare_amount": trips.fare_amount,
})
held_out = table.index % 5 == 0
table[~held_out].to_csv(HERE / "taxi_train.csv", index=False)
table[held_out].to_csv(HERE / "taxi_test.csv", index=False)
