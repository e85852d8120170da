#!/usr/bin/env python3
"""Ends `millrace weblog` at random moments while it captures, and looks for lines that are lost, out of order or counted twice.

usage: kill_test.py PROGRAM kill|terminate|damage

  kill       `kill -9`
  terminate  SIGTERM: exit code 0
             Either way every line is in the topic afterwards, once and in the file's order, and the report equals a fresh
             count of it
  damage     bytes changed in the middle of a segment: that partition goes offline with a message that names the place, and
             the rest goes on

MILLRACE_ROUNDS (5), MILLRACE_LINES (200000) and MILLRACE_SEED change how hard it is.
"""

import pathlib
import shutil
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


def check_lines(numbers, lines):
    """Every number is there once, in the file's order."""
    for at, number in enumerate(numbers):
        assert number <= at, f"line {at} is lost or late: record {at} is line {number}"
        assert number == at, f"line {number} was captured again: it is record {at} too"
    assert len(numbers) == lines, f"line {len(numbers)} of {lines} is not in the topic"


def count_to_the_end(program, log, data, lines):
    """Lets the capture go on to the end of the log; gives the report."""
    with e2e.Running(program, "weblog", "--data", data, "--page", "127.0.0.1:0", "--top", "0", log) as running:
        running.await_report("every line is counted", lambda report: report["lines"] >= lines)
        report = running.report()
        assert running.end() == 0, running.messages()
    return report


def interrupted(program, number):
    random, rounds, lines = e2e.seeded("MILLRACE_SEED"), e2e.setting("MILLRACE_ROUNDS", 5), e2e.setting("MILLRACE_LINES", 200_000)
    with e2e.folder() as place:
        log, data = interrupt_many_times(program, place, number, rounds, lines, random)
        report = count_to_the_end(program, log, data, lines)
        values = list(e2e.topic_values(data, "access-log"))
        check_lines([number_of(value) for value in values], lines)
        assert b"".join(value + b"\n" for value in values) == log.read_bytes(), "the topic is not the file, line for line"
        assert report["lines"] == lines, f"the report has {report['lines']} lines, the topic {lines}"
        fresh = e2e.report_once(program, log)
        assert e2e.counts_of(report) == e2e.counts_of(fresh), "the report differs from a fresh count of the captured topic"
        print(f"{rounds} times ended by {signal.Signals(number).name}, {lines} lines: each captured once, in order, and counted "
              "as by a run that was left alone")


def test_damage(program):
    e2e.need("kcat")
    lines = 20_000
    with e2e.folder() as place:
        log, data = place / "access.log", place / "data"
        log.write_text("".join(map(line, range(lines))))
        e2e.report_once(program, "--data", data, log)
        segment = min(data.rglob("access-log-0/*.log"), key=lambda path: path.name)
        damage(segment)
        served = place / "served.log"
        with e2e.Running(program, "broker", "--data", data, "--listen", "127.0.0.1:0") as broker:
            consume = ["kcat", "-C", "-q", "-b", broker.address(), "-o", "beginning", "-e", "-t"]
            # To a client an offline partition is one that may come back: this one would try for ever.
            with open(served, "wb") as out, subprocess.Popen([*consume, "access-log"], stdout=out) as reader:
                e2e.await_that("the broker says that the partition is offline", lambda: "is offline" in broker.messages())
                reader.kill()
            rest = subprocess.run([*consume, "connect-offsets"], capture_output=True, timeout=e2e.PATIENCE)
            assert rest.returncode == 0 and b'"position"' in rest.stdout, f"the rest does not go on: {rest}"
            broker.end()
            check_place_is_named(broker.messages(), segment)
        records = served.read_bytes().splitlines(keepends=True)
        assert len(records) < lines and log.read_bytes().startswith(b"".join(records[:-1])), "damaged records were served"

        # A job that has to read the damaged lines can't go on, and says why.
        shutil.rmtree(data / "weblog-state")
        done = e2e.run(program, "weblog", "--once", "--data", data, log)
        assert done.returncode == 1, f"exit code {done.returncode} in spite of the damage"
        check_place_is_named(done.stderr.decode(), segment)
        print("damage in the middle: partition offline, place named, the rest goes on")


def check_place_is_named(messages, segment):
    for word in ("access-log-0 is offline", segment.name, "byte"):
        assert word in messages, f"the message does not have {word!r}:\n{messages}"


def damage(segment: pathlib.Path):
    """Changes a few bytes a third into the file: acknowledged and synced long ago."""
    size = segment.stat().st_size
    with open(segment, "r+b") as file:
        file.seek(size // 3)
        before = file.read(16)
        file.seek(size // 3)
        file.write(bytes(byte ^ 0x5A for byte in before))


if __name__ == "__main__":
    {"kill": lambda program: interrupted(program, signal.SIGKILL),
     "terminate": lambda program: interrupted(program, signal.SIGTERM),
     "damage": test_damage}[sys.argv[2]](sys.argv[1])
