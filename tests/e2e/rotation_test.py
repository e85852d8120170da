#!/usr/bin/env python3
"""nginx behind wrk, its log rotated twice while `millrace weblog` follows it: hits counted = requests that nginx logged.

usage: rotation_test.py PROGRAM

First rotation: rename, then USR1, in the middle of the load. Second: copytruncate, after a pause (what is written between
the last read and a truncation cannot be had by anybody). MILLRACE_SECONDS (4) is how long wrk runs in all.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

import program as e2e

CONFIG = """
{user}
daemon off;
worker_processes 2;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {place}/access.log combined;
  client_body_temp_path {place}/body;
  proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi;
  scgi_temp_path {place}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 "hello\\n"; }}
    location /absent {{ return 404; }}
  }}
}}
"""

REQUESTS = """
local paths = {"/", "/a", "/b?q=1", "/absent/x", "/style.css"}
local count = 0
request = function()
  count = count + 1
  return wrk.format("GET", paths[count % #paths + 1])
end
"""


@contextlib.contextmanager
def nginx(place):
    """nginx on a port of its own, stopped at the end; gives the process and its address."""
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    (place / "nginx.conf").write_text(CONFIG.format(place=place, port=port, user=user))
    process = subprocess.Popen([program, "-p", str(place), "-c", str(place / "nginx.conf")], stderr=subprocess.PIPE)

    def answers():
        assert process.poll() is None, process.stderr.read().decode()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False
    try:
        e2e.await_that("nginx answers", answers)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(e2e.PATIENCE)
        process.stderr.close()


def load(place, url, seconds):
    (place / "requests.lua").write_text(REQUESTS)
    return subprocess.Popen(["wrk", "-t1", "-c8", f"-d{seconds}s", "-s", str(place / "requests.lua"), url],
                            stdout=subprocess.DEVNULL)


def lines_in(*files):
    return sum(file.read_bytes().count(b"\n") for file in files)


def main(program):
    e2e.need("nginx", "wrk")
    seconds = e2e.setting("MILLRACE_SECONDS", 4)
    with e2e.folder() as place, nginx(place) as (server, url):
        log, renamed, copied = place / "access.log", place / "access.log.1", place / "access.log.2"
        with e2e.Running(program, "weblog", "--data", place / "data", "--page", "127.0.0.1:0", log) as weblog:
            weblog.address()

            with load(place, url, max(1, seconds // 2)) as traffic:
                threading.Event().wait(seconds / 4)  # in the middle of the load
                log.rename(renamed)
                server.send_signal(signal.SIGUSR1)
                assert traffic.wait(e2e.PATIENCE) == 0

            weblog.await_report("all lines before the pause are counted",
                                lambda report: report["hits"] == lines_in(renamed, log))
            shutil.copyfile(log, copied)
            os.truncate(log, 0)

            with load(place, url, max(1, seconds // 2)) as traffic:
                assert traffic.wait(e2e.PATIENCE) == 0

            report = weblog.await_report("all lines are counted",
                                         lambda report: report["hits"] >= lines_in(renamed, copied, log))
            logged = lines_in(renamed, copied, log)
            assert lines_in(renamed) > 0 and lines_in(copied) > 0 and lines_in(log) > 0, "a rotation fell outside the load"
            assert (report["lines"], report["hits"], report["rejected"]) == (logged, logged, 0), report
            assert report["status"]["404"] == sum(file.read_bytes().count(b'" 404 ') for file in (renamed, copied, log))
            assert weblog.end() == 0, weblog.messages()
        print(f"nginx logged {logged} requests in {seconds} s through two rotations; hits counted: {report['hits']}")


if __name__ == "__main__":
    main(sys.argv[1])
