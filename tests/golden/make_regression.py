"""Makes regression_300.json (from regression_300.csv), regression_edge.json and describe.json.

scikit-learn 1.9.1 and numpy 2.4.6. regression_300.csv (y, pred, weight) is 300 taxi trips with the fare, a model's prediction and a weight;
it is only read here. NaN is the string "NaN". scikit-learn is not in tests/requirements.txt: where it is missing, the
regression files stay as they are.
"""

import csv
import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent


def scores(y, p, w=None):
    from sklearn import metrics as m

    k = {"sample_weight": w}
    return {
        "mae": m.mean_absolute_error(y, p, **k),
        "mse": m.mean_squared_error(y, p, **k),
        "rmse": m.root_mean_squared_error(y, p, **k),
        "median_ae": m.median_absolute_error(y, p, **k),
        "max_error": m.max_error(y, p),
        "r2": m.r2_score(y, p, **k),
        "mape": m.mean_absolute_percentage_error(y, p, **k),
        "mean_error": float(np.average(np.asarray(p) - np.asarray(y), weights=w)),
    }


def describe(v):
    v = np.asarray(v, float)
    there = v[~np.isnan(v)]
    counts, edges = np.histogram(there, bins=20)
    at = [0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99]
    return {
        "values": ["NaN" if np.isnan(x) else float(x) for x in v],
        "count": len(there), "missing": len(v) - len(there),
        "mean": float(np.mean(there)), "std": float(np.std(there)), "min": float(there.min()), "max": float(there.max()),
        "sum": float(np.sum(there)),
        "quantiles": [float(np.quantile(there, q)) for q in at],
        "edges": edges.tolist(), "counts": counts.tolist(),
    }


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n")


def regression():
    with open(HERE / "regression_300.csv") as f:
        rows = [[float(v) for v in r.values()] for r in csv.DictReader(f)]
    y, p, w = (list(c) for c in zip(*rows))
    write("regression_300.json", {"unweighted": scores(y, p), "weighted": scores(y, p, w)})
    edge = {
        "one_row": ([3.0], [2.5], [2.0]),
        "constant": ([2.0, 2.0, 2.0], [1.0, 2.0, 3.0], None),
        "constant_exact": ([2.0, 2.0, 2.0], [2.0, 2.0, 2.0], None),
        "zeros_in_truth": ([0.0, 1.0, -2.0], [0.5, 1.0, -1.0], None),
        "weights_meet_half": ([0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 4.0, 8.0], [1.0, 1.0, 1.0, 1.0]),
        "zero_weight": ([1.0, 2.0, 3.0], [1.5, 2.0, 9.0], [1.0, 2.0, 0.0]),
    }
    import warnings

    warnings.simplefilter("ignore")
    out = {}
    for name, (y, p, w) in edge.items():
        s = scores(y, p, w)
        if len(y) < 2:
            s["r2"] = 0.0  # scikit-learn says NaN for one row; we say 0 unless it is exact
        out[name] = {"y": y, "pred": p, "weight": w, "want": s}
    write("regression_edge.json", out)


def main():
    try:
        regression()
    except ImportError:
        print("make_regression.py: no scikit-learn here, its files stay as they are")
    rng = np.random.default_rng(5)
    ties = rng.integers(0, 9, 777).astype(float)
    gaps = rng.gamma(2, 3, 1000)
    gaps[rng.random(1000) < 0.1] = np.nan
    write("describe.json", {
        "one": describe([4.0]), "two": describe([1.0, 2.0]), "constant": describe([0.1] * 7), "ties": describe(ties), "gaps": describe(gaps),
        "wide": describe(rng.normal(size=300) * 10.0 ** rng.integers(-8, 8, 300)), "seven": describe(rng.normal(size=7)),
        "block_129": describe(rng.normal(size=129)), "negative": describe(-rng.gamma(1, 1, 400)),
    })


if __name__ == "__main__":
    main()
