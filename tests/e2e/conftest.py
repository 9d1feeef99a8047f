"""What the end-to-end tests share: the built program, homes, servers. Nothing here knows the inside; everything goes through commands and HTTP."""
import json, os, pathlib, shutil, signal, socket, subprocess, time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIDEMILL = ROOT / "build/tidemill"
EXAMPLE = ROOT / "examples/nyc_taxi"
VARS = "catalog=main,schema=ml_serving,model_name=fare_predictor"
MODEL = "main.ml_serving.fare_predictor"
ENDPOINT = "ml_serving_fare_predictor_endpoint"
ROW = {"trip_distance": 3.5, "pickup_hour": 17, "pickup_dayofweek": 3, "pickup_month": 2, "is_weekend": 0, "is_rush_hour": 1}


def tidemill(*args, home=None, code=0, env=None, timeout=120, cwd=ROOT):
    """Runs the command and checks its exit code; gives the finished process."""
    command = [str(TIDEMILL), *map(str, args)] + (["--home", str(home)] if home else [])
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=cwd, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    if code is not None:
        assert done.returncode == code, f"{' '.join(command)}: exit {done.returncode}, want {code}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


def tidemill_json(*args, **kwargs):
    return json.loads(tidemill(*args, "-o", "json", **kwargs).stdout)


def run_job(job, home, *args, bundle=EXAMPLE, **kwargs):
    return tidemill("run", job, "-f", bundle, "--var", VARS, *args, home=home, **kwargs)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A `tidemill server` over a home."""

    def __init__(self, home, *args, env=None):
        self.home, self.port = pathlib.Path(home), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = pathlib.Path(f"{home}.server.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(TIDEMILL), "server", "--home", str(home), "--port", str(self.port), *args], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**os.environ, **(env or {})})
        self.wait()

    def wait(self, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"server ended with {self.process.returncode}: {self.log.read_text()[-3000:]}")
            try:
                if requests.get(self.url + "/ready", timeout=2).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.01)
        raise AssertionError(f"server not ready: {self.log.read_text()[-3000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.log.read_text()[-3000:]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.kill()
        elif self.process.poll() is None:
            self.stop()

    def predict(self, row=ROW, endpoint=ENDPOINT):
        answer = requests.post(f"{self.url}/serving-endpoints/{endpoint}/invocations", json={"dataframe_records": [row]}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()["predictions"][0]


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A home on which the training pipeline ran once, with nobody owning it now. Read only: tests that write take `trained_copy`."""
    where = tmp_path_factory.mktemp("trained") / "home"
    with Server(where):
        run_job("ml_training_pipeline", where)
    return where


@pytest.fixture
def trained_copy(trained, tmp_path):
    copy = tmp_path / "home"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("*.sock"))
    return copy
