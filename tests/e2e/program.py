"""Drives the real program for the end-to-end tests: starts it, finds out where it listens, asks for its report, ends it."""

import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
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
        if value := condition():
            return value
        time.sleep(0.05)
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


def topic_values(program, data, topic, into):
    """Writes every record of the topic to a file, one a line, through a Kafka client that others wrote."""
    with Running(program, "broker", "--data", data, "--listen", "127.0.0.1:0") as broker:
        with open(into, "wb") as out:
            subprocess.run(["kcat", "-C", "-q", "-b", broker.address(), "-t", topic, "-o", "beginning", "-e", "-D", "\n"],
                           stdout=out, check=True, timeout=PATIENCE)
        assert broker.end() == 0, broker.messages()
