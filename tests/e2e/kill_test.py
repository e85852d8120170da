#!/usr/bin/env python3
"""Ends `millrace weblog` at random moments while it captures, and looks for lines that are lost, out of order or counted twice.

usage: kill_test.py PROGRAM kill|terminate|damage

  kill       `kill -9`: every line is in the topic afterwards, in the file's order but for what was captured again, and the
             report equals a fresh count of the captured topic
  terminate  SIGTERM: exit code 0, and every line is there exactly once
  damage     bytes changed in the middle of a segment: that partition goes offline with a message that names the place, and
             the rest goes on

MILLRACE_ROUNDS (5), MILLRACE_LINES (200000) and MILLRACE_SEED change how hard it is.
"""

import pathlib
import subprocess
import sys
import threading

import program as e2e
import signal
import time

AGENTS = ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "curl/7.88.1",
          "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")


def line(number):
    """A log line that tells its number."""
    return (f"192.0.2.{number % 250 + 1} - - [17/May/2015:{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000] "
            f'"GET /n/{number} HTTP/1.1" {(200, 304, 404, 500)[number % 4]} {number % 5000} "-" "{AGENTS[number % 3]}"\n')


def number_of(text):
    return int(text.split(b"/n/", 1)[1].split(b" ", 1)[0])


class Writer:
    """Appends lines to the log in small pieces while a round runs."""

    def __init__(self, log, first, last):
        self._log, self._first, self._last = log, first, last
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self):
        piece = max(1, (self._last - self._first) // 40)
        with open(self._log, "a") as log:
            for begin in range(self._first, self._last, piece):
                # In pieces that end within a line now and then.
                text = "".join(map(line, range(begin, min(begin + piece, self._last))))
                cut = begin % len(text)
                for part in (text[:cut], text[cut:]):
                    log.write(part)
                    log.flush()
                self._stop.wait(0.02)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def interrupt_many_times(program, place, number, rounds, lines, random):
    """Captures a growing log with a program that is ended again and again; gives the log and the data folder."""
    log, data = place / "access.log", place / "data"
    log.touch()
    for turn in range(rounds):
        with Writer(log, lines * turn // rounds, lines * (turn + 1) // rounds):
            with e2e.Running(program, "weblog", "--data", data, "--page", "127.0.0.1:0", log) as running:
                moment = random.uniform(0, 1.5)
                time.sleep(moment)  # the random moment itself, not a wait for something
                code = running.end(number)
                wanted = 0 if number == signal.SIGTERM else -number
                assert code == wanted, f"round {turn}: exit code {code} after {moment:.3f} s\n{running.messages()}"
    return log, data


def captured(program, place, data):
    values = place / "captured.log"
    e2e.topic_values(program, data, "access-log", values)
    return values


def check_order(numbers, lines):
    """Every number is there, and none comes before the one ahead of it in the file has come: what is captured again begins
    behind a stored position and goes on from there."""
    seen = 0
    repeated = 0
    for at, number in enumerate(numbers):
        assert number <= seen, f"record {at} is line {number}, but line {seen} has not come yet"
        if number == seen:
            seen += 1
        else:
            repeated += 1
    assert seen == lines, f"line {seen} of {lines} is not in the topic"
    return repeated


def test_kill(program):
    random, rounds, lines = e2e.seeded("MILLRACE_SEED"), e2e.setting("MILLRACE_ROUNDS", 5), e2e.setting("MILLRACE_LINES", 200_000)
    e2e.need("kcat")
    with e2e.folder() as place:
        log, data = interrupt_many_times(program, place, signal.SIGKILL, rounds, lines, random)
        report = e2e.report_once(program, "--data", data, log)
        values = captured(program, place, data)
        with open(values, "rb") as records:
            numbers = [number_of(record) for record in records]
        repeated = check_order(numbers, lines)
        assert report["lines"] == len(numbers), f"the report has {report['lines']} lines, the topic {len(numbers)}"
        fresh = e2e.report_once(program, values)
        assert e2e.counts_of(report) == e2e.counts_of(fresh), "the report differs from a fresh count of the captured topic"
        print(f"{rounds} kills, {lines} lines, {repeated} captured again, report as counted afresh")


def test_terminate(program):
    random, rounds, lines = e2e.seeded("MILLRACE_SEED"), e2e.setting("MILLRACE_ROUNDS", 5), e2e.setting("MILLRACE_LINES", 200_000)
    e2e.need("kcat")
    with e2e.folder() as place:
        log, data = interrupt_many_times(program, place, signal.SIGTERM, rounds, lines, random)
        report = e2e.report_once(program, "--data", data, log)
        values = captured(program, place, data)
        assert values.read_bytes() == log.read_bytes(), "the topic is not the file, line for line"
        assert report["lines"] == lines, f"the report has {report['lines']} lines of {lines}"
        assert e2e.counts_of(report) == e2e.counts_of(e2e.report_once(program, log)), "the report differs from a fresh count"
        print(f"{rounds} ends by SIGTERM, {lines} lines, each exactly once")


def test_damage(program):
    e2e.need("kcat")
    lines = 20_000
    with e2e.folder() as place:
        log, data = place / "access.log", place / "data"
        log.write_text("".join(map(line, range(lines))))
        e2e.report_once(program, "--data", data, log)
        segment = min(data.rglob("access-log-0/*.log"), key=lambda path: path.name)
        damage(segment)
        with e2e.Running(program, "broker", "--data", data, "--listen", "127.0.0.1:0") as broker:
            address = broker.address()
            consume = ["kcat", "-C", "-q", "-b", address, "-o", "beginning", "-e", "-m", "10"]
            offsets = subprocess.run([*consume, "-t", "connect-offsets"], capture_output=True, timeout=e2e.PATIENCE)
            assert offsets.returncode == 0 and b'"position"' in offsets.stdout, f"the rest does not go on: {offsets}"
            lost = subprocess.run([*consume, "-t", "access-log"], capture_output=True, timeout=e2e.PATIENCE)
            assert lost.stdout.count(b"\n") < lines, "damaged records were served"
            broker.end()
            for word in ("access-log-0", "offline", segment.name, "byte"):
                assert word in broker.messages(), f"the message does not have {word!r}:\n{broker.messages()}"
        done = e2e.run(program, "weblog", "--once", "--data", data, log)
        assert done.returncode == 1, f"exit code {done.returncode} in spite of the damage"
        assert b"access-log-0" in done.stderr, done.stderr
        print("damage in the middle: partition offline, place named, the rest goes on")


def damage(segment: pathlib.Path):
    """Changes a few bytes a third into the file: acknowledged and synced long ago."""
    size = segment.stat().st_size
    with open(segment, "r+b") as file:
        file.seek(size // 3)
        before = file.read(16)
        file.seek(size // 3)
        file.write(bytes(byte ^ 0x5A for byte in before))


if __name__ == "__main__":
    {"kill": test_kill, "terminate": test_terminate, "damage": test_damage}[sys.argv[2]](sys.argv[1])
