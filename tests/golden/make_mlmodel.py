"""Makes mlflow_*.MLmodel: what MLflow writes for a LightGBM model.

MLflow 3.17.2, LightGBM 4.7.0, pandas 3.1.1. `columns` has a signature with a named output and an input example, `tensor` one inferred from
the array that predict returns, `bare` none, `sklearn` holds an LGBMRegressor (Python objects, which are not read).
MLflow is not in tests/requirements.txt, for it is large: pip install mlflow lightgbm pandas scikit-learn into a venv of your own.
"""

import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).parent


def main():
    try:
        import mlflow
    except ImportError:
        print("make_mlmodel.py: no mlflow here, its files stay as they are")
        return
    import lightgbm as lgb
    import pandas as pd
    from mlflow.models import infer_signature

    booster = lgb.Booster(model_file=HERE / "lgb_taxi.txt")
    rows = pd.DataFrame([[1.4, 21, 5, 2, 1, 0], [1.4, 0, 5, 2, 1, 0]], columns=booster.feature_name())
    answers = booster.predict(rows)
    columns = infer_signature(rows, pd.DataFrame({"fare_amount": answers}))
    cases = {
        "columns": (booster, {"signature": columns, "input_example": rows}),
        "tensor": (booster, {"signature": infer_signature(rows, answers)}),
        "bare": (booster, {}),
        "sklearn": (lgb.LGBMRegressor(n_estimators=2, min_child_samples=1).fit(rows, answers), {"signature": columns}),
    }
    for name, (model, options) in cases.items():
        folder = tempfile.mkdtemp()
        mlflow.lightgbm.save_model(model, folder + "/m", **options)
        shutil.copy(folder + "/m/MLmodel", HERE / f"mlflow_{name}.MLmodel")
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
