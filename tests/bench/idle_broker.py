"""Starts `millrace broker` on an empty and on a used data folder and measures what it costs while nobody talks to it.

Prints medians of several starts. The first answer is that to an ApiVersions request, sent as soon as the port accepts.
"""

import os
import pathlib
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/millrace"
STARTS = 7


def api_versions_request():
    client = b"idle"
    body = struct.pack(">hhi", 18, 0, 1) + struct.pack(">h", len(client)) + client
    return struct.pack(">i", len(body)) + body


def receive(sock, size):
    data = b""
    while len(data) < size:
        chunk = sock.recv(size - len(data))
        if not chunk:
            raise ConnectionError("the broker closed the connection")
        data += chunk
    return data


def first_answer(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
                sock.sendall(api_versions_request())
                (size,) = struct.unpack(">i", receive(sock, 4))
                receive(sock, size)
                return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.0005)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def status(pid, key):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE).group(1))


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(data):
    port = free_port()
    begun = time.monotonic()
    process = subprocess.Popen([PROGRAM, "broker", "--data", data, "--listen", f"127.0.0.1:{port}"],
                               stderr=subprocess.DEVNULL)
    first_answer(port)
    return process, time.monotonic() - begun


def main():
    with tempfile.TemporaryDirectory() as folder:
        answers = []
        for _ in range(STARTS):
            process, seconds = start(os.path.join(folder, "data"))
            answers.append(seconds)
            process.send_signal(signal.SIGTERM)
            process.wait(10)
        process, _ = start(os.path.join(folder, "data"))
        try:
            before = cpu_seconds(process.pid)
            time.sleep(10)
            used = cpu_seconds(process.pid) - before
            print(f"start to first answer: median {statistics.median(answers) * 1000:.1f} ms of {STARTS}, "
                  f"first on an empty folder {answers[0] * 1000:.1f} ms")
            print(f"resident memory, idle: {status(process.pid, 'VmRSS') / 1024:.1f} MB")
            print(f"processor time in 10 idle seconds: {used * 1000:.0f} ms")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


if __name__ == "__main__":
    sys.exit(main())
