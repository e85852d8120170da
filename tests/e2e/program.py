"""Drives the real program for the end-to-end tests: starts it, finds out where it listens, asks for its report, ends it."""

import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SKIPPED = 77
PATIENCE = 120.0


def skip(reason):
    """Ends the test as not run: CTest lists it as skipped, never as passed."""
    print(f"SKIPPED: {reason}", flush=True)
    sys.exit(SKIPPED)


def need(*programs):
    for name in programs:
        if shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            skip(f"{name} is not installed")


def setting(name, default):
    return type(default)(os.environ.get(name, default))


def seeded(name):
    """A random source whose seed is printed, so that a failure can be repeated."""
    seed = setting(name, random.SystemRandom().randrange(1 << 32))
    print(f"{name}={seed}", flush=True)
    return random.Random(seed)


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="millrace-e2e-") as name:
        yield pathlib.Path(name)


def await_that(what, condition, patience=PATIENCE):
    """Waits for something outside this process to become true; gives what the condition gave."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        asked = time.monotonic()
        if value := condition():
            return value
        time.sleep(max(0.05, time.monotonic() - asked))  # a question that is costly is asked less often
    raise AssertionError(f"not within {patience:.0f} s: {what}")


class Running:
    """A `millrace` that stays. Its messages are kept."""

    def __init__(self, program, *arguments):
        self.output = []
        self.process = subprocess.Popen([program, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace")
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.output.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def messages(self):
        return "\n".join(self.output)

    def address(self, patience=PATIENCE):
        """HOST:PORT of the first line that names one."""
        def find():
            for line in self.output:
                if found := re.search(r"127\.0\.0\.1:(?!0\b)\d+", line):
                    return found.group()
            return None
        with self._changed:
            self._changed.wait_for(lambda: find() or self._ended, patience)
        found = find()
        assert found, f"it never said where it listens:\n{self.messages()}"
        return found

    def report(self, patience=10.0):
        with urllib.request.urlopen(f"http://{self.address()}/api/report", timeout=patience) as answer:
            return json.load(answer)

    def await_report(self, what, condition, patience=PATIENCE):
        last = {}

        def holds():
            last.update(self.report())
            return last if condition(last) else None
        try:
            return await_that(what, holds, patience)
        except AssertionError as error:
            counts = {key: last.get(key) for key in ("lines", "hits", "rejected")}
            raise AssertionError(f"{error}; the report says {counts}\n{self.messages()}") from None

    def end(self, number=signal.SIGTERM, patience=PATIENCE):
        """Sends the signal and waits; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(patience)
        self._reader.join(patience)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


def run(program, *arguments, patience=PATIENCE):
    return subprocess.run([program, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=patience)


def report_once(program, *arguments):
    done = run(program, "weblog", "--once", "--json", "--top", "0", *arguments)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr.decode(errors='replace')}"
    return json.loads(done.stdout)


def counts_of(report):
    """The report without the samples, whose offsets depend on where the lines are stored."""
    return {key: value for key, value in report.items() if key != "rejected_samples"}


def varint(data, at):
    """A zigzag varint of Kafka's record format; gives the number and where it ends."""
    shift = number = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
        shift += 7


def records_of(batch, count):
    """The values of a record batch's records."""
    at = 0
    for _ in range(count):
        length, at = varint(batch, at)
        end = at + length
        at += 1  # attributes
        _, at = varint(batch, at)  # timestamp
        _, at = varint(batch, at)  # offset
        size, at = varint(batch, at)  # key
        at += max(size, 0)
        size, at = varint(batch, at)
        yield batch[at:at + size] if size >= 0 else None
        at = end


def topic_values(data, topic):
    """Every value in the topic's first partition, in order: read from the segment files by Kafka's description of them, without
    any of our code. The records must not be compressed."""
    next_offset = None
    for segment in sorted(pathlib.Path(data).rglob(f"{topic}-0/*.log")):
        content = segment.read_bytes()
        at = 0
        while at + 61 <= len(content):
            base, length = struct.unpack_from(">qi", content, at)
            attributes, last_delta = struct.unpack_from(">hi", content, at + 21)
            count, = struct.unpack_from(">i", content, at + 57)
            if length <= 0:
                break  # space that was set aside
            assert attributes & 7 == 0, "compressed records"
            assert next_offset in (None, base), f"{segment.name} goes from offset {next_offset} to {base}"
            yield from records_of(content[at + 61:at + 12 + length], count)
            next_offset = base + last_delta + 1
            at += 12 + length
