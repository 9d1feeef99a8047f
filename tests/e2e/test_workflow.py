"""The New York taxi workflow, as a user runs it, judged by other programs' eyes."""
import datetime, hashlib, json, re, shutil, subprocess

import deltalake, pandas, pytest, requests

from conftest import ENDPOINT, EXAMPLE, MODEL, ROOT, ROW, TIDEMILL, VARS, Server, run_job, tidemill, tidemill_json

TABLES = "tables/main/ml_serving"


def alias(home, name):
    versions = tidemill_json("models", "versions", MODEL, home=home)
    found = [v for v in (versions.get("model_versions") or versions) if name in (v.get("aliases") or [])]
    return int(found[0]["version"]) if found else None


def table(home, name):
    return deltalake.DeltaTable(str(home / TABLES / name)).to_pandas()


def job_values(home, job):
    """Task values of the newest run of a job, by task."""
    runs = tidemill_json("jobs", "runs", home=home)
    runs = [r for r in runs.get("job_runs", runs) if r["job"] == job]
    return {t["key"]: t["values"] for t in runs[0]["tasks"]}


def test_the_model_is_as_good_as_is_known_possible(trained):
    values = job_values(trained, "ml_training_pipeline")
    assert values["train"]["mae"] <= 1.44
    assert values["train"]["candidates"] >= 12
    assert values["train"]["rows"] == 10000 and values["train"]["dropped"] == 39
    assert values["validate"]["first"] is True and "being first" in values["validate"]["reason"]
    assert values["deploy"]["promoted"] is True and values["deploy"]["version"] == 1


def test_features_equal_the_known_ones(trained):
    """Against the columns and the split that scikit-learn's reference used, row by row."""
    got = table(trained, "feature_table").sort_values("row_index").reset_index(drop=True)
    golden = ROOT / "tests/golden"
    columns = list(pandas.read_csv(golden / "taxi_train.csv", nrows=1).columns)
    for name, held in (("taxi_test.csv", True), ("taxi_train.csv", False)):
        want = pandas.read_csv(golden / name)
        mine = got[(got.row_index % 5 == 0) == held][columns].reset_index(drop=True)
        pandas.testing.assert_frame_equal(mine, want, check_dtype=False, rtol=0, atol=0)


def test_baseline_describes_features_label_and_predictions(trained):
    base = table(trained, "training_baseline").set_index(["kind", "column_name"])
    want = pandas.read_csv(ROOT / "tests/golden/taxi_train.csv")
    for column in want.columns:
        row = base.loc[("label" if column == "fare_amount" else "feature", column)]
        assert row["count"] == len(want)
        assert row["mean"] == pytest.approx(want[column].mean(), rel=1e-12)
        assert row["std"] == pytest.approx(want[column].std(ddof=0), rel=1e-9)
        assert row["p50"] == pytest.approx(want[column].quantile(0.5), rel=1e-12)
        assert sum(json.loads(row["bin_counts"])) == len(want)
    assert base.loc[("prediction", "prediction")]["count"] == 1993


def test_two_trainings_give_the_same_bytes_and_the_second_is_not_promoted(trained_copy):
    home = trained_copy
    with Server(home) as server:
        before = server.predict()
        done = run_job("ml_training_pipeline", home)
        assert "not promoted" in done.stdout
        assert alias(home, "champion") == 1 and alias(home, "challenger") == 2
        assert server.predict() == before
    values = job_values(home, "ml_training_pipeline")
    assert values["deploy"]["promoted"] is False and "does not beat" in values["deploy"]["reason"]
    digests = set()
    for version in (1, 2):
        out = home.parent / f"model-{version}.lgb"
        tidemill("models", "export", f"{MODEL}/{version}", out, home=home)
        digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_deploy_without_a_server_names_the_command(home):
    done = run_job("ml_training_pipeline", home, code=4)
    assert "tidemill server --home" in done.stderr + done.stdout
    assert alias(home, "champion") is None and alias(home, "challenger") == 1


def test_a_task_runs_alone_with_the_values_of_the_last_run(trained_copy):
    with Server(trained_copy):
        run_job("ml_training_pipeline", trained_copy, "--task", "deploy")


def test_a_declared_gate_that_fails_ends_with_3(home, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(EXAMPLE, bundle)
    path = bundle / "tidemill.yaml"
    path.write_text(path.read_text().replace("max: 5.0", "max: 0.5"))
    with Server(home):
        done = run_job("ml_training_pipeline", home, bundle=bundle, code=3)
        assert "good_enough" in done.stdout + done.stderr
    assert alias(home, "champion") is None and alias(home, "challenger") is None


@pytest.fixture
def scored(trained_copy):
    run_job("ml_batch_inference", trained_copy, "--at", "2026-03-01T06:00:00Z")
    return trained_copy


def test_batch_inference_is_exactly_once(scored):
    again = run_job("ml_batch_inference", scored, "--at", "2026-03-01T06:00:00Z")
    assert "nothing is added" in again.stdout
    got = table(scored, "predictions")
    assert len(got) == 9961 and got.batch_id.nunique() == 1
    assert set(got.scored_date) == {datetime.date(2026, 3, 1)}
    assert set(got.model_name) == {MODEL} and set(got.model_version) == {1}
    assert deltalake.DeltaTable(str(scored / TABLES / "predictions")).metadata().partition_columns == ["scored_date"]
    assert (got.prediction - got.actual).abs().mean() == pytest.approx(job_values(scored, "ml_batch_inference")["batch_predict"]["mae"], rel=1e-9)
    run_job("ml_batch_inference", scored, "--at", "2026-03-01T12:00:00Z")
    assert len(table(scored, "predictions")) == 2 * 9961


def test_batch_predictions_equal_lightgbms_own(scored, tmp_path):
    import lightgbm

    out = tmp_path / "model.lgb"
    tidemill("models", "export", f"{MODEL}@champion", out, home=scored)
    booster = lightgbm.Booster(model_file=str(out))
    got = table(scored, "predictions")
    assert (booster.predict(got[booster.feature_name()]) == got.prediction).all()


def test_monitoring_knows_a_calm_day_a_shifted_day_and_a_day_without_data(scored):
    run_job("ml_monitoring", scored, "--at", "2026-03-01T12:00:00Z")
    calm = job_values(scored, "ml_monitoring")["monitor_drift"]
    assert calm["verdict"] == "ok" and calm["should_retrain"] is False and calm["alerts"] == 0
    run_job("ml_batch_inference", scored, "--at", "2026-03-03T06:00:00Z", "--param", "batch_predict.source=airport_trips")
    run_job("ml_monitoring", scored, "--at", "2026-03-03T12:00:00Z")
    shifted = job_values(scored, "ml_monitoring")["monitor_drift"]
    assert shifted["verdict"] == "alert" and shifted["should_retrain"] is True
    run_job("ml_monitoring", scored, "--at", "2026-03-09T12:00:00Z")
    empty = job_values(scored, "ml_monitoring")["monitor_drift"]
    assert empty["verdict"] == "not_enough_data" and empty["should_retrain"] is False
    rows = table(scored, "model_monitoring")
    drifted = rows[(rows.verdict == "alert") & rows.alert & (rows.metric == "drift_z")]
    assert set(drifted.column_name) == {"trip_distance", "prediction"}
    distance = drifted[drifted.column_name == "trip_distance"].iloc[0]
    assert distance.value == pytest.approx(abs(distance.window_mean - distance.baseline_mean) / distance.baseline_std)
    again = len(rows)
    run_job("ml_monitoring", scored, "--at", "2026-03-03T12:00:00Z")
    assert len(table(scored, "model_monitoring")) == again


def test_the_window_is_half_open(scored):
    """Rows scored at exactly T belong to the next window; those of T - 24 h to this one."""
    run_job("ml_monitoring", scored, "--at", "2026-03-01T06:00:00Z")
    assert job_values(scored, "ml_monitoring")["monitor_drift"]["rows"] == 0
    run_job("ml_monitoring", scored, "--at", "2026-03-02T06:00:00Z")
    assert job_values(scored, "ml_monitoring")["monitor_drift"]["rows"] == 9961


def test_duckdbs_own_reader_agrees(scored):
    import duckdb

    extension = next((ROOT / "build/deps/duckdb-delta").rglob("delta.duckdb_extension"))
    con = duckdb.connect()
    con.execute(f"LOAD '{extension}'")
    for name in ("feature_table", "training_baseline", "predictions"):
        theirs = con.sql(f"SELECT count(*) FROM delta_scan('{scored / TABLES / name}')").fetchone()[0]
        assert theirs == len(table(scored, name))


def test_candidates_are_children_of_one_run_with_params_and_metrics(trained):
    values = job_values(trained, "ml_training_pipeline")["train"]
    runs = tidemill_json("runs", "list", "--parent", values["run_id"], home=trained)
    runs = runs.get("runs", runs)
    assert len(runs) == values["candidates"]
    for run in runs:
        keys = {m["key"] for m in run["data"]["metrics"]}
        assert {"cv_mae", "cv_rmse"} <= keys and {"learning_rate", "num_leaves"} <= {p["key"] for p in run["data"]["params"]}


def test_the_demo_shows_the_whole_loop(tmp_path):
    done = subprocess.run([TIDEMILL, "demo", "--home", tmp_path / "demo", "--bundle", EXAMPLE], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("10,000", "39", "MAE", "curl ", ENDPOINT, "calm", "shifted"):
        assert word in done.stdout, f"{word!r} is not in\n{done.stdout}"
