"""start: the time to the first prediction, of `version`, and the memory of an idle server. Warm page cache."""
import pathlib, statistics, subprocess, time

import common

ROUNDS = 9


def first_prediction(home):
    port = common.free_port()
    begin = time.perf_counter()
    process = common.server(home, port)
    try:
        common.wait_for(port, "/health")
        while True:
            head, _ = common.predict(port)
            if " 200 " in head:
                return (time.perf_counter() - begin) * 1e3
    finally:
        common.stop(process)


def version():
    begin = time.perf_counter()
    subprocess.run([common.TIDEMILL, "version"], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begin) * 1e3


def idle_memory(home):
    port = common.free_port()
    process = common.server(home, port)
    try:
        common.wait_for(port)
        common.predict(port)
        time.sleep(1)
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024
    finally:
        common.stop(process)


def run(figure):
    home = common.home()
    first = statistics.median(first_prediction(home) for _ in range(ROUNDS))
    asked = statistics.median(version() for _ in range(ROUNDS))
    memory = idle_memory(home)
    return all([
        figure("start.first_prediction", first, None, "ms", "< 50", first < 50),
        figure("start.version", asked, None, "ms", "< 10", asked < 10),
        figure("start.idle_rss", memory, None, "MB", "< 32", memory < 32),
    ])
