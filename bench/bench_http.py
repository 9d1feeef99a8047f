"""http: CPU time of the server process per scored single-row request, beside nginx's `return 200` with an answer of the same size. The server is pinned to
the first core, the client (wrk) to the second; rounds alternate. Ours parses, checks the signature and asks the champion's trees; nginx answers a constant."""
import pathlib, re, statistics, subprocess, time

import common

ROUNDS, SECONDS, CONNECTIONS = 5, 2, (16, 64, 256)

NGINX = """
worker_processes 1; daemon off; master_process off; pid {work}/nginx.pid; error_log {work}/nginx.err crit;
events {{ worker_connections 4096; multi_accept on; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on; server_tokens off; default_type application/json;
 client_body_temp_path {work}/nginx_body; proxy_temp_path {work}/nginx_proxy; fastcgi_temp_path {work}/nginx_fcgi; uwsgi_temp_path {work}/nginx_uwsgi;
 scgi_temp_path {work}/nginx_scgi;
 server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 '{body}'; }} }} }}
"""


def script():
    path = common.WORK / "post.lua"
    path.write_text(f"wrk.method='POST'; wrk.body='{common.BODY}'; wrk.headers['Content-Type']='application/json'\n")
    return path


def load(pid, port, connections):
    """(CPU microseconds a request, requests a second) of one round."""
    before, begin = common.cpu_seconds(pid), time.perf_counter()
    out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(script()),
                          f"http://127.0.0.1:{port}/serving-endpoints/{common.ENDPOINT}/invocations"], capture_output=True, text=True).stdout
    used, took = common.cpu_seconds(pid) - before, time.perf_counter() - begin
    requests = int(re.search(r"(\d+) requests in", out)[1])
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"not every request was answered:\n{out}")
    return used / requests * 1e6, requests / took


def nginx(port, body):
    config = common.WORK / "nginx.conf"
    config.write_text(NGINX.format(work=common.WORK, port=port, body=body))
    process = subprocess.Popen(["taskset", "-c", "0", str(common.ROOT / "build/deps/debian/nginx/usr/sbin/nginx"), "-c", str(config), "-p", str(common.WORK)])
    common.wait_for(port, "/")
    return process


def run(figure):
    home, ours_port, peer_port = common.home(), common.free_port(), common.free_port()
    ours = common.server(home, ours_port, prefix=("taskset", "-c", "0"))
    common.wait_for(ours_port)
    _, body = common.predict(ours_port)
    peer = nginx(peer_port, body)
    held = []
    try:
        for connections in CONNECTIONS:
            rounds = [(load(ours.pid, ours_port, connections), load(peer.pid, peer_port, connections)) for _ in range(ROUNDS)]
            mine, theirs = (statistics.median(r[i][0] for r in rounds) for i in (0, 1))
            held.append(figure(f"http.c{connections}", mine, theirs, "us of CPU a request", "ratio <= 1", mine <= theirs))
    finally:
        common.stop(ours)
        common.stop(peer)
    return all(held)
