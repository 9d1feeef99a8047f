"""batch: 1,000,000 rows, Parquet in, Delta out, from process start to process end; beside pandas + lightgbm.Booster.predict + deltalake doing the same with
the same model."""
import shutil, statistics, sys, time

import common

ROUNDS, ROWS = 3, 1_000_000


def ours(home, number):
    begin = time.perf_counter()
    common.run(common.TIDEMILL, "run", "score_1m", "--home", home, "-f", common.ROOT / "bench/bundle/tidemill.yaml", "--var", common.VARS,
               "--param", f"batch_predict.batch_id=bench-{time.time_ns()}-{number}")
    return ROWS / (time.perf_counter() - begin)


def peer(model):
    table = common.WORK / "peer_predictions"
    shutil.rmtree(table, ignore_errors=True)
    begin = time.perf_counter()
    common.run(sys.executable, common.ROOT / "bench/peer_batch.py", common.ROOT / "bench/data/taxi_score_1m.parquet", model, table)
    return ROWS / (time.perf_counter() - begin)


def model_file(home):
    """The champion's LightGBM text, as any client gets it."""
    path = common.WORK / "champion.lgb"
    common.run(common.TIDEMILL, "models", "export", common.MODEL + "@champion", path, "--home", home)
    return path


def run(figure):
    home = common.home()
    model = model_file(home)
    rounds = [(ours(home, i), peer(model)) for i in range(ROUNDS)]
    mine, theirs = (statistics.median(r[i] for r in rounds) for i in (0, 1))
    return figure("batch", mine, theirs, "rows/s", "ratio >= 5", mine >= 5 * theirs)
