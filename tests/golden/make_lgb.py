"""Makes lgb_*.txt (models) and lgb_*.csv (rows with LightGBM's own answers).

LightGBM 4.7.0, numpy 2.4.6. A row holds the features, then the raw scores, then the predictions; numbers are printed so that they read back
to the same bits. The rows hold what is nasty: thresholds and their neighbours, zeros of both signs, values around LightGBM's zero, infinities,
NaN, categories that are not there.

lgb_taxi.txt was trained with LightGBM 4.7.0 on NYC taxi trips (objective regression, 50 trees) and lgb_v3.txt with LightGBM 3.3.5 (format v3,
objective binary, categories, monotone constraints); both are only read here.
Training may differ from machine to machine in the last digits; model and answers always match each other.
"""

import os
import pathlib
import sys

import lightgbm as lgb
import numpy as np

HERE = pathlib.Path(__file__).parent
ROWS = 160


def numbers(rng, n, p, missing=0.0, zeros=0.0):
    x = rng.normal(size=(n, p)).round(3)
    x[rng.random(x.shape) < zeros] = 0.0
    x[rng.random(x.shape) < missing] = np.nan
    return x


def signal(x):
    v = np.nan_to_num(x, nan=1.5)
    return 2 * v[:, 0] + np.sin(3 * v[:, 1]) + v[:, 2 % v.shape[1]] ** 2


def nasty(rng, booster, x):
    """Rows out of x with some cells replaced by awkward values, many of them thresholds of the model."""
    thresholds = {}
    for line in booster.model_to_string().split("\n"):
        if line.startswith("split_feature="):
            features = [int(v) for v in line.partition("=")[2].split()]
        if line.startswith("threshold="):
            for f, t in zip(features, line.partition("=")[2].split()):
                thresholds.setdefault(f, []).append(float(t))
    zero = float(np.float32(1e-35))
    odd = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-36, -1e-36, zero, -zero, np.nextafter(zero, 1), np.nextafter(-zero, -1),
           5e-324, 1e300, -1e300, -0.5, -1.0, 0.99, 31.0, 32.0, 63.5, 2.0**31, 2.0**31 - 1, 2.0**63, 1e18]
    rows = x[rng.integers(0, len(x), ROWS)].copy()
    for r in rows[ROWS // 4:]:
        for c in rng.choice(len(r), size=max(1, len(r) // 2), replace=False):
            if rng.random() < 0.5 and c in thresholds:
                t = rng.choice(thresholds[c])
                r[c] = rng.choice([t, np.nextafter(t, np.inf), np.nextafter(t, -np.inf)])
            else:
                r[c] = rng.choice(odd)
    return rows


def text(v):
    return "\n".join(",".join(f"{c:.17g}" for c in r) for r in v) + "\n"


def write(name, booster, x, seed=7):
    rows = nasty(np.random.default_rng(seed), booster, x)
    raw = np.asarray(booster.predict(rows, raw_score=True, num_threads=1)).reshape(len(rows), -1)
    out = np.asarray(booster.predict(rows, num_threads=1)).reshape(len(rows), -1)
    (HERE / f"lgb_{name}.csv").write_text(text(np.hstack([rows, raw, out])))
    print(name, rows.shape, booster.num_trees())


def model(name, x, y, rounds, params, **data):
    params = {"verbose": -1, "seed": 1, "num_threads": 1, "deterministic": True, "min_data_in_leaf": 5} | params
    path = HERE / f"lgb_{name}.txt"
    if not path.exists() or "--train" in sys.argv:
        lgb.train(params, lgb.Dataset(x, y, **data), rounds).save_model(path)
    write(name, lgb.Booster(model_file=path), x)


def main():
    rng = np.random.default_rng(1)
    write("taxi", lgb.Booster(model_file=HERE / "lgb_taxi.txt"),
          np.column_stack([rng.gamma(2, 1.5, 500).round(2), rng.integers(0, 24, 500), rng.integers(0, 7, 500), rng.integers(1, 3, 500),
                           rng.integers(0, 2, 500), rng.integers(0, 2, 500)]).astype(float))
    old = np.column_stack([numbers(rng, 500, 3, missing=0.1), rng.integers(0, 42, 500)])
    write("v3", lgb.Booster(model_file=HERE / "lgb_v3.txt"), old)
    x = numbers(rng, 2000, 5, missing=0.15, zeros=0.2)
    y = signal(x) + rng.normal(size=2000) / 10
    model("nan", x, y, 40, {"num_leaves": 31})
    model("zero", x, y, 40, {"num_leaves": 31, "zero_as_missing": True})
    model("no_missing", x, y, 20, {"num_leaves": 31, "use_missing": False})
    model("regression_sqrt", x, y, 10, {"reg_sqrt": True})
    model("l1", x, y, 10, {"objective": "regression_l1"})
    model("huber", x, y, 5, {"objective": "huber"})
    model("fair", x, y, 5, {"objective": "fair"})
    model("quantile", x, y, 5, {"objective": "quantile", "alpha": 0.9})
    model("mape", x, np.abs(y) + 1, 5, {"objective": "mape"})
    model("poisson", x, rng.poisson(np.exp(np.clip(y / 3, -2, 3))), 20, {"objective": "poisson"})
    model("gamma", x, np.exp(np.clip(y / 3, -2, 3)), 10, {"objective": "gamma"})
    model("tweedie", x, np.exp(np.clip(y / 3, -2, 3)), 10, {"objective": "tweedie", "tweedie_variance_power": 1.3})
    model("binary", x, y > 1, 30, {"objective": "binary", "sigmoid": 0.7, "num_leaves": 15})
    model("cross_entropy", x, 1 / (1 + np.exp(-y)), 10, {"objective": "cross_entropy"})
    model("cross_entropy_lambda", x, 1 / (1 + np.exp(-y)), 10, {"objective": "cross_entropy_lambda"})
    classes = np.digitize(y, [0, 2])
    model("multiclass", x, classes, 20, {"objective": "multiclass", "num_class": 3, "num_leaves": 15})
    model("multiclassova", x, classes, 10, {"objective": "multiclassova", "num_class": 3, "num_leaves": 15})
    model("lambdarank", x, classes, 10, {"objective": "lambdarank"}, group=[100] * 20)
    model("rf", x, y, 10, {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6})
    model("rf_binary", x, y > 1, 10, {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6})
    model("dart", x, y, 20, {"boosting": "dart", "num_leaves": 7})
    model("stump", x, np.full(2000, 3.25), 3, {})
    model("trees_500", x, y, 500, {"num_leaves": 7})
    many = numbers(rng, 20000, 4)
    model("deep", many, signal(many) + rng.normal(size=20000), 6, {"num_leaves": 255, "min_data_in_leaf": 3})
    line = rng.permutation(30000).astype(float)[:, None]
    model("many_thresholds", line, np.sin(line[:, 0]), 12, {"num_leaves": 127, "max_bin": 5000, "min_data_in_bin": 1, "learning_rate": 1.0})
    wide = numbers(rng, 1500, 60, missing=0.05)
    model("wide", wide, wide[:, :40].sum(axis=1, where=~np.isnan(wide[:, :40])), 30, {"num_leaves": 31})
    cats = np.column_stack([rng.integers(0, 70, 3000), rng.integers(0, 4, 3000), rng.normal(size=3000)]).astype(float)
    cats[rng.random(cats.shape) < 0.05] = np.nan
    effect = rng.normal(size=70)[np.nan_to_num(cats[:, 0]).astype(int)] + np.nan_to_num(cats[:, 1], nan=2) * cats[:, 2]
    model("categorical", cats, np.nan_to_num(effect), 25, {"cat_smooth": 1, "min_data_per_group": 5, "max_cat_threshold": 64},
          categorical_feature=[0, 1])


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    main()
