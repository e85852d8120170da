"""kcat against `millrace broker`: what goes in comes out, byte for byte, with each compression, by offset and by time.

    kcat_test.py PROGRAM         MILLRACE_KCAT_LINES=1000000 for the full size (default 100000 lines)
"""

import hashlib
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import program  # noqa: E402

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
LINES = program.setting("MILLRACE_KCAT_LINES", 100_000)


def write_lines(path, count, random):
    agents = ["Mozilla/5.0 (X11; Linux x86_64)", "curl/8.0", "Googlebot/2.1", "kcat"]
    with open(path, "w", encoding="ascii") as out:
        for number in range(count):
            out.write(f"10.{random.randrange(256)}.{random.randrange(256)}.7 - - \"GET /page/{random.randrange(5000)}\" "
                      f"200 {random.randrange(100000)} \"{random.choice(agents)}\" line {number}\n")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Kcat:
    def __init__(self, address):
        self.address = address

    def __call__(self, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE):
        command = ["kcat", "-b", self.address, "-X", "broker.address.family=v4", *map(str, arguments)]
        done = subprocess.run(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=240, check=False)
        assert done.returncode == 0, f"{' '.join(command)} gave {done.returncode}: {done.stderr.decode()}"
        return done.stdout.decode() if stdout == subprocess.PIPE else None


def listing_shows_broker_and_topics(kcat):
    kcat("-P", "-t", "listed", "-p", 0, "-l", "/dev/null")
    text = kcat("-L", "-t", "listed")
    assert re.search(r"broker \d+ at 127\.0\.0\.1:\d+ \(controller\)", text), text
    assert re.search(r'topic "listed" with 1 partitions:', text), text
    assert re.search(r"partition 0, leader \d+, replicas: \d+, isrs: \d+", text), text
    assert 'topic "listed"' in kcat("-L"), "a listing of everything lacks the topic"


def bytes_come_back(kcat, codec, source, folder):
    topic, back = f"lines-{codec}", folder / f"back-{codec}"
    begun = time.monotonic()
    kcat("-P", "-t", topic, "-p", 0, "-z", codec, "-l", source)
    sent = time.monotonic()
    with open(back, "wb") as out:
        kcat("-C", "-t", topic, "-p", 0, "-o", "beginning", "-e", "-q", stdout=out)
    read = time.monotonic()
    assert digest(back) == digest(source), f"{codec}: the bytes that came back are others"
    size = source.stat().st_size / 1e6
    print(f"{codec}: {size:.1f} MB in within {sent - begun:.2f} s, out within {read - sent:.2f} s", flush=True)
    back.unlink()


def offsets_are_answered(kcat):
    topic = "lines-none"
    assert kcat("-Q", "-t", f"{topic}:0:-2").split() == [topic, "[0]", "offset", "0"]
    assert kcat("-Q", "-t", f"{topic}:0:-1").split() == [topic, "[0]", "offset", str(LINES)]


def reading_begins_at_an_offset(kcat):
    def read(offset, count):
        return kcat("-C", "-t", "lines-lz4", "-p", 0, "-o", offset, "-c", count, "-q", "-f", "%o %s\n").splitlines()

    middle = LINES // 2
    lines = read(middle, 3)
    assert [int(line.split()[0]) for line in lines] == [middle, middle + 1, middle + 2], lines
    assert all(line.endswith(f"line {line.split()[0]}") for line in lines), lines
    tail = read(-5, 5)
    assert [int(line.split()[0]) for line in tail] == list(range(LINES - 5, LINES)), tail


def reading_begins_at_a_time(kcat):
    """Two lots, a wait between them: the time of the second lot's first record finds it, one later finds nothing before."""
    topic = "timed"
    for lot in ("first", "second"):
        subprocess.run(["kcat", "-b", kcat.address, "-P", "-t", topic, "-p", "0"], check=True, timeout=60,
                       input="".join(f"{lot} {i}\n" for i in range(100)).encode())
        before = time.time()
        program.await_that("the clock has moved", lambda: time.time() > before + 0.01)
    stamps = [int(line) for line in kcat("-C", "-t", topic, "-p", 0, "-o", "beginning", "-e", "-q", "-f", "%T\n").split()]
    assert len(stamps) == 200 and stamps[100] > stamps[99], "the lots have the same time"
    found = kcat("-C", "-t", topic, "-p", 0, "-o", f"s@{stamps[100]}", "-c", 1, "-q")
    assert found == "second 0\n", found
    assert kcat("-Q", "-t", f"{topic}:0:{stamps[100]}").split()[-1] == "100"
    bounded = kcat("-C", "-t", topic, "-p", 0, "-o", f"s@{stamps[0]}", "-o", f"e@{stamps[100]}", "-e", "-q").splitlines()
    assert bounded == [f"first {i}" for i in range(100)], bounded[-3:]


def a_client_older_than_record_batches_reads(kcat):
    """librdkafka as it spoke to Kafka 0.9 and 0.10.1: Fetch 1 and 2, message sets."""
    for version in ("0.9.0.1", "0.10.0.0"):
        old = ["-X", "api.version.request=false", "-X", f"broker.version.fallback={version}"]
        text = kcat("-C", "-t", "lines-zstd", "-p", 0, "-o", LINES // 2, "-c", 3, "-q", "-f", "%o %s\n", *old)
        lines = text.splitlines()
        assert [line.split()[0] for line in lines] == [str(LINES // 2 + i) for i in range(3)], (version, lines)
        assert all(line.endswith(f"line {line.split()[0]}") for line in lines), (version, lines)


def keys_and_headers_come_back(kcat):
    subprocess.run(["kcat", "-b", kcat.address, "-P", "-t", "keyed", "-K", ":", "-H", "origin=test", "-X", "acks=all",
                    "-X", "enable.idempotence=true"], input=b"a:1\nb:2\na:\n", check=True, timeout=60)
    text = kcat("-C", "-t", "keyed", "-o", "beginning", "-e", "-q", "-f", "%k=%s %h\n")
    assert sorted(text.splitlines()) == ["a= origin=test", "a=1 origin=test", "b=2 origin=test"], text


def every_acks_is_taken(kcat, source):
    for acks in (0, 1, -1):
        topic = f"acks{acks}"
        kcat("-P", "-t", topic, "-p", 0, "-X", f"acks={acks}", "-l", source)
        end = program.await_that(f"all lines of acks={acks} to be there",
                                 lambda name=topic: kcat("-Q", "-t", f"{name}:0:-1").split()[-1] == str(LINES))
        assert end


def a_reader_that_waits_gets_new_lines_at_once(kcat):
    command = ["kcat", "-b", kcat.address, "-C", "-u", "-t", "waited", "-p", "0", "-o", "end", "-q", "-c", "1"]
    # The topic has to be there: a reader does not make it.
    subprocess.run(["kcat", "-b", kcat.address, "-P", "-t", "waited"], input=b"first\n", check=True, timeout=60)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        try:
            # The reader's offset is the end as it finds it: lines are sent until one arrives behind that.
            def sent_one():
                subprocess.run(["kcat", "-b", kcat.address, "-P", "-t", "waited", "-p", "0"], input=b"news\n", check=True,
                               timeout=60)
                return reader.poll() is not None

            program.await_that("the waiting reader to get a line", sent_one)
            assert reader.stdout.read() == b"news\n"
        finally:
            reader.kill()


def main():
    program.need("kcat")
    random = program.seeded("MILLRACE_KCAT_SEED")
    with program.folder() as folder:
        source = folder / "source"
        write_lines(source, LINES, random)
        segments = f"log.segment.bytes={4 << 20}"
        with program.Running(sys.argv[1], "broker", "--data", folder / "data", "--listen", "127.0.0.1:0", "--set",
                             segments) as broker:
            kcat = Kcat(broker.address())
            listing_shows_broker_and_topics(kcat)
            for codec in CODECS:
                bytes_come_back(kcat, codec, source, folder)
            offsets_are_answered(kcat)
            reading_begins_at_an_offset(kcat)
            reading_begins_at_a_time(kcat)
            a_client_older_than_record_batches_reads(kcat)
            keys_and_headers_come_back(kcat)
            every_acks_is_taken(kcat, source)
            a_reader_that_waits_gets_new_lines_at_once(kcat)
            assert broker.end() == 0, broker.messages()
        complaints = [line for line in broker.output if re.search(r"warn|error", line, re.IGNORECASE)]
        assert not complaints, complaints


if __name__ == "__main__":
    main()
