"""`millrace topic`, `group`, `produce` and `consume` with a broker in another process, and kcat on the other side.

    command_line_test.py PROGRAM
"""

import json
import pathlib
import shutil
import signal
import subprocess
import sys

import program

PROGRAM = sys.argv[1]


class Log:
    """The program's commands at one address."""

    def __init__(self, at):
        self.at = at

    def run(self, *arguments, stdin=b""):
        return subprocess.run([PROGRAM, *map(str, arguments), "--at", self.at], input=stdin, capture_output=True,
                              timeout=program.PATIENCE)

    def do(self, *arguments, stdin=b""):
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"{arguments}: exit code {done.returncode}: {done.stderr.decode()}"
        return done.stdout

    def lines(self, *arguments):
        return [json.loads(line) for line in self.do(*arguments, "--json").splitlines()]

    def refused(self, code, message, *arguments, stdin=b""):
        done = self.run(*arguments, stdin=stdin)
        said = done.stderr.decode()
        assert done.returncode == code, f"{arguments}: exit code {done.returncode}, not {code}: {said}"
        assert message in said, f"{arguments}: it said {said!r}, not {message!r}"


def topics(log):
    made = log.lines("topic", "create", "orders", "--partitions", "3", "--config", "retention.ms=86400000")
    assert made[0]["topic"] == "orders" and made[0]["done"] == "created" and made[0]["id"], made
    log.do("topic", "create", "returns")
    assert {row["topic"]: row["partitions"] for row in log.lines("topic", "list")} == {"orders": 3, "returns": 1}
    assert log.do("topic", "list").split()[:3] == [b"TOPIC", b"PARTITIONS", b"REPLICAS"]

    log.do("topic", "alter", "orders", "--config", "max.message.bytes=5000", "--unset", "retention.ms", "--partitions", "4")
    shown = log.lines("topic", "describe", "orders", "--configs")[0]
    assert len(shown["partitions"]) == 4 and shown["partitions"][3]["next_offset"] == 0, shown
    assert shown["configs"]["max.message.bytes"] == "5000" and shown["configs"]["retention.ms"] == "604800000", shown
    assert b"max.message.bytes" not in log.do("topic", "describe", "orders")

    log.do("topic", "delete", "returns")
    log.refused(1, "returns", "topic", "describe", "returns")
    log.refused(1, "exists already", "topic", "create", "orders")
    log.refused(2, "nothing to change", "topic", "alter", "orders")
    log.refused(2, 'Did you mean "retention.ms"?', "topic", "alter", "orders", "--unset", "retention.sm")
    log.refused(2, 'Did you mean "describe"?', "topic", "descrbe", "orders")
    log.refused(2, 'Did you mean "--partitions"?', "topic", "create", "x", "--partition=3")


def records(log, folder):
    log.do("topic", "create", "lines")
    log.do("produce", "lines", stdin=b"one\ntwo\n\nlast without an end")
    assert log.do("consume", "lines") == b"one\ntwo\n\nlast without an end\n"
    assert log.do("consume", "lines", "--count", "1", "--from", "1") == b"two\n"
    assert log.do("consume", "lines", "--from", "latest") == b""
    assert log.do("consume", "lines", "--form", "hex", "--count", "1") == b"6f6e65\n"

    log.do("topic", "create", "pairs")
    log.do("produce", "pairs", "--form", "key-value", "--separator", "=", "--header", "source=test", stdin=b"a=1\nb=2\n")
    assert log.do("consume", "pairs", "--form", "key-value") == b"a\t1\nb\t2\n"
    rows = log.lines("consume", "pairs")
    assert [(row["key"], row["value"], row["offset"]) for row in rows] == [("a", "1", 0), ("b", "2", 1)], rows
    assert rows[0]["headers"] == {"source": "test"}, rows

    # Everything there is of a record goes through JSON, bytes that are no text too.
    log.do("topic", "create", "copy")
    log.do("produce", "copy", "--form", "hex", stdin=b"00ff\n")
    log.do("produce", "copy", "--form", "json",
           stdin=b'{"key":null,"value":null,"timestamp":1700000000000,"headers":{"h":{"hex":"ff"},"n":null}}\n')
    text = log.do("consume", "copy", "--form", "json")
    log.do("topic", "create", "copied")
    log.do("produce", "copied", "--form", "json", stdin=text)
    kept = [[{key: row.get(key) for key in ("key", "value", "value_hex", "headers", "timestamp")}
             for row in log.lines("consume", name)] for name in ("copy", "copied")]
    assert kept[0] == kept[1], kept
    assert kept[0][0]["value_hex"] == "00ff" and kept[0][1]["headers"] == {"h": {"hex": "ff"}, "n": None}, kept
    after = log.do("consume", "copy", "--from", "2023-11-14T22:13:20Z", "--form", "hex")
    assert after == b"00ff\n\n", after

    source = folder / "lines.txt"
    source.write_text("from a file\n")
    answer = log.do("produce", "lines", "--file", source, "--json")
    assert json.loads(answer) == {"topic": "lines", "records": 1}, answer
    log.refused(2, "go without --form json", "produce", "lines", "--form", "json", stdin=b'{"customer":7}\n')
    assert log.do("consume", "lines", "lines", "--partition", "0", "--partition", "0", "--from", "4") == b"from a file\n"
    log.refused(2, "line 2: not JSON", "produce", "lines", "--form", "json", stdin=b'{"value":"good"}\n{"value"\n')
    assert log.do("consume", "lines", "--from", "5") == b"good\n", "what was before a wrong line is stored"
    log.refused(1, "there is no topic", "consume", "nothing-here")
    log.refused(2, "write earliest, latest, an offset, or a time", "consume", "lines", "--from", "soon")
    log.refused(1, "lines-of-nobody", "produce", "lines", "--file", "lines-of-nobody")


def kcat(address, *arguments, stdin=b""):
    return subprocess.run(["kcat", "-b", address, *arguments], input=stdin, capture_output=True, check=True,
                          timeout=program.PATIENCE).stdout


def other_clients(log, address):
    log.do("topic", "create", "shared")
    log.do("produce", "shared", "--form", "key-value", stdin=b"k\tfrom millrace\n")
    assert kcat(address, "-C", "-t", "shared", "-e", "-q", "-K", "=") == b"k=from millrace\n"
    kcat(address, "-P", "-t", "shared", "-K", "=", stdin=b"q=from kcat\n")
    assert log.do("consume", "shared", "--form", "key-value", "--from", "1") == b"q\tfrom kcat\n"


def ends_before_an_open_transaction(log, address):
    log.do("topic", "create", "decided")
    log.do("produce", "decided", stdin=b"decided\n")
    command = ["kcat", "-b", address, "-P", "-t", "decided", "-X", "transactional.id=undecided", "-X", "linger.ms=0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as producer:
        producer.stdin.write(b"undecided\n" * 50_000)  # kcat reads whole blocks
        producer.stdin.flush()
        everything = ("consume", "decided", "--isolation", "read_uncommitted")
        program.await_that("the open transaction", lambda: b"undecided" in log.do(*everything))
        assert log.do("consume", "decided") == b"decided\n"
        producer.kill()


def groups(log):
    log.do("topic", "create", "work", "--partitions", "2")
    for partition in range(2):
        log.do("produce", "work", "--partition", partition, stdin=b"".join(b"%d\n" % i for i in range(5)))
    assert len(log.do("consume", "work", "--group", "crew", "--count", "4").splitlines()) == 4
    assert "crew" in {row["group"] for row in log.lines("group", "list")}
    shown = log.lines("group", "describe", "crew")[0]
    assert shown["state"] == "Empty", shown
    rest = log.do("consume", "work", "--group", "crew", "--count", "6").splitlines()
    assert len(rest) == 6, rest
    shown = log.lines("group", "describe", "crew")[0]
    assert [row["lag"] for row in shown["partitions"]] == [0, 0], shown
    assert b"COMMITTED" in log.do("group", "describe", "crew")

    dry = log.lines("group", "reset", "crew", "--shift", "-2", "--dry-run")[0]
    assert [(row["from"], row["to"]) for row in dry["partitions"]] == [(5, 3), (5, 3)] and not dry["done"], dry
    log.do("group", "reset", "crew", "--topic", "work:1", "--to-offset", "2")
    lags = {row["partition"]: row["lag"] for row in log.lines("group", "describe", "crew")[0]["partitions"]}
    assert lags == {0: 0, 1: 3}, lags
    log.do("group", "reset", "crew", "--to-earliest")
    assert len(log.do("consume", "work", "--group", "crew", "--count", "10").splitlines()) == 10
    log.do("group", "delete", "crew")
    log.refused(1, "there is no group", "group", "describe", "crew")
    log.refused(2, "say where to", "group", "reset", "crew", "--topic", "work")
    # Numbers that no type holds are wrong use, not the program's end.
    log.refused(2, "is more than", "group", "reset", "crew", "--topic", "work:99999999999", "--to-latest")
    log.refused(2, "is more than", "group", "reset", "crew", "--topic", "work", "--to-offset", 2**64 - 1)
    far = log.lines("group", "reset", "far", "--topic", "work", "--shift", 2**63 - 1)[0]
    assert [row["to"] for row in far["partitions"]] == [5, 5], far


def ends_by_signals_and_closed_pipes(log):
    for number in (signal.SIGTERM, signal.SIGINT):
        command = [PROGRAM, "consume", "work", "--group", f"stopped-{number}", "--at", log.at]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            for _ in range(10):
                assert process.stdout.readline()
            process.send_signal(number)
            assert process.wait(program.PATIENCE) == 0, process.stderr.read()
        lags = [row["lag"] for row in log.lines("group", "describe", f"stopped-{number}")[0]["partitions"]]
        assert lags == [0, 0], lags

    command = [PROGRAM, "produce", "work", "--at", log.at, "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"before the signal\n")
        process.stdin.flush()
        program.await_that("the line to be stored", lambda: b"before the signal" in log.do("consume", "work"))
        process.send_signal(signal.SIGTERM)
        assert json.loads(process.stdout.read()) == {"topic": "work", "records": 1}
        assert process.wait(program.PATIENCE) == 0

    command = [PROGRAM, "consume", "work", "--follow", "--at", log.at]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        log.do("produce", "work", stdin=b"nobody reads this\n")
        assert process.wait(program.PATIENCE) == 0, process.stderr.read()

    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "consume", "work", "--at", log.at], stdout=full, stderr=subprocess.PIPE,
                              timeout=program.PATIENCE)
    assert done.returncode == 1 and b"cannot write the records" in done.stderr, done


def maps(process):
    return pathlib.Path(f"/proc/{process.pid}/maps").read_text()


def loads_the_kafka_client_only_when_asked(log, folder):
    broker = Log(f"embedded:{folder / 'alone'}")
    broker.do("produce", "t", stdin=b"x\n")
    for at, expected in ((broker.at, False), (log.at, True)):
        command = [PROGRAM, "consume", "work" if expected else "t", "--follow", "--at", at]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            assert ("librdkafka" in maps(process)) == expected, at
            process.terminate()
            process.wait(program.PATIENCE)

    # A program that was copied without it says what is missing.
    lonely = folder / "bin" / "millrace"
    lonely.parent.mkdir()
    shutil.copy(PROGRAM, lonely)
    done = program.run(lonely, "topic", "list", "--at", log.at)
    if done.returncode != 0:  # it may be installed on this machine
        assert done.returncode == 1 and b"libmillrace_kafka.so is in none of" in done.stderr, done
    # Installed, it is in lib/millrace beside bin.
    (folder / "lib" / "millrace").mkdir(parents=True)
    module = pathlib.Path(PROGRAM).resolve().parents[1] / "lib/millrace/libmillrace_kafka.so"
    shutil.copy(module, folder / "lib" / "millrace")
    assert program.run(lonely, "topic", "list", "--at", log.at).returncode == 0


def looks_at_a_folder_without_changing_it():
    with program.folder() as folder:
        (folder / "letter.txt").write_text("no log")
        for command in (("topic", "list"), ("group", "list"), ("consume", "orders")):
            Log(f"embedded:{folder}").refused(1, "the folder holds no log", *command)
        assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def repairs(folder):
    """Damage before the end is shown, then cut, for people and for programs alike."""
    log = Log(f"embedded:{folder / 'damaged'}")
    partition = folder / "damaged" / "t-0"
    for value in (b"first\n", b"second\n"):
        log.do("produce", "t", stdin=value)
    segment = partition / f"{0:020}.log"
    data = bytearray(segment.read_bytes())
    data[-1] ^= 1
    segment.write_bytes(data)

    def repair(*arguments):
        done = program.run(PROGRAM, "log", "repair", partition, "--json", *arguments)
        return done.returncode, json.loads(done.stdout)

    code, shown = repair()
    assert code == 1 and not shown["cut"] and shown["end_offset"] == 1 and "checksum" in shown["damage"], shown
    code, cut = repair("--cut")
    assert code == 0 and cut["cut"] and [pathlib.Path(kept).is_file() for kept in cut["kept_in"]] == [True], cut
    assert repair() == (0, {"directory": str(partition), "damage": None, "cut": False})
    assert log.do("consume", "t") == b"first\n"


def completes(shell_words, expected):
    words = " ".join(f"'{word}'" for word in shell_words)
    script = f"""source <('{PROGRAM}' completion bash)
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _millrace; echo "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert set(expected) <= set(done.stdout.split()), f"{shell_words}: {done.stdout} {done.stderr}"


def completion():
    completes(["millrace", "to"], ["topic"])
    completes(["millrace", "topic", ""], ["create", "list", "describe", "alter", "delete"])
    completes(["millrace", "topic", "create", "--par"], ["--partitions"])
    completes(["millrace", "consume", "orders", "--form", ""], ["raw", "hex", "key-value", "json"])
    completes(["millrace", "topic", "--at", "topic", "de"], ["describe", "delete"])
    if shutil.which("zsh"):
        script = subprocess.run([PROGRAM, "completion", "zsh"], capture_output=True, check=True).stdout
        subprocess.run(["zsh", "-n"], input=script, check=True, timeout=60)


def says_what_a_group_waits_for(log):
    nobody = Log("kafka:127.0.0.1:1")
    nobody.refused(1, "cannot connect", "consume", "work", "--group", "crew")
    command = [PROGRAM, "consume", "not-yet", "--group", "early", "--at", log.at]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert b'there is no topic "not-yet" yet' in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(program.PATIENCE) == 0


def main():
    program.need("kcat")
    with program.folder() as folder:
        start = ["broker", "--data", folder / "data", "--listen", "127.0.0.1:0", "--set",
                 "group.initial.rebalance.delay.ms=0"]
        with program.Running(PROGRAM, *start) as broker:
            address = broker.address()
            log = Log(f"kafka:{address}")
            topics(log)
            records(log, folder)
            other_clients(log, address)
            ends_before_an_open_transaction(log, address)
            groups(log)
            ends_by_signals_and_closed_pipes(log)
            says_what_a_group_waits_for(log)
            loads_the_kafka_client_only_when_asked(log, folder)
            print("over a cluster: good", flush=True)
            assert broker.end() == 0, broker.messages()
        embedded = Log(f"embedded:{folder / 'embedded'}")
        topics(embedded)
        records(embedded, folder)
        repairs(folder)
        print("embedded: good", flush=True)
        log.refused(1, "", "topic", "list")  # nobody listens there any more
    Log("embedded:/nonexistent/folder").refused(1, "no such folder", "topic", "list")
    looks_at_a_folder_without_changing_it()
    Log("somewhere").refused(2, "is no address of a log", "topic", "list")
    completion()
    print("completion: good", flush=True)


if __name__ == "__main__":
    main()
