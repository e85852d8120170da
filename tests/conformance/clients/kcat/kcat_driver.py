"""kcat as a driver: see drivers.py."""

import itertools
import json
import pathlib
import re
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
from driver import Lacks, serve, tell  # noqa: E402

SESSION = ["-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=500", "-X", "auto.commit.interval.ms=100",
           "-X", "auto.offset.reset=earliest"]
END_OF_KEY, END_OF_RECORD = "\x01", "\x02"


def kcat(*arguments, data=None):
    done = subprocess.run(["kcat", "-b", sys.argv[1], *map(str, arguments)], input=data, capture_output=True, timeout=120,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"kcat {' '.join(map(str, arguments))} gave {done.returncode}: {done.stderr.decode().strip()}")
    return done.stdout.decode()


class Member:
    """A `kcat -G`: what it says of its partitions is on its standard error, what it reads on its standard output."""

    def __init__(self, group, topic):
        self._mine = set()
        self._process = subprocess.Popen(["kcat", "-b", sys.argv[1], *SESSION, "-u", "-f", "%p %s\n", "-G", group, topic],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._threads = [threading.Thread(target=job, daemon=True) for job in (self._records, self._assignments)]
        for thread in self._threads:
            thread.start()

    def _records(self):
        for line in self._process.stdout:
            partition, value = line.rstrip("\n").split(" ", 1)
            tell(read=[[int(partition), value]])

    def _assignments(self):
        for line in self._process.stderr:
            # "% Group g rebalanced (memberid m): assigned: t [0], t [1]"
            if found := re.search(r"rebalanced.*(assign|revoke).*?: (.*)", line):
                partitions = {int(number) for number in re.findall(r"\[(\d+)\]", found[2])}
                self._mine = self._mine | partitions if found[1] == "assign" else self._mine - partitions
                tell(assigned=sorted(self._mine))

    def leave(self):
        self._process.terminate()
        self._process.wait(60)
        for thread in self._threads:
            thread.join(60)


class Kcat:
    lacks = {
        **dict.fromkeys(["open", "begin", "send", "commit", "abort", "copy"],
                        "it makes one transaction of its whole input, and has no consumer in it"),
        **dict.fromkeys(["create_topic", "topics", "delete_topic", "add_partitions", "set_config", "get_config", "groups",
                         "describe_group", "committed", "delete_group", "delete_records"], "it has no administration"),
    }

    def hello(self):
        said = subprocess.run(["kcat", "-V"], capture_output=True, text=True, timeout=30, check=True)
        found = re.search(r"Version (\S+).*librdkafka (\S+)", said.stdout + said.stderr)
        return {"version": f"{found[1]}, librdkafka {found[2]}"}

    def produce(self, topic, partition, records, headers, codec, acks, idempotent):
        # kcat has one way for all keys and empty values of a run: runs of records that need the same.
        for (no_key, no_value), run in itertools.groupby(records, lambda record: (record[0] is None, record[1] is None)):
            lines = "".join(f"{value or ''}{END_OF_RECORD}" if no_key else f"{key}{END_OF_KEY}{value or ''}{END_OF_RECORD}"
                            for key, value in run)
            options = ["-D", END_OF_RECORD, *([] if no_key else ["-K", END_OF_KEY]), *(["-Z"] if no_value else [])]
            for key, value in headers.items():
                options += ["-H", f"{key}={value}"]
            kcat("-P", "-t", topic, "-p", partition, "-z", codec, "-X", f"acks={acks}",
                 "-X", f"enable.idempotence={str(idempotent).lower()}", *options, data=lines.encode())

    def consume(self, topic, partition, until, isolation, **start):
        begin = start["from"]
        offset = begin["offset"] if "offset" in begin else f"s@{begin['time']}"
        while True:
            read = []
            for line in kcat("-C", "-t", topic, "-p", partition, "-o", offset, "-e", "-q", "-J",
                             "-X", f"isolation.level={isolation}").splitlines():
                one = json.loads(line)
                names = one.get("headers", [])
                read.append([one["offset"], one["ts"], one["key"], one["payload"], dict(zip(names[::2], names[1::2]))])
                if one["payload"] == until:
                    return {"records": read}

    def offsets(self, topic, partition):
        def ask(which):
            return int(kcat("-Q", "-t", f"{topic}:{partition}:{which}").split()[-1])
        return {"earliest": ask(-2), "latest": ask(-1)}

    def join(self, group, topic, protocol):
        if protocol != "classic":
            raise Lacks("its librdkafka is older than that protocol")
        self._member = Member(group, topic)

    def leave(self):
        self._member.leave()


serve(Kcat())
