"""A driver of a Kafka client, as the scenarios see it: a process that is told verbs and answers, a line of JSON each.

A driver is started as `DRIVER HOST:PORT`. It reads requests from its standard input and writes answers and events to its
standard output; messages for people go to its standard error. It ends when its input ends.

    request   {"id": 1, "do": "produce", "topic": "t", ...}
    answer    {"id": 1, "ok": {...}}       done
              {"id": 1, "error": "why"}    the client or the broker refused
              {"id": 1, "lacks": "why"}    this client has no such thing
    events    {"assigned": [0, 2]}         the partitions that this member has now
              {"read": [[0, "value"]]}     records that this member got: partition and value
              {"state": "RUNNING"}         what a whole application, which is no driver of verbs, is doing
              {"failed": "why"}            this member has ended by an error

The verbs, their arguments, and what is answered. Text is UTF-8; a key or value may be null.

    hello                                           {"version"}: the client's
    produce topic partition records headers codec acks idempotent
                                                    `records` are [key, value], `codec` none, gzip, snappy, lz4 or zstd,
                                                    `acks` 0, 1 or all; answers when all are acknowledged
    consume topic partition from until isolation    {"records": [[offset, time, key, value, headers]]}, from {"offset"} or
                                                    {"time"} up to the first record with the value `until`
    join group topic protocol                       begins to be a member, classic or consumer, at the earliest offset where
                                                    nothing is committed; commits each batch after telling of it
    leave                                           leaves the group properly
    open name timeout_ms                            a transactional producer
    begin, send topic partition values, commit, abort
                                                    what it does; `send` answers when all are acknowledged
    copy group name source target count             copies in transactions until `count` records are committed; every third
                                                    transaction is aborted and done again
    create_topic name partitions config             topics: {"topics": {name: partitions}}
    delete_topic name                               add_partitions topic count
    set_config topic key value                      get_config topic key: {"value"}
    groups: {"groups": [name]}                      describe_group group: {"state", "members"}
    delete_group group                              committed group topic: {"offsets": {partition: offset}}
    delete_records topic partition offset           offsets topic partition: {"earliest", "latest"}
"""

import json
import os
import signal
import subprocess
import threading

import program

PATIENCE = 120.0


class Refused(Exception):
    """The client or its broker said no."""


class Lacks(Exception):
    """The client has no such thing."""


class Driver:
    """A running driver. One thread at a time may call it; its events are kept as they come."""

    def __init__(self, command, address, log):
        self._process = subprocess.Popen([*map(str, command), address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                         text=True, encoding="utf-8", start_new_session=True)
        self._changed = threading.Condition()
        self._answers = {}
        self._number = 0
        self._ended = False
        self.assigned = None
        self.read = []
        self.state = None
        self.failed = None
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self):
        for line in self._process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                said = {"failed": f"the driver wrote {line[:200]!r}"}
            with self._changed:
                if "id" in said:
                    self._answers[said["id"]] = said
                elif "assigned" in said:
                    self.assigned = set(said["assigned"])
                elif "read" in said:
                    self.read += [tuple(record) for record in said["read"]]
                elif "state" in said:
                    self.state = said["state"]
                else:
                    self.failed = said.get("failed")
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def call(self, verb, patience=PATIENCE, **arguments):
        """Gives the answer. Errors: `Refused`, `Lacks`, and AssertionError when the driver is gone or silent."""
        self._number += 1
        number = self._number
        try:
            self._process.stdin.write(json.dumps({"id": number, "do": verb, **arguments}) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # It is gone, which is told below.
        with self._changed:
            self._changed.wait_for(lambda: number in self._answers or self._ended, patience)
            answer = self._answers.pop(number, None)
        if answer is None:
            raise AssertionError(f"{verb}: " + ("the driver ended" if self._ended else f"no answer within {patience:.0f} s"))
        if "lacks" in answer:
            raise Lacks(answer["lacks"])
        if "error" in answer:
            raise Refused(f"{verb}: {answer['error']}")
        return answer["ok"]

    def values(self):
        """The values that this member got, in order."""
        return [value for _, value in list(self.read)]

    def kill(self):
        """As `kill -9` does it: the driver and what it started are gone at once, and nobody is told."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        self._reader.join()

    def close(self):
        """Ends the driver, by force if it does not end by itself."""
        try:
            self._process.stdin.close()
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.kill()
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def await_that(what, condition, *drivers, patience=PATIENCE):
    """Waits until the condition gives something, which is given back; ends at once when one of the members has failed."""
    def held():
        value = condition()
        for driver in () if value else drivers:
            assert driver.failed is None, f"{what}: {driver.failed}"
        return value

    return program.await_that(what, held, patience)
