#!/usr/bin/env python3
"""Kafka's own DumpLogSegments reads our segments, indexes and producer snapshots without complaint.

usage: dump_log_segments_test.py WRITE_LOG MILLRACE KAFKA

KAFKA is the script that runs a class of a Kafka distribution; without it or Java the test is skipped (exit code 77).
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
COMPLAINTS = re.compile(r"mismatch|out of order|corrupt|isvalid: false|exception|invalid|is followed by", re.IGNORECASE)
# The tool takes -1 for the offset before every file, and so finds a gap before each that does not begin at 0, Kafka's
# own files too.
BEFORE_A_FILE = re.compile(r"^\s*-1 is followed by \d+$")
RECORDS = sum(1 + batch % 7 for batch in range(400))


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(77)


def dump(kafka, files):
    command = [kafka, "tool", "org.apache.kafka.tools.DumpLogSegments", "--deep-iteration", "--print-data-log", "--files",
               ",".join(str(file) for file in files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    text = done.stdout + done.stderr
    if done.returncode != 0:
        sys.exit(f"DumpLogSegments failed with {done.returncode}:\n{text[-3000:]}")
    for line in text.splitlines():
        # A line of data may say what it likes; ours say none of these words.
        if COMPLAINTS.search(line) and not BEFORE_A_FILE.search(line):
            sys.exit(f"DumpLogSegments complains: {line}")
    return text


def check_partition(kafka, folder, codec, producer):
    files = [sorted(folder.glob(f"*.{kind}")) for kind in ("log", "index", "timeindex", "snapshot")]
    assert len(files[0]) > 3 or codec != "none", f"{folder} has only {len(files[0])} segments"
    assert len(files[0]) == len(files[1]) == len(files[2]), files
    text = dump(kafka, [file for kind in files for file in kind])
    records = re.findall(r"^\| offset: (\d+) ", text, re.MULTILINE)
    assert [int(offset) for offset in records] == list(range(RECORDS)), f"{folder}: {len(records)} records"
    codecs = set(re.findall(r"compresscodec: (\w+)", text))
    assert codecs == {codec}, codecs
    assert f"producerId: {producer} producerEpoch: 3" in text, "no producer snapshot was read"
    assert re.search(r"payload: batch 399 record 0 v+", text), "the last batch is missing"
    assert "headerKeys: [trace,nothing]" in text, "no headers"
    entries = re.findall(r"^offset: \d+ position: \d+", text, re.MULTILINE)
    times = re.findall(r"^timestamp: \d+ offset: \d+", text, re.MULTILINE)
    assert entries and times, (len(entries), len(times))
    print(f"{folder.name} ({codec}): {len(files[0])} segments, {len(records)} records, {len(entries)} index entries, "
          f"{len(times)} time index entries")


def main():
    write_log, millrace, kafka = sys.argv[1:4]
    if not pathlib.Path(kafka).exists():
        skip(f"there is no {kafka}")
    if shutil.which("java") is None:
        skip("there is no Java")
    if subprocess.run([kafka, "get"], capture_output=True, timeout=600).returncode != 0:
        skip("Kafka's jars cannot be had here")
    with tempfile.TemporaryDirectory(prefix="millrace-conformance-") as directory:
        data = pathlib.Path(directory) / "data"
        subprocess.run([write_log, data], check=True)
        for index, codec in enumerate(CODECS):
            check_partition(kafka, data / f"conformance-{index}", codec, 4000 + index)
        subprocess.run([millrace, "log", "verify", data], check=True)


if __name__ == "__main__":
    main()
