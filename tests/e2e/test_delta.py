"""Our Delta tables before other readers and writers: PyPI deltalake (delta-rs) and DuckDB's delta extension; and theirs before us."""
import datetime as dt, json, math, os, pathlib, random, resource, signal, subprocess, threading, time

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "build/deps/duckdb-delta/delta.duckdb_extension"
UTC = dt.timezone.utc


def tool_path():
    found = [p for p in (ROOT / f"build/{v}/table_peer_test" for v in ("release", "debug")) if p.exists()]
    if not found:
        subprocess.run(["tools/build", "release", "table_peer_test"], cwd=ROOT, check=True)
        return ROOT / "build/release/table_peer_test"
    return max(found, key=lambda p: p.stat().st_mtime)


TOOL = tool_path()


def ours(*args, fails=None):
    done = subprocess.run([str(TOOL), *map(str, args)], capture_output=True, text=True, timeout=120)
    if fails:
        assert done.returncode and fails in done.stderr, (done.returncode, done.stderr)
        return None
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Table:
    def __init__(self, home):
        self.home, self.dir = home, str(home / "tables/c/s/t")

    def write(self, sql, mode="append", by="-", txn=(), fails=None):
        return ours("write", self.home, "c.s.t", mode, by, sql, *txn, fails=fails)

    def read(self, sql="SELECT * FROM t", version=-1, fails=None):
        return ours("read", self.home, "c.s.t", version, sql, fails=fails)

    def theirs(self, version=None):
        return DeltaTable(self.dir, version=version)

    def arrow(self, version=None, filters=None):
        return self.theirs(version).to_pyarrow_table(filters=filters)


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path / "home")


@pytest.fixture(scope="session")
def spark_like():
    """DuckDB with the delta extension (delta-kernel-rs)."""
    con = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    con.execute(f"LOAD '{EXTENSION}'")
    con.execute("SET TimeZone='UTC'")
    return con


ALL_TYPES = """SELECT i AS id, i % 2 = 0 AS b, i::TINYINT AS i8, i::SMALLINT AS i16, i::INTEGER AS i32, (i / 3)::FLOAT AS f, i / 3 AS x,
    CASE WHEN i = 7 THEN 'NaN'::DOUBLE WHEN i = 8 THEN 'inf'::DOUBLE ELSE i END AS odd, CASE WHEN i % 4 = 0 THEN NULL ELSE 'é ' || i END AS s,
    repeat('z', 250) || i AS long, ('b' || i)::BLOB AS bin, DATE '2026-01-01' + i::INT AS d, TIMESTAMPTZ '2026-01-01 00:00:00.000999+00' + INTERVAL (i) SECOND AS ts,
    TIMESTAMP '2026-01-01 00:00:00' + INTERVAL (i) HOUR AS naive, (i * 1.25)::DECIMAL(12, 3) AS dec, NULL::BIGINT AS none, i::HUGEINT AS huge FROM range(20) r(i)"""


def test_deltalake_reads_all_types(table):
    table.write(ALL_TYPES)
    got = table.arrow().sort_by("id").to_pylist()
    assert len(got) == 20
    assert got[4] == {"id": 4, "b": True, "i8": 4, "i16": 4, "i32": 4, "f": got[4]["f"], "x": 4 / 3, "odd": 4.0, "s": None, "long": "z" * 250 + "4", "bin": b"b4",
                      "d": dt.date(2026, 1, 5), "ts": dt.datetime(2026, 1, 1, 0, 0, 4, 999, UTC), "naive": dt.datetime(2026, 1, 1, 4, tzinfo=UTC),
                      "dec": got[4]["dec"], "none": None, "huge": 4}
    assert math.isclose(got[4]["f"], 4 / 3, rel_tol=1e-6) and float(got[4]["dec"]) == 5.0
    assert math.isnan(got[7]["odd"]) and got[8]["odd"] == math.inf


def test_duckdb_reads_all_types(table, spark_like):
    table.write(ALL_TYPES)
    rows = spark_like.execute(f"SELECT count(*), sum(id), sum(i8), sum(x), max(ts)::VARCHAR, max(naive)::VARCHAR, count(s), sum(dec), sum(huge) FROM delta_scan('{table.dir}')").fetchone()
    assert rows[:3] == (20, 190, 190) and math.isclose(rows[3], 190 / 3) and rows[4:] == ("2026-01-01 00:00:19.000999+00", "2026-01-01 19:00:00+00", 15, rows[7], 190)
    assert float(rows[7]) == 237.5


BOUNDARY = [("id = 19", 1), ("id >= 19", 1), ("id <= 0", 1), ("f >= (19.0 / 3)::FLOAT", 1), ("f > 6.3", 1), ("odd > 18", 3), ("isnan(odd)", 1),
            ("ts >= TIMESTAMPTZ '2026-01-01 00:00:19.000999+00'", 1), ("ts <= TIMESTAMPTZ '2026-01-01 00:00:00.000999+00'", 1), ("s >= 'é 9'", 1),
            ("long >= repeat('z', 250) || '9'", 1), ("d = DATE '2026-01-20'", 1), ("dec = 23.75", 1), ("none IS NULL", 20), ("s IS NULL", 5), ("b", 10),
            ("naive >= TIMESTAMPTZ '2026-01-01 19:00:00+00'", 1)]


def test_no_filter_loses_a_row_at_a_bound(table, spark_like):
    """Statistics that are too tight lose rows silently: every bound is asked for, one file a row so that all can be skipped."""
    for i in range(0, 20, 5):
        table.write(f"SELECT * FROM ({ALL_TYPES}) WHERE id >= {i} AND id < {i} + 5")
    for condition, want in BOUNDARY:
        got = spark_like.execute(f"SELECT count(*) FROM delta_scan('{table.dir}') WHERE {condition}").fetchone()[0]
        assert got == want == table.read(f"SELECT count(*) FROM t WHERE {condition}")[0][0], condition
    last = dt.datetime(2026, 1, 1, 0, 0, 19, 999, UTC)
    for filters, want in [([("id", "=", 19)], 1), ([("ts", ">=", last)], 1), ([("ts", "=", last)], 1), ([("d", "=", dt.date(2026, 1, 20))], 1),
                          ([("s", "=", "é 19")], 1), ([("long", "=", "z" * 250 + "19")], 1), ([("odd", ">", 18.0)], 2)]:
        assert table.arrow(filters=filters).num_rows == want, filters


def test_partitions_with_odd_values(table, spark_like):
    sql = """SELECT i AS id, CASE WHEN i % 4 = 0 THEN NULL ELSE 'é/ %=:' || (i % 4) END AS p, DATE '2026-01-01' + (i % 2)::INT AS day,
             TIMESTAMP '2026-01-01 10:00:00.25' + INTERVAL (i % 2) HOUR AS ts, i % 2 = 0 AS b FROM range(40) r(i)"""
    assert table.write(sql, by="p,day,ts,b")["files"] == 4
    table.write(sql, by="p,day,ts,b")
    got = table.arrow().sort_by("id").to_pylist()
    assert len(got) == 80
    want = {"id": 5, "p": "é/ %=:1", "day": dt.date(2026, 1, 2), "ts": dt.datetime(2026, 1, 1, 11, 0, 0, 250000, UTC), "b": False}
    assert got[10] == want and got[0]["p"] is None
    rows = spark_like.execute(f"SELECT p, day::VARCHAR, ts::VARCHAR, b, count(*) FROM delta_scan('{table.dir}') GROUP BY ALL ORDER BY p NULLS FIRST").fetchall()
    assert rows[0] == (None, "2026-01-01", "2026-01-01 10:00:00.25+00", True, 20) and rows[1] == ("é/ %=:1", "2026-01-02", "2026-01-01 11:00:00.25+00", False, 20)
    assert table.arrow(filters=[("p", "=", "é/ %=:1")]).num_rows == 20
    assert spark_like.execute(f"SELECT count(*) FROM delta_scan('{table.dir}') WHERE p = 'é/ %=:3'").fetchone()[0] == 20


def test_versions_overwrite_txn_and_history(table, spark_like):
    table.write("SELECT 1 AS a")
    table.write("SELECT 2 AS a", txn=("batch", 3))
    assert table.write("SELECT 2 AS a", txn=("batch", 3))["already"]
    table.write("SELECT 9 AS a", mode="overwrite")
    assert table.theirs().transaction_version("batch") == 3
    assert [table.arrow(v).column("a").to_pylist() for v in (0, 1, 2)] == [[1], [1, 2], [9]] or sorted(table.arrow(1).column("a").to_pylist()) == [1, 2]
    assert spark_like.execute(f"SELECT a FROM delta_scan('{table.dir}', version=1) ORDER BY a").fetchall() == [(1,), (2,)]
    history = table.theirs().history()
    assert history[0]["operation"] == "WRITE" and history[0]["engineInfo"].startswith("tidemill/")
    table.write("SELECT 'x' AS other, 1.5 AS c", mode="replace")
    assert table.arrow().schema.names == ["other", "c"]
    # Nothing in the folder is foreign to a vacuum: the files of the old versions go, the live ones stay.
    removed = table.theirs().vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert len(removed) == 3 and table.arrow().num_rows == 1 and table.read() == [["x", 1.5]]


def test_deltalake_appends_to_ours_and_we_read_it(table):
    table.write("SELECT i AS id, 'p' || (i % 2) AS p, TIMESTAMPTZ '2026-01-01' AS ts FROM range(4) r(i)", by="p")
    more = pa.table({"id": pa.array([10, 11], pa.int64()), "p": ["p0", None], "ts": pa.array([dt.datetime(2026, 2, 1, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC"))})
    write_deltalake(table.dir, more, mode="append")
    assert table.read("SELECT id, p FROM t ORDER BY id") == [[0, "p0"], [1, "p1"], [2, "p0"], [3, "p1"], [10, "p0"], [11, None]]
    assert table.write("SELECT 20 ::BIGINT AS id, 'new' AS p, now() AS ts", by="p")["version"] == 2
    assert table.arrow().num_rows == 7
    table.theirs().delete("id = 10")
    assert [r[0] for r in table.read("SELECT id FROM t ORDER BY id")] == [0, 1, 2, 3, 11, 20]
    table.theirs().optimize.compact()
    assert len(table.read()) == 6


def test_duckdb_appends_to_ours_and_we_read_it(table, spark_like):
    table.write("SELECT i AS id, 'p' || (i % 2) AS p FROM range(4) r(i)", by="p")
    spark_like.execute(f"ATTACH '{table.dir}' AS attached (TYPE delta)")
    spark_like.execute("INSERT INTO attached SELECT 100 + i AS id, 'p9' AS p FROM range(3) r(i)")
    spark_like.execute("DETACH attached")
    assert table.read("SELECT count(*), max(id), max(p) FROM t") == [[7, 102, "p9"]]


def test_we_read_and_append_to_theirs(table):
    os.makedirs(os.path.dirname(table.dir))
    naive = pa.table({"id": pa.array(range(6), pa.int32()), "naive": pa.array([dt.datetime(2026, 1, 1, 12)] * 6, pa.timestamp("us")), "p": ["a b/é"] * 3 + [None] * 3,
                      "list": [[1, 2]] * 6})
    write_deltalake(table.dir, naive, partition_by=["p"])
    assert table.read("SELECT id, p, naive, len(list) FROM t ORDER BY id")[3] == [3, None, 1767268800000000, 2]
    assert table.read("SELECT count(*) FROM t WHERE p = 'a b/é'") == [[3]]
    flat = Table(table.home.parent / "other")
    os.makedirs(os.path.dirname(flat.dir))
    write_deltalake(flat.dir, naive.drop_columns(["list"]), partition_by=["p"])
    flat.write("SELECT 7 AS id, TIMESTAMP '2026-01-02' AS naive, 'c' AS p", by="p")
    assert flat.arrow().num_rows == 7
    assert max(flat.arrow().column("naive").to_pylist()) == dt.datetime(2026, 1, 2)


def test_we_read_through_their_checkpoint(table):
    for i in range(12):
        table.write(f"SELECT {i}::BIGINT AS id, 'p{i % 3}' AS p", by="p", txn=("app", i))
    table.theirs().create_checkpoint()
    table.write("SELECT 100 ::BIGINT AS id, 'p0' AS p", by="p")
    for version in range(11):
        os.remove(f"{table.dir}/_delta_log/{version:020}.json")
    assert table.read("SELECT count(*), sum(id), count(DISTINCT p) FROM t") == [[13, 166, 3]]
    assert table.write("SELECT 1 AS id, 'p0' AS p", by="p", txn=("app", 11))["already"]
    table.read(version=5, fails="is missing")
    assert table.write("SELECT 1 ::BIGINT AS id, 'p0' AS p", by="p", txn=("app", 12))["version"] == 13
    assert table.arrow().num_rows == 14


def test_columns_added_by_others_are_null_in_old_files(table):
    table.write("SELECT 1::BIGINT AS id")
    write_deltalake(table.dir, pa.table({"id": pa.array([2], pa.int64()), "more": ["new"]}), mode="append", schema_mode="merge")
    assert table.read("SELECT id, more FROM t ORDER BY id") == [[1, None], [2, "new"]]
    table.write("SELECT 3::BIGINT AS id", fails='column "more" (string) of the table is missing')


def test_writers_of_both_kinds_at_once_lose_nothing(table):
    """Each side retries a lost race by itself; deltalake may give up, then it is asked again."""
    table.write("SELECT 0::BIGINT AS who, 0::BIGINT AS i")
    problems = []

    def theirs():
        for i in range(15):
            for _ in range(30):
                try:
                    write_deltalake(table.dir, pa.table({"who": pa.array([1], pa.int64()), "i": pa.array([i], pa.int64())}), mode="append")
                    break
                except Exception as e:  # noqa: BLE001
                    last = e
            else:
                problems.append(last)

    def us():
        for i in range(15):
            try:
                table.write(f"SELECT 2::BIGINT AS who, {i}::BIGINT AS i")
            except AssertionError as e:
                problems.append(e)

    threads = [threading.Thread(target=f) for f in (theirs, us)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not problems
    assert table.read("SELECT who, count(*), count(DISTINCT i) FROM t GROUP BY 1 ORDER BY 1") == [[0, 1, 1], [1, 15, 15], [2, 15, 15]]
    assert table.arrow().num_rows == 31


def test_damage_is_refused(table):
    table.write("SELECT 1 AS a")
    table.write("SELECT 2 AS a")
    log = pathlib.Path(table.dir, "_delta_log")
    whole = (log / f"{1:020}.json").read_bytes()
    (log / f"{1:020}.json").write_bytes(whole[:len(whole) // 2])
    table.read(fails=f"{1:020}.json:")
    table.write("SELECT 3 AS a", fails="format: ")
    (log / f"{1:020}.json").unlink()
    (log / f"{2:020}.json").write_bytes(whole)
    table.read(fails="commit 1 is missing")


def test_a_full_disk_leaves_the_table_as_it_was(table):
    """A limit on the size of files stands for the disk: what does not fit fails in the same calls."""
    table.write("SELECT 1::BIGINT AS a, 'x' AS s")

    def little_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    sql = "SELECT i AS a, md5(i::VARCHAR) AS s FROM range(100000) r(i)"
    done = subprocess.run([str(TOOL), "write", str(table.home), "c.s.t", "append", "-", sql], capture_output=True, text=True, preexec_fn=little_room)
    assert done.returncode == 1 and done.stderr.startswith("io: "), (done.returncode, done.stderr)
    assert [p.name for p in pathlib.Path(table.dir).rglob("*.parquet")] == [os.path.basename(table.theirs().file_uris()[0])]
    assert table.read("SELECT count(*) FROM t") == [[1]]
    assert table.write(sql)["version"] == 1


def test_a_killed_writer_loses_and_doubles_nothing(table):
    """kill -9 at random moments; each batch is then written again under the same txn, as a job run would."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    sql = "SELECT i AS id, {0} AS batch, 'p' || (i % 3) AS p FROM range(3000) r(i)"
    table.write(sql.format(0), by="p", txn=("batch", 0))
    for batch in range(1, 25):
        args = [str(TOOL), "write", str(table.home), "c.s.t", "append", "p", sql.format(batch), "batch", str(batch)]
        with subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as writer:
            time.sleep(chance.uniform(0, 0.15))
            writer.kill()
        table.write(sql.format(batch), by="p", txn=("batch", batch))
    want = [[batch, 3000, 3000] for batch in range(25)]
    assert table.read("SELECT batch, count(*), count(DISTINCT id) FROM t GROUP BY 1 ORDER BY 1") == want
    assert table.arrow().num_rows == 75000
