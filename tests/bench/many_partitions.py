"""Makes 10,000 partitions (or as many as the first argument says), puts a batch into each tenth, and measures `millrace
broker` on them: time from start to the first answer after a clean stop and after kill -9, memory, idle processor time.

PROGRAM=path in the environment measures another build.
"""

import os
import signal
import socket
import statistics
import struct
import sys
import tempfile
import time

import idle_broker
from idle_broker import cpu_seconds, receive, start, status

PARTITIONS_A_TOPIC = 1000
STARTS = 3


def request(key, version, body):
    client = b"bench"
    head = struct.pack(">hhi", key, version, 1) + struct.pack(">h", len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


def call(sock, key, version, body):
    sock.sendall(request(key, version, body))
    (size,) = struct.unpack(">i", receive(sock, 4))
    return receive(sock, size)


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def create_topics(sock, names):
    topics = b"".join(string(name) + struct.pack(">ihii", PARTITIONS_A_TOPIC, 1, 0, 0) for name in names)
    answer = call(sock, 19, 2, struct.pack(">i", len(names)) + topics + struct.pack(">i?", 60000, False))
    for name in names:
        at = answer.index(string(name)) + 2 + len(name)
        (error,) = struct.unpack_from(">h", answer, at)
        if error != 0:
            sys.exit(f"creating {name} failed with {error}")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def batch():
    now = int(time.time() * 1000)
    value = b"v" * 50
    record = bytes([0, 0, 0, 1, len(value) * 2]) + value + b"\0"
    record = bytes([len(record) * 2]) + record
    body = struct.pack(">hiqqqhii", 0, 0, now, now, -1, -1, -1, 1) + record
    rest = struct.pack(">ibI", -1, 2, crc32c(body)) + body
    return struct.pack(">qi", 0, len(rest)) + rest


def produce(sock, name, partitions):
    records = batch()
    data = b"".join(struct.pack(">ii", partition, len(records)) + records for partition in partitions)
    body = struct.pack(">hhii", -1, -1, 60000, 1) + string(name) + struct.pack(">i", len(partitions)) + data
    call(sock, 0, 3, body)


def stop(process, how):
    begun = time.monotonic()
    process.send_signal(how)
    process.wait(60)
    return time.monotonic() - begun


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=120)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    idle_broker.PROGRAM = os.environ.get("PROGRAM", idle_broker.PROGRAM)
    names = [f"topic-{i}" for i in range(max(1, count // PARTITIONS_A_TOPIC))]
    ports = []
    idle_broker.free_port = remembering(idle_broker.free_port, ports)
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        process, _ = start(data)
        try:
            with connect(ports[-1]) as sock:
                begun = time.monotonic()
                create_topics(sock, names)
                print(f"{len(names) * PARTITIONS_A_TOPIC} partitions made in {time.monotonic() - begun:.1f} s")
                for name in names:
                    produce(sock, name, range(0, PARTITIONS_A_TOPIC, 10))
            for how, what in ((signal.SIGTERM, "a clean stop"), (signal.SIGKILL, "kill -9")):
                starts, stops = [], []
                for _ in range(STARTS):
                    stops.append(stop(process, how))
                    process, seconds = start(data)
                    starts.append(seconds)
                print(f"start to first answer after {what}: median {statistics.median(starts) * 1000:.0f} ms of {STARTS}"
                      f" (the stop: {statistics.median(stops) * 1000:.0f} ms)")
            time.sleep(2)
            before = cpu_seconds(process.pid)
            time.sleep(30)
            used = cpu_seconds(process.pid) - before
            print(f"resident memory, idle: {status(process.pid, 'VmRSS') / 1024:.1f} MB")
            print(f"processor time in 30 idle seconds: {used * 1000:.0f} ms")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def remembering(function, results):
    def call_it():
        results.append(function())
        return results[-1]

    return call_it


if __name__ == "__main__":
    sys.exit(main())
