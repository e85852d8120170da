"""A member in a program of ours, without a network, and kcat are members of one group: they share the partitions.

    mixed_group_test.py GROUP_MEMBER
"""

import pathlib
import re
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import program  # noqa: E402

PARTITIONS = 4
KCAT = ["-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=500", "-X", "auto.commit.interval.ms=100",
        "-X", "auto.offset.reset=earliest"]


class Lines:
    """A process whose lines are kept."""

    def __init__(self, *command):
        self.lines = []
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._keep, daemon=True)
        self._reader.start()

    def _keep(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def end(self, how):
        how(self.process)
        code = self.process.wait(60)
        self._reader.join(60)
        return code


def ours(member):
    """The partitions that our member said it has now."""
    said = [line for line in list(member.lines) if line.startswith("assigned")]
    return {int(number) for number in re.findall(r"\d+", said[-1])} if said else set()


def theirs(kcat):
    mine = set()
    for line in list(kcat.lines):
        if found := re.search(r"rebalanced.*(assign|revoke).*?: (.*)", line):
            partitions = {int(number) for number in re.findall(r"\[(\d+)\]", found[2])}
            mine = mine | partitions if found[1] == "assign" else mine - partitions
    return mine


def values(process, pattern):
    return {found[1] for line in list(process.lines) if (found := re.match(pattern, line))}


def produce(address, topic, first, count):
    lines = [f"line-{number}" for number in range(first, first + count)]
    for partition in range(PARTITIONS):
        text = "".join(f"{line}\n" for line in lines[partition::PARTITIONS])
        subprocess.run(["kcat", "-b", address, "-P", "-t", topic, "-p", str(partition)], input=text.encode(), check=True,
                       timeout=60)
    return set(lines)


def one_group(group_member, strategy):
    topic = f"mixed-{strategy}"
    with program.folder() as folder:
        member = Lines(group_member, folder / "data", topic, PARTITIONS, strategy)
        try:
            address = program.await_that("an address", lambda: member.lines and member.lines[0])
            program.await_that("our member to have everything", lambda: ours(member) == set(range(PARTITIONS)))
            kcat = Lines("kcat", "-b", address, *KCAT, "-X", f"partition.assignment.strategy={strategy}", "-u", "-f",
                         "%p %s\n", "-G", topic, topic)
            program.await_that("both to share the partitions", lambda: len(ours(member)) == 2 and len(theirs(kcat)) == 2
                               and ours(member) | theirs(kcat) == set(range(PARTITIONS)))
            sent = produce(address, topic, 0, 400)
            program.await_that("everything to be read once",
                               lambda: values(member, r"value \d+ (.*)") | values(kcat, r"\d+ (.*)") >= sent)
            assert values(member, r"value \d+ (.*)") and values(kcat, r"\d+ (.*)"), "one of two read nothing"
            assert not values(member, r"value \d+ (.*)") & values(kcat, r"\d+ (.*)"), "both read the same"
            kcat.end(lambda process: process.terminate())
            program.await_that("ours to take over", lambda: ours(member) == set(range(PARTITIONS)))
            more = produce(address, topic, 400, 400)
            program.await_that("ours to read on", lambda: values(member, r"value \d+ (.*)") >= more)
            assert member.end(lambda process: process.stdin.close()) == 0, member.lines
        finally:
            member.process.kill()
            member.process.wait()
    print(f"{strategy}: shared, taken over", flush=True)


def main():
    program.need("kcat")
    for strategy in ("range", "roundrobin", "cooperative-sticky"):
        one_group(sys.argv[1], strategy)


main()
