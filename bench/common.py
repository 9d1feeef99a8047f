"""What the benches share: a home with a trained champion and its endpoint, made once, and processes that are measured."""
import json, os, pathlib, shutil, socket, subprocess, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDEMILL = ROOT / "build/tidemill"
WORK = ROOT / "build/bench"
VARS = "catalog=main,schema=bench,model_name=fare"
MODEL = "main.bench.fare"
ENDPOINT = "bench_fare_endpoint"
ROW = {"trip_distance": 3.5, "pickup_hour": 17, "pickup_dayofweek": 3, "pickup_month": 2, "is_weekend": 0, "is_rush_hour": 1}
BODY = json.dumps({"dataframe_records": [ROW]}, separators=(",", ":"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, path="/ready", seconds=20):
    """Polls over raw sockets: a client library's own start would be measured otherwise."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                if s.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.001)
    raise SystemExit(f"nothing ready on port {port} after {seconds} s")


def predict(port):
    """One prediction over a fresh connection: (status line and headers, body)."""
    request = (f"POST /serving-endpoints/{ENDPOINT}/invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n{BODY}")
    with socket.create_connection(("127.0.0.1", port), 5) as s:
        s.sendall(request.encode())
        answer = b""
        while part := s.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), body.decode()


def server(home, port, *extra, prefix=()):
    with open(WORK / "server.log", "a") as log:
        return subprocess.Popen([*prefix, str(TIDEMILL), "server", "--home", str(home), "--port", str(port), *extra], stderr=log, stdout=log)


def stop(process):
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(*args, cwd=ROOT):
    done = subprocess.run([str(a) for a in args], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def home():
    """A home with a champion behind ENDPOINT, trained once per build folder."""
    where = WORK / "home"
    if (where / "ready").exists():
        return where
    shutil.rmtree(where, ignore_errors=True)
    WORK.mkdir(parents=True, exist_ok=True)
    port = free_port()
    process = server(where, port)
    try:
        wait_for(port)
        run(TIDEMILL, "run", "ml_training_pipeline", "--home", where, "-f", ROOT / "bench/bundle/tidemill.yaml", "--var", VARS)
        head, _ = predict(port)
        if " 200 " not in head:
            raise SystemExit(f"the bench's endpoint does not answer: {head}")
    finally:
        stop(process)
    (where / "ready").touch()
    return where


def cpu_seconds(pid):
    """CPU time of all threads, from the scheduler's own nanosecond counters."""
    return sum(int((pathlib.Path(f"/proc/{pid}/task") / t / "schedstat").read_text().split()[0]) for t in os.listdir(f"/proc/{pid}/task")) / 1e9
