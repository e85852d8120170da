"""`millrace broker` beside Apache Kafka, each under the same loads by librdkafka (broker_load.cc), one after the other.

usage: broker_bench.py [--runs 1] [--megabytes 200] [--rate 5000] [--seconds 15]

Millrace syncs every record to the disk before it answers; Kafka runs with its defaults, so it does not. Processor time is
the broker's, per GB (10^9 bytes) of values; a ratio is Millrace's figure divided by Kafka's. Without ../shared there is no
Kafka to compare with, and Millrace is measured alone.
"""

import argparse
import contextlib
import json
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/release/bin/millrace"
LOAD = ROOT / "build/release/bin/broker_load"
SHARED = pathlib.Path(os.environ.get("MILLRACE_SHARED", ROOT.parent / "shared"))
# What a broker gets to come up, in seconds.
START_PATIENCE = 60


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def answer(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(struct.pack(">i", len(request)) + request)
        reply = sock.makefile("rb")
        (size,) = struct.unpack(">i", reply.read(4))
        return reply.read(size)


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def request(key, version, body):
    return struct.pack(">hhi", key, version, 1) + string("bench") + body


def create_topic(port, name, partitions):
    topic = string(name) + struct.pack(">ihii", partitions, 1, 0, 0)
    reply = answer(port, request(19, 2, struct.pack(">i", 1) + topic + struct.pack(">ib", 10000, 0)))
    (error,) = struct.unpack(">h", reply[12 + 2 + len(name):][:2])
    if error:
        sys.exit(f"creating topic {name} failed with error {error}")


class Broker:
    """A running broker: where it listens, and what it has cost so far."""

    def __init__(self, name, port, pid):
        self.name, self.port, self.pid = name, port, pid

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE).group(1)) / 1024

    def load(self, what, topic, *numbers):
        before = self.cpu()
        done = subprocess.run([LOAD, what, f"127.0.0.1:{self.port}", topic, *map(str, numbers)], stdout=subprocess.PIPE)
        if done.returncode:
            sys.exit(f"{what} on {self.name} failed")
        return json.loads(done.stdout) | {"cpu": self.cpu() - before}


def wait_for_answer(port, process):
    """Until the broker answers ApiVersions, a minute at most. It tells nobody when it listens, so it is asked: every 10 ms,
    which is how exact the times of start-up are."""
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            answer(port, request(18, 0, b""))
            return
        if process is not None and process.poll() is not None:
            sys.exit(f"the broker ended with exit code {process.returncode} before it answered")
        time.sleep(0.01)
    sys.exit(f"the broker did not answer within {START_PATIENCE} s")


@contextlib.contextmanager
def millrace(folder):
    port = free_port()
    begun = time.monotonic()
    process = subprocess.Popen([PROGRAM, "broker", "--data", folder, "--listen", f"127.0.0.1:{port}"],
                               stderr=subprocess.DEVNULL)
    try:
        wait_for_answer(port, process)
        print(f"millrace: first answer {(time.monotonic() - begun) * 1000:.0f} ms after start")
        yield Broker("millrace", port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextlib.contextmanager
def kafka(folder):
    script = SHARED / "peers/kafka"
    subprocess.run([script, "get"], check=True)
    # The jars stay where the script keeps them; what the broker writes goes with the bench's folder.
    home = pathlib.Path(os.environ.get("PEER_HOME", pathlib.Path(tempfile.gettempdir()) / "millrace-peer-kafka"))
    port = free_port()
    env = os.environ | {"PEER_PORT": str(port)}
    begun = time.monotonic()
    subprocess.run([script, "start", f"log.dirs={folder}"], check=True, env=env)
    try:
        wait_for_answer(port, None)
        print(f"kafka: first answer {(time.monotonic() - begun) * 1000:.0f} ms after start (with formatting its folder)")
        yield Broker("kafka", port, int((home / "pid").read_text()))
    finally:
        subprocess.run([script, "stop"], check=True, env=env)


def median_of(runs, key):
    return statistics.median(run[key] for run in runs)


def throughput(brokers, options):
    print(f"\n{'':34}{'records/s':>24}{'CPU s/GB':>22}{'ratio':>8}")
    for what in ("produce", "consume"):
        for size in (100, 1000):
            for partitions in (1, 6):
                for clients in (1, 100):
                    records = options.megabytes * 1_000_000 // size
                    rate, cpu = {}, {}
                    for broker in brokers:
                        runs = []
                        for run in range(options.runs):
                            topic = f"t-{size}-{partitions}-{clients}-{run}"
                            if what == "produce":
                                create_topic(broker.port, topic, partitions)
                            runs.append(broker.load(what, topic, records, size, clients))
                        rate[broker.name] = records / median_of(runs, "seconds")
                        cpu[broker.name] = median_of(runs, "cpu") / (records * size / 1e9)
                    ratio = f"{cpu['millrace'] / cpu['kafka']:8.2f}" if "kafka" in cpu and cpu["kafka"] else ""
                    print(f"{what} {size:5} B {partitions} partitions {clients:3} clients"
                          + "".join(f"{rate[b.name]:12,.0f}" for b in brokers)
                          + "".join(f"{cpu[b.name]:11.2f}" for b in brokers) + ratio, flush=True)


def latencies(brokers, options):
    print(f"\nend-to-end latency in ms at {options.rate} records/s of 100 B, median of {options.runs}"
          f"\n{'':34}{'p50':>8}{'p99':>8}{'p99.9':>8}{'max':>8}{'CPU %':>8}")
    for broker in brokers:
        create_topic(broker.port, "latency", 1)
        broker.load("latency", "latency", options.rate, 100, 5)  # the JVM compiles what it runs often
        runs = [broker.load("latency", "latency", options.rate, 100, options.seconds) for _ in range(options.runs)]
        print(f"{broker.name:34}" + "".join(f"{median_of(runs, key):8.2f}" for key in ("p50", "p99", "p999", "max"))
              + f"{100 * median_of(runs, 'cpu') / options.seconds:8.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=15)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp"))
        brokers = [stack.enter_context(millrace(os.path.join(folder, "millrace")))]
        if (SHARED / "peers/kafka").exists():
            brokers.append(stack.enter_context(kafka(os.path.join(folder, "kafka"))))
        else:
            print(f"no Apache Kafka to compare with: {SHARED}/peers is absent")
        print(f"{' and '.join(broker.name for broker in brokers)}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        for broker in brokers:  # nobody is measured cold
            create_topic(broker.port, "warm-up", 1)
            broker.load("produce", "warm-up", options.megabytes * 10_000, 100, 1)
            broker.load("consume", "warm-up", options.megabytes * 10_000, 100, 1)
        latencies(brokers, options)
        throughput(brokers, options)
        print("\nlargest resident memory: " + ", ".join(f"{b.name} {b.memory_mb():.0f} MB" for b in brokers))


if __name__ == "__main__":
    main()
