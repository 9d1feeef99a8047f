"""peer_batch.py PARQUET MODEL TABLE: what people glue together today for batch scoring."""
import datetime, sys

import lightgbm, pandas
from deltalake import write_deltalake

parquet, model, table = sys.argv[1:]
booster = lightgbm.Booster(model_file=model)
rows = pandas.read_parquet(parquet)
features = booster.feature_name()
now = datetime.datetime.now(datetime.timezone.utc)
out = rows[features].copy()
out["prediction"] = booster.predict(rows[features])
out["actual"] = rows["fare_amount"]
out["model_name"] = "main.bench.fare"
out["model_version"] = 1
out["scored_at"] = now
out["batch_id"] = "peer"
out["scored_date"] = now.date()
write_deltalake(table, out, mode="append", partition_by=["scored_date"])
