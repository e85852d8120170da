"""kcat -G against `millrace broker`: members share a topic, one is killed, and the group goes on where it committed,
after a `kill -9` of the broker too.

    kcat_groups_test.py PROGRAM
"""

import pathlib
import re
import signal
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import program  # noqa: E402

PARTITIONS = 6
# The shortest that brokers allow: a member that is killed is missed after this.
SESSION = ["-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=500", "-X", "auto.commit.interval.ms=100",
           "-X", "auto.offset.reset=earliest"]


class Member:
    """A kcat that reads the topic of a group's name as a member of that group."""

    def __init__(self, address, group, *settings):
        self.lines = []
        self.messages = []
        command = ["kcat", "-b", address, *SESSION, *settings, "-u", "-f", "%p %s\n", "-G", group, group]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self._readers = [threading.Thread(target=self._keep, args=(self.process.stdout, self.lines), daemon=True),
                         threading.Thread(target=self._keep, args=(self.process.stderr, self.messages), daemon=True)]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _keep(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def values(self):
        return [line.split(" ", 1)[1] for line in list(self.lines)]

    def assigned(self):
        """The partitions that kcat said it has."""
        mine = set()
        for line in list(self.messages):
            # "rebalanced (memberid X): assigned: t [0]", or "rebalanced: incremental assignment of 1 partition(s) (X): t [0]"
            if found := re.search(r"rebalanced.*(assign|revoke).*?: (.*)", line):
                partitions = {int(number) for number in re.findall(r"\[(\d+)\]", found[2])}
                mine = mine | partitions if found[1] == "assign" else mine - partitions
        return mine

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(30)
        for reader in self._readers:
            reader.join(30)


def produce(address, topic, first, count):
    """As many lines to each partition; gives them."""
    lines = [f"line {number}" for number in range(first, first + count)]
    for partition in range(PARTITIONS):
        part = "".join(f"{line}\n" for line in lines[partition::PARTITIONS])
        subprocess.run(["kcat", "-b", address, "-P", "-t", topic, "-p", str(partition)], input=part.encode(),
                       check=True, timeout=60)
    return set(lines)


def share_everything(members):
    """Whether the members have all partitions, each one once."""
    parts = [member.assigned() for member in members]
    return all(parts) and sum(map(len, parts)) == PARTITIONS and set().union(*parts) == set(range(PARTITIONS))


def read_by(members):
    return {value for member in members for value in member.values()}


def members_share_a_topic_and_take_over(address, group, *settings):
    sent = produce(address, group, 0, 600)
    first = Member(address, group, *settings)
    program.await_that("the first member to have everything", lambda: share_everything([first]))
    second = Member(address, group, *settings)
    program.await_that("two members to share the partitions", lambda: share_everything([first, second]))
    program.await_that("everything to be read", lambda: read_by([first, second]) >= sent)

    more = produce(address, group, 600, 600)
    program.await_that("everything to be read by two", lambda: read_by([first, second]) >= sent | more)
    assert set(second.values()) & more and set(first.values()) & more, "one of two members read nothing"

    second.end(signal.SIGKILL)
    program.await_that("the other to take over", lambda: share_everything([first]))
    last = produce(address, group, 1200, 600)
    program.await_that("everything to be read by one", lambda: set(first.values()) >= last)
    first.end()  # it commits what it has read
    print(f"{group}: shared, taken over", flush=True)


def the_group_resumes(address, group, expected):
    """A new member reads what was not committed, and nothing else."""
    member = Member(address, group)
    program.await_that("the rest to be read", lambda: set(member.values()) >= expected)
    member.end()
    extra = set(member.values()) - expected
    assert not extra, f"{len(extra)} lines were read again, such as {sorted(extra)[:3]}: {member.messages}"
    print(f"{group}: resumed after a kill -9 of the broker", flush=True)


def main():
    program.need("kcat")
    groups = {"eager": [], "cooperative": ["-X", "partition.assignment.strategy=cooperative-sticky"]}
    with program.folder() as folder:
        start = ["broker", "--data", folder / "data", "--set", f"num.partitions={PARTITIONS}", "--set",
                 "group.initial.rebalance.delay.ms=200"]
        with program.Running(sys.argv[1], *start, "--listen", "127.0.0.1:0") as broker:
            address = broker.address()
            for group, settings in groups.items():
                members_share_a_topic_and_take_over(address, group, *settings)
            unread = {group: produce(address, group, 5000, 60) for group in groups}
            broker.process.kill()
            broker.process.wait(30)
        with program.Running(sys.argv[1], *start, "--listen", "127.0.0.1:0") as broker:
            for group, lines in unread.items():
                the_group_resumes(broker.address(), group, lines)
            assert broker.end() == 0, broker.messages()
        complaints = [line for line in broker.output if re.search(r"warn|error", line, re.IGNORECASE)]
        assert not [line for line in complaints if "offsets" in line], complaints


if __name__ == "__main__":
    main()
