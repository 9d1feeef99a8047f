"""The command itself: interruptions, owners that go, schedules that fire, exit codes."""
import json, os, pathlib, shutil, signal, subprocess, time

import pytest

from conftest import ENDPOINT, EXAMPLE, MODEL, ROW, TIDEMILL, VARS, Server, run_job, tidemill, tidemill_json

TRAIN = [str(TIDEMILL), "run", "ml_training_pipeline", "-f", str(EXAMPLE), "--var", VARS, "--home"]


def start(home):
    """`tidemill run` of the training, once it is at work."""
    process = subprocess.Popen([*TRAIN, str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    line = process.stdout.readline()
    assert line.startswith("train: "), line + process.stderr.read()
    return process


def newest_run(home):
    return tidemill_json("jobs", "runs", "-n", "1", home=home)["job_runs"][0]


def states(run):
    return {t["key"]: t["state"] for t in run["tasks"]}


@pytest.mark.parametrize("served", [True, False])
def test_ctrl_c_cancels_the_run(home, served):
    server = Server(home) if served else None
    process = start(home)
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130 and time.monotonic() - begin < 8
    assert "CANCELLED" in out
    run = newest_run(home)
    assert run["state"] == "CANCELLED" and run["exit_code"] == 130
    assert states(run) == {"train": "CANCELLED", "validate": "CANCELLED", "deploy": "CANCELLED"}
    runs = tidemill_json("runs", "list", home=home)["runs"]
    assert runs and {r["info"]["status"] for r in runs} == {"KILLED"}
    if server:
        server.stop()


def test_another_command_cancels_and_a_second_run_is_refused(home):
    with Server(home):
        process = start(home)
        done = run_job("ml_training_pipeline", home, code=1)
        assert "max_concurrent_runs" in done.stderr
        tidemill("jobs", "cancel", newest_run(home)["id"], home=home)
        process.communicate(timeout=20)
        assert process.returncode == 130
        tidemill("jobs", "cancel", newest_run(home)["id"], home=home, code=5)
        tidemill("jobs", "cancel", "77", home=home, code=4)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_goes_on_with_the_next_server(home, how):
    server = Server(home)
    process = start(home)
    server.process.send_signal(how)
    assert server.process.wait(20) == (0 if how == signal.SIGTERM else -9)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1 and "tidemill jobs get 1" in said
    with Server(home) as again:
        end = time.monotonic() + 60
        while (run := newest_run(home))["state"] not in ("SUCCEEDED", "FAILED"):
            assert time.monotonic() < end, run
            time.sleep(0.1)
        assert run["state"] == "SUCCEEDED" and run["attempt"] == 2
        assert again.predict() > 0
    versions = tidemill_json("models", "versions", MODEL, home=home)["model_versions"]
    assert [(v["version"], sorted(v["aliases"])) for v in versions] == [(1, ["challenger", "champion"])]


def test_a_second_signal_ends_the_server_at_once(home):
    server = Server(home)
    start(home)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(2) in (0, -signal.SIGTERM)


def test_a_schedule_fires_and_apply_moves_nothing(trained_copy, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(EXAMPLE, bundle)
    path = bundle / "resources/ml_monitoring.yaml"
    text = path.read_text()
    assert 'cron: "30 6 * * *"' in text
    path.write_text(text.replace('cron: "30 6 * * *"', 'quartz_cron_expression: "* * * * * ?"'))
    with Server(trained_copy):
        tidemill("apply", "-f", bundle, "--var", VARS, home=trained_copy)
        time.sleep(3.5)
        again = tidemill("apply", "-f", bundle, "--var", VARS, home=trained_copy)
        assert "0 created, 0 updated, 0 deleted" in again.stdout
        runs = tidemill_json("jobs", "runs", "--job", "ml_monitoring", home=trained_copy)["job_runs"]
        fired = [r["fire_ms"] for r in runs]
        assert len(fired) >= 3 and len(set(fired)) == len(fired) and all(f % 1000 == 0 for f in fired)
        assert all(r["trigger"] == "schedule" and r["at_ms"] == r["fire_ms"] for r in runs)
        path.write_text(text.replace("UNPAUSED", "PAUSED"))
        changed = tidemill("apply", "-f", bundle, "--var", VARS, home=trained_copy)
        assert "~ job ml_monitoring" in changed.stdout and "paused" in changed.stderr
        time.sleep(1.2)
        before = len(tidemill_json("jobs", "runs", "--job", "ml_monitoring", home=trained_copy)["job_runs"])
        time.sleep(1.5)
        assert len(tidemill_json("jobs", "runs", "--job", "ml_monitoring", home=trained_copy)["job_runs"]) == before


def test_a_killed_task_is_a_failure_that_says_so(home):
    process = start(home)
    tasks = pathlib.Path(f"/proc/{process.pid}/task").iterdir()
    child = next(int(pid) for task in tasks for pid in (task / "children").read_text().split())
    os.kill(child, signal.SIGKILL)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 137 and "killed by signal 9" in out
    assert states(newest_run(home)) == {"train": "FAILED", "validate": "SKIPPED", "deploy": "SKIPPED"}


def test_the_lists_print_tables_and_json(trained):
    for command, key in (("jobs runs", "job_runs"), ("experiments list", "experiments"), ("runs list", "runs"), ("models list", "models"),
                         ("models versions", "model_versions"), ("monitors list", "monitors"), ("tables list", "tables"), ("jobs list", "jobs")):
        tidemill(*command.split(), home=trained)
        assert isinstance(tidemill_json(*command.split(), home=trained)[key], list)
    shown = tidemill("tables", "show", "main.ml_serving.feature_table", "-n", "3", home=trained).stdout
    assert "9961 rows" in shown and "trip_distance" in shown
    assert tidemill_json("tables", "show", "main.ml_serving.feature_table", home=trained)["rows"] == 9961
    tidemill("tables", "show", "main.ml_serving.nothing", home=trained, code=4)
    tidemill("models", "get", "nothing", home=trained, code=4)
    tidemill("runs", "get", "0" * 32, home=trained, code=4)


def test_endpoints_through_the_command(trained_copy):
    with Server(trained_copy) as server:
        assert ENDPOINT in tidemill("endpoints", "list", home=trained_copy).stdout
        assert tidemill_json("endpoints", "get", ENDPOINT, home=trained_copy)["state"]["ready"] == "READY"
        body = json.dumps({"dataframe_records": [ROW]})
        got = json.loads(tidemill("endpoints", "query", ENDPOINT, "--json", body, home=trained_copy).stdout)
        assert got["predictions"] == [server.predict()]
        tidemill("endpoints", "get", "nobody", home=trained_copy, code=4)
        assert "pickup_huor" in tidemill("endpoints", "query", ENDPOINT, "--json", body.replace("hour\"", "huor\"", 1), home=trained_copy, code=1).stderr
    assert "tidemill server" in tidemill("endpoints", "list", home=trained_copy, code=4).stderr
