"""Bad input gets a clear error and nothing is lost. Each case: what the user did, the exit code or status, and the words that must be there."""
import os, pathlib, re, shutil, socket, sqlite3, subprocess, time

import duckdb, pytest, requests

from conftest import ENDPOINT, EXAMPLE, MODEL, ROOT, ROW, TIDEMILL, VARS, Server, free_port, run_job, tidemill

TRIPS = EXAMPLE / "data/nyctaxi_trips.parquet"


@pytest.fixture
def bundle(tmp_path):
    copy = tmp_path / "bundle"
    shutil.copytree(EXAMPLE, copy)
    return copy


def edit(path, old, new):
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new))


def trips(bundle, select):
    """Replaces the bundle's trips by a query over the real ones."""
    out = bundle / "data/nyctaxi_trips.parquet"
    out.unlink()
    duckdb.sql(f"COPY (SELECT {select} FROM '{TRIPS}') TO '{out}' (FORMAT parquet)")


def train_fails(home, bundle, *words, code=1):
    with Server(home):
        done = run_job("ml_training_pipeline", home, "--task", "train", bundle=bundle, code=code)
    said = done.stdout + done.stderr
    for word in words:
        assert word in said, f"{word!r} is not in\n{said}"


# --- data

def test_an_empty_file(home, bundle):
    (bundle / "data/nyctaxi_trips.parquet").write_bytes(b"")
    train_fails(home, bundle, "nyctaxi_trips.parquet", "empty")


def test_a_file_that_is_no_parquet(home, bundle):
    (bundle / "data/nyctaxi_trips.parquet").write_bytes(b"PAR1 but not really" * 10)
    train_fails(home, bundle, "nyctaxi_trips.parquet")


def test_no_rows(home, bundle):
    out = bundle / "data/nyctaxi_trips.parquet"
    out.unlink()
    duckdb.sql(f"COPY (SELECT * FROM '{TRIPS}' LIMIT 0) TO '{out}' (FORMAT parquet)")
    edit(bundle / "tidemill.yaml", "min: 1000", "min: 0")
    train_fails(home, bundle, "no row")


def test_a_missing_column(home, bundle):
    trips(bundle, "* EXCLUDE (trip_distance)")
    train_fails(home, bundle, "trip_distance")


def test_a_column_of_the_wrong_type(home, bundle):
    trips(bundle, "* REPLACE ('far' AS trip_distance)")
    train_fails(home, bundle, "trip_distance")


@pytest.mark.parametrize("value", ["'NaN'::DOUBLE", "'Infinity'::DOUBLE", "NULL::DOUBLE"])
def test_a_label_that_is_no_number(home, bundle, value):
    trips(bundle, f"* REPLACE (CASE WHEN trip_distance > 20 THEN {value} ELSE fare_amount END AS fare_amount)")
    edit(bundle / "tidemill.yaml", "column: fare_amount, min: 0, strict_min: true, on_fail: drop", "column: fare_amount, min: 0, on_fail: warn")
    train_fails(home, bundle, "fare_amount", "row", "finite")


def test_all_rows_dropped_by_checks(home, bundle):
    edit(bundle / "tidemill.yaml", "column: trip_distance, min: 0, strict_min: true", "column: trip_distance, min: 1000000, strict_min: true")
    train_fails(home, bundle, "all 10000 rows were dropped", "distance_is_positive 9995")


def test_a_check_that_must_hold(home, bundle):
    edit(bundle / "tidemill.yaml", "min: 1000, on_fail: fail", "min: 20000, on_fail: fail")
    train_fails(home, bundle, "table_row_count", code=3)


def test_a_feature_with_a_mistake_in_its_sql(home, bundle):
    edit(bundle / "tidemill.yaml", "month(tpep_pickup_datetime)", "month(tpep_pickup_dateteim)")
    train_fails(home, bundle, "pickup_month", "tpep_pickup_dateteim")


def test_sql_cannot_leave_its_folders(home, bundle):
    edit(bundle / "tidemill.yaml", "trip_distance: trip_distance", "trip_distance: (SELECT count(*) FROM read_csv('/etc/passwd'))")
    train_fails(home, bundle, "trip_distance")


# --- bundles

def validate_fails(bundle, pattern, *args, code=1):
    done = tidemill("validate", "-f", bundle, *(args or ("--var", VARS)), code=code)
    assert re.search(pattern, done.stderr), done.stderr


def test_an_unknown_key_has_its_place(bundle):
    edit(bundle / "tidemill.yaml", "    folds: 5", "    fold: 5")
    validate_fails(bundle, r"tidemill\.yaml:\d+:\d+: .*fold.*did you mean.*folds")


def test_a_cycle_names_its_tasks(bundle):
    path = bundle / "resources/ml_training_pipeline.yaml"
    text = path.read_text()
    assert "task_key: train" in text
    path.write_text(re.sub(r"- (\{)?task_key: train\b", lambda m: m[0] + (", depends_on: [{task_key: deploy}]" if m[1] else
                                                                           "\n          depends_on: [{task_key: deploy}]"), text, count=1))
    validate_fails(bundle, r"(?s)ml_training_pipeline\.yaml:\d+:\d+: .*cycle.*train")


def test_missing_and_unknown_variables_are_named(bundle):
    validate_fails(bundle, r"(?s)schema.*model_name|model_name.*schema", "--var", "catalog=main", code=None)
    done = tidemill("validate", "-f", bundle, "--var", VARS + ",colour=red", code=None)
    assert done.returncode != 0 and "colour" in done.stderr


def test_broken_yaml_has_its_place(bundle):
    edit(bundle / "tidemill.yaml", "bundle:\n", "bundle: [\n")
    validate_fails(bundle, r"tidemill\.yaml:\d+:\d+: ")


def test_a_bad_schedule_names_the_field(bundle):
    edit(bundle / "resources/ml_batch_inference.yaml", "0 0 0/6 * * ?", "0 0 99 * * ?")
    validate_fails(bundle, r"ml_batch_inference\.yaml:\d+:\d+: .*hour")


# --- damage

def blob_of_model(home):
    """The largest blob is some artifact; the model's is found by its first line."""
    for path in (home / "blobs").rglob("*"):
        if path.is_file() and path.read_bytes()[:5] == b"tree\n":
            return path
    raise AssertionError("no model among the blobs")


def test_a_damaged_blob_is_found_on_read(trained_copy):
    path = blob_of_model(trained_copy)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = run_job("ml_batch_inference", trained_copy, code=None)
    assert done.returncode == 1 and "damaged" in done.stdout + done.stderr
    with Server(trained_copy) as server:  # starts all the same, the endpoint says why it is not ready
        answer = requests.post(f"{server.url}/serving-endpoints/{ENDPOINT}/invocations", json={"dataframe_records": [ROW]})
        assert answer.status_code == 503 and answer.json()["error_code"]


def test_a_damaged_delta_log_is_named(trained_copy):
    log = trained_copy / "tables/main/ml_serving/feature_table/_delta_log/00000000000000000000.json"
    log.write_bytes(log.read_bytes()[:-40])
    done = run_job("ml_batch_inference", trained_copy, code=None)
    assert done.returncode == 1 and re.search(r"00000000000000000000\.json:\d+", done.stdout + done.stderr)


def test_a_damaged_database_is_refused(trained_copy):
    path = trained_copy / "tidemill.db"
    path.write_bytes(b"this is no database" * 1000)
    for side in ("tidemill.db-wal", "tidemill.db-shm"):
        (trained_copy / side).unlink(missing_ok=True)
    done = tidemill("server", "--port", free_port(), home=trained_copy, code=None)
    assert done.returncode == 1 and "tidemill.db" in done.stderr


@pytest.mark.parametrize("site", ["file_write", "blob_put", "delta_commit", "db_commit", "file_sync", "file_rename"])
def test_a_full_disk_loses_nothing(trained_copy, site):
    """The write fails at the site; the job says so, and works when there is room again."""
    done = run_job("ml_batch_inference", trained_copy, "--at", "2026-05-01T00:00:00Z", env={"TIDEMILL_FAULT": f"{site}:1"}, code=None)
    if done.returncode:
        assert re.search(r"No space left|disk|Input/output|fault", done.stdout + done.stderr), done.stdout + done.stderr
    run_job("ml_batch_inference", trained_copy, "--at", "2026-05-01T00:00:00Z")
    import deltalake

    rows = deltalake.DeltaTable(str(trained_copy / "tables/main/ml_serving/predictions")).to_pandas()
    assert len(rows) == 9961


# --- servers

def test_a_port_in_use(home, tmp_path):
    with Server(home) as server:
        done = tidemill("server", "--port", server.port, home=tmp_path / "other", code=5)
        assert str(server.port) in done.stderr and "use" in done.stderr


def test_a_second_server_on_the_same_home_is_refused_with_the_pid(home):
    with Server(home) as server:
        done = tidemill("server", "--port", free_port(), home=home, code=5)
        assert str(server.process.pid) in done.stderr


def test_only_loopback_is_bound(home):
    done = tidemill("server", "--host", "0.0.0.0", "--port", free_port(), home=home, code=None)
    assert done.returncode != 0 and "0.0.0.0" in done.stderr and "127.0.0.1" in done.stderr


# --- requests

@pytest.fixture(scope="module")
def server(trained, tmp_path_factory):
    copy = tmp_path_factory.mktemp("requests") / "home"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("*.sock"))
    with Server(copy) as s:
        yield s


def invoke(server, body, endpoint=ENDPOINT, **kwargs):
    url = f"{server.url}/serving-endpoints/{endpoint}/invocations"
    return requests.post(url, timeout=10, **({"json": body} if not isinstance(body, (str, bytes)) else
                                             {"data": body, "headers": {"Content-Type": "application/json"}}), **kwargs)


@pytest.mark.parametrize("change, words", [
    ({"trip_distance": "far"}, ["dataframe_records[0].trip_distance", "double"]),
    ({"pickup_hour": 3.5}, ["dataframe_records[0].pickup_hour", "long"]),
    ({"pickup_hour": True}, ["dataframe_records[0].pickup_hour"]),
    ({"pickup_hour": None}, ["dataframe_records[0].pickup_hour"]),
    ({"pickup_huor": 3}, ["pickup_huor", "did you mean pickup_hour"]),
])
def test_the_signature_is_enforced_with_the_fields_path(server, change, words):
    answer = invoke(server, {"dataframe_records": [{**ROW, **change}]})
    assert answer.status_code == 400, answer.text
    for word in words:
        assert word in answer.json()["message"]


def test_a_missing_column_in_a_request(server):
    row = {k: v for k, v in ROW.items() if k != "pickup_month"}
    answer = invoke(server, {"dataframe_records": [ROW, row]})
    assert answer.status_code == 400 and "dataframe_records[1].pickup_month" in answer.json()["message"]


def test_malformed_json_has_its_position(server):
    answer = invoke(server, '{"dataframe_records": [\n  {"trip_distance": 1.5,, }]}')
    assert answer.status_code == 400 and "line 2, column 25" in answer.json()["message"], answer.text


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '{"dataframe_records": 3}', '{"dataframe_split": {"columns": ["x"]}}', '{"instances": [[1]]}',
                                  '{"dataframe_records": [], "dataframe_split": {}}', '{"dataframe_records": [{"trip_distance": 01}]}', "\xff\xfe"])
def test_bodies_that_are_no_request(server, body):
    answer = invoke(server, body.encode("latin-1"))
    assert answer.status_code == 400 and answer.json()["message"] and answer.json()["error_code"]


def test_an_unknown_endpoint(server):
    answer = invoke(server, {"dataframe_records": [ROW]}, endpoint="nobody")
    assert answer.status_code == 404 and answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_a_version_that_does_not_exist(server):
    config = {"served_entities": [{"entity_name": MODEL, "entity_version": "77", "workload_size": "Small", "scale_to_zero_enabled": False}]}
    for answer in (requests.post(server.url + "/api/2.0/serving-endpoints", json={"name": "x", "config": config}),
                   requests.put(f"{server.url}/api/2.0/serving-endpoints/{ENDPOINT}/config", json=config)):
        assert answer.status_code == 404 and "77" in answer.json()["message"]
    assert server.predict() > 0


def test_an_unknown_path_is_json_never_html(server):
    for path in ("/api/2.0/mlflow/nothing", "/api/2.0/serving-endpoints/a/b/c/d", "/api/nothing"):
        answer = requests.get(server.url + path)
        assert answer.status_code == 404 and answer.json()["error_code"]


def test_a_body_over_the_limit_is_a_413_that_the_client_can_read(server):
    big = b'{"dataframe_records": [' + b" " * (64 << 20) + b"]}"
    answer = invoke(server, big)
    assert answer.status_code == 413 and answer.json()["message"]


def test_foreign_hosts_and_origins_are_refused(server):
    assert requests.get(server.url + "/health", headers={"Host": "evil.example"}).status_code == 403
    assert requests.get(server.url + "/health", headers={"Origin": "http://evil.example"}).status_code == 403
    assert requests.get(server.url + "/health", headers={"Origin": server.url}).status_code == 200


def raw(server, data, seconds=3):
    with socket.create_connection(("127.0.0.1", server.port), seconds) as s:
        s.settimeout(seconds)
        s.sendall(data)
        got = b""
        try:
            while part := s.recv(65536):
                got += part
        except (socket.timeout, ConnectionResetError):
            pass
        return got


SMUGGLING = [
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcdX",
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n\r\nabcd",
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\n X: folded\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
    b"GET /health HTTP/1.1\r\n\r\n",
    b"GET /health HTTP/1.1\nHost: localhost\n\n",
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\nabcd\n0\n\n",
    b"GET /hea\x00lth HTTP/1.1\r\nHost: localhost\r\n\r\n",
]


@pytest.mark.parametrize("request_bytes", SMUGGLING, ids=range(len(SMUGGLING)))
def test_ambiguous_framing_is_refused_and_the_connection_closed(server, request_bytes):
    got = raw(server, request_bytes + b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert re.match(rb"HTTP/1\.1 (400|403|413|501) ", got), got[:200]
    assert len(re.findall(rb"HTTP/1\.1 \d\d\d ", got)) == 1, "what followed was taken for a second request"


def test_slow_clients_do_not_stop_others(server):
    slow = []
    for _ in range(50):
        s = socket.create_connection(("127.0.0.1", server.port))
        s.sendall(b"POST /serving-endpoints/x/invocations HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        slow.append(s)
    for _ in range(20):
        assert server.predict() > 0
    time.sleep(11)  # the head must have come by now: they are cut off
    for s in slow:
        s.settimeout(5)
        assert s.recv(4096).startswith((b"HTTP/1.1 408", b""))
        s.close()
