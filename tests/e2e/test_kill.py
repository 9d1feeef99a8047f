"""kill -9 at random moments, of the server and of its children, a hundred times: no scheduled run is lost, none is doubled, nothing acknowledged is gone."""
import os, pathlib, random, re, shutil, signal, sqlite3, subprocess, time

import deltalake

from conftest import ENDPOINT, EXAMPLE, ROOT, VARS, Server, run_job, tidemill, tidemill_json

KILLS = 100
SEED = 20261121


def children(pid):
    out = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            out += map(int, (task / "children").read_text().split())
        except OSError:
            pass
    return out


def is_task(pid):
    """Whether the child runs its own program by now: until then it still holds its server's files."""
    try:
        return b"\0task\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def wait_for_child(server, seconds=3):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if pids := children(server.process.pid):
            return pids
        time.sleep(0.002)
    return []


def test_scheduled_runs_survive_a_hundred_kills(trained_copy, tmp_path):
    """A batch job every second appends the feature table under a batch id of its fire time. At the end every fire time that was journaled has
    exactly one successful run and exactly one batch of rows."""
    home, bundle = trained_copy, tmp_path / "bundle"
    shutil.copytree(EXAMPLE, bundle)
    job = bundle / "resources/ml_batch_inference.yaml"
    text = job.read_text()
    old = re.search(r'quartz_cron_expression: *"?([^"\n]*?)"? *$', text, re.M)[1]
    text = text.replace(old, "* * * * * ?")
    job.write_text(text)
    tidemill("apply", "-f", bundle, "--var", VARS, home=home)
    rng = random.Random(SEED)
    kills = {"server": 0, "child": 0}
    server = Server(home)
    while sum(kills.values()) < KILLS:
        time.sleep(rng.uniform(0.01, 0.3))
        victim = "child" if rng.random() < 0.5 else "server"
        if (pids := wait_for_child(server)) and victim == "child":
            time.sleep(rng.uniform(0, 0.1))
            try:
                os.kill(rng.choice(pids), signal.SIGKILL)
                kills["child"] += 1
            except ProcessLookupError:
                pass
        else:
            time.sleep(rng.uniform(0, 0.1))
            server.kill()
            kills["server"] += 1
            server = Server(home)
    time.sleep(5)
    server.stop()
    server = Server(home)  # whatever was left is finished by the next owner
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs = tidemill_json("jobs", "runs", "--max", "10000", home=home)["job_runs"]
        if not [r for r in runs if r["state"] in ("QUEUED", "RUNNING") and r["attempt"] > 0]:
            break
        time.sleep(0.5)
    server.stop()
    assert min(kills.values()) > 10, kills
    db = sqlite3.connect(home / "tidemill.db")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    fired = db.execute("SELECT fire_ms, count(*) FROM job_run WHERE fire_ms IS NOT NULL AND fire_ms > 0 GROUP BY fire_ms").fetchall()
    assert fired and all(n == 1 for _, n in fired), "a firing was doubled"
    done = {r["fire_ms"] for r in runs if r["state"] == "SUCCEEDED" and r["fire_ms"]}
    assert len(done) > 10
    got = deltalake.DeltaTable(str(home / "tables/main/ml_serving/predictions")).to_pandas()
    per_batch = got.groupby("batch_id").size()
    assert set(per_batch) == {9961}, "a batch was written partly or twice"
    succeeded = sum(1 for r in runs if r["state"] == "SUCCEEDED" and r["job"] == "ml_batch_inference")
    failed = [r for r in runs if r["state"] == "FAILED"]
    assert len(per_batch) >= succeeded, "a run that succeeded has lost its rows"
    for r in failed:  # a killed child is a failure that says so; a run that only lost its server is run again
        assert "signal 9" in r["outcome"] or "killed" in r["outcome"], r


def test_an_orphan_of_a_killed_server_commits_nothing(trained_copy, tmp_path):
    """The child is stopped, its server killed and replaced, the child continued: its token is of an older epoch."""
    home = trained_copy
    before = None
    with Server(home) as server:
        job = subprocess.Popen([str(ROOT / "build/tidemill"), "run", "ml_batch_inference", "-f", str(EXAMPLE), "--var", VARS, "--home", str(home), "--at",
                                "2026-04-01T00:00:00Z"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not (pids := [p for p in children(server.process.pid) if is_task(p)]):
            assert time.monotonic() < end
            time.sleep(0.001)
        os.kill(pids[0], signal.SIGSTOP)
        server.kill()
        job.wait(30)
    with Server(home):
        try:
            os.kill(pids[0], signal.SIGCONT)
        except ProcessLookupError:
            pass  # it died with its parent, which is as good
        time.sleep(4)
    table = home / "tables/main/ml_serving/predictions"
    if table.exists():
        got = deltalake.DeltaTable(str(table)).to_pandas()
        assert set(got.groupby("batch_id").size()) <= {9961}
