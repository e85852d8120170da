"""`millrace broker` with many connections (connection_load.cc), beside Apache Kafka when that is there.

usage: connections_bench.py [--idle 5000] [--active 1000] [--rate 2000] [--seconds 15] [--silent-seconds 10]

Half of the requests produce 100 bytes with acks=all, half fetch. Memory is the broker's resident memory after a phase less
that before it, by connection. A Java heap grows when it likes: of Kafka only the totals mean something.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

import broker_bench

LOAD = broker_bench.ROOT / "build/release/bin/connection_load"
PARTITIONS = 6
# What a process may open without asking for more: the broker raises its own limit.
USUAL_LIMIT = 1024


def resident(broker):
    text = pathlib.Path(f"/proc/{broker.pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024


class Load:
    """The load program: each phase is read, and the next one begun with a line."""

    def __init__(self, broker, options):
        numbers = (options.idle, options.active, options.rate, options.seconds)
        self.process = subprocess.Popen(
            [LOAD, str(broker.port), "connections", str(PARTITIONS), *map(str, numbers)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def phase(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the load ended with exit code {self.process.wait()}")
        return json.loads(line)

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()


def measure(broker, options):
    broker_bench.create_topic(broker.port, "connections", PARTITIONS)
    before = resident(broker)
    load = Load(broker, options)
    load.phase()
    idle = resident(broker)
    used = broker.cpu()
    time.sleep(options.silent_seconds)
    used = broker.cpu() - used
    load.go_on()
    load.phase()
    spent = broker.cpu()
    load.go_on()
    result = load.phase()
    spent = broker.cpu() - spent
    after = resident(broker)
    if load.process.wait():
        sys.exit("the load failed")
    print(f"{broker.name}: {(idle - before) / options.idle:.0f} bytes a silent connection; resident {before / 1e6:.1f} MB "
          f"without, {idle / 1e6:.1f} MB with them, {after / 1e6:.1f} MB after the load")
    print(f"  processor time in {options.silent_seconds} silent seconds: {used * 1000:.0f} ms; "
          f"a request of the load: {spent * 1e6 / (options.rate * options.seconds):.0f} us")
    for what in ("produce", "fetch"):
        times = result[what]
        print(f"  {what:8} {times['count']:6} requests: p50 {times['p50']:.2f} ms, p99 {times['p99']:.2f} ms, "
              f"p99.9 {times['p999']:.2f} ms, largest {times['max']:.2f} ms")
    print(f"  failures: {result['failures']}", flush=True)
    return result["failures"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--active", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--silent-seconds", type=int, default=10)
    parser.add_argument("--without-kafka", action="store_true")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(USUAL_LIMIT, hard), hard))
    print(f"{options.idle} silent connections, {options.active} that ask {options.rate} times a second in all; "
          f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    failures = 0
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        with broker_bench.millrace(os.path.join(folder, "millrace")) as broker:
            failures = measure(broker, options)
        if (broker_bench.SHARED / "peers/kafka").exists() and not options.without_kafka:
            with broker_bench.kafka(os.path.join(folder, "kafka")) as broker:
                measure(broker, options)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
