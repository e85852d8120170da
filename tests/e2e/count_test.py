#!/usr/bin/env python3
"""`millrace weblog --once` against an independent count in another language, on the real log and on a made-up one with damaged
lines; the same with any number of threads, in any number of runs.

usage: count_test.py PROGRAM
"""

import gzip
import json
import os
import pathlib
import subprocess
import sys
import unittest

import count_weblog
import program as e2e

PROGRAM = None
REAL_LOG = pathlib.Path(os.environ.get("MILLRACE_SHARED", count_weblog.TREE / "../shared")) / "data/apache_combined.log.gz"
REAL_STATUS = {"200": 9126, "304": 445, "404": 213, "301": 164, "206": 45, "500": 3, "416": 2, "403": 2}

AGENTS = [
    "-", "", "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.107 Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0", "curl/8.0.1", "Go-http-client/1.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 7_0 like Mac OS X) AppleWebKit/537.51.1 Version/7.0 Mobile/11A465 Safari/9537.53",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", r'say \"hi\" \\ \x16', 'one "quote" more',
    "Mozilla/5.0 (Linux; U; Android 2.3; en) AppleWebKit/533.1 Version/4.0 Mobile Safari/533.1", "bot/1.0", "gr\u00fcn \U0001f600"]
REQUESTS = ["GET {} HTTP/1.1", "GET {} HTTP/1.1", "GET {} HTTP/1.1", "HEAD {} HTTP/1.0", "POST {} HTTP/2.0", "GET {}", "-", "", "{}",
            r"\x16\x03\x01", "get {} HTTP/1.1", "GET  {} HTTP/1.1", "BREW {} HTCPCP/1.0"]
TARGETS = ["/", "/index.html", "/a.css", "/b.PNG?v=1", "/a b", "/x?y=/z.css", "*", "http://host/a.js", "/caf\u00e9", r'/q\"uote',
           "/.js", "/a.", "//", "/a.tar.gz"]
REFERERS = ["-", "", "http://www.example.com/a", "https://user:pw@example.org:8443/?q=1", "http://[2001:db8::1]:80/x",
            "android-app://com.example/", "nonsense", "http://", "http://a.example?x", r'http://q\"uote.example/']
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def line(seed):
    """One line as a server writes it, as bytes."""
    time = "%02d/%s/2024:%02d:%02d:%02d %s" % (seed.randint(1, 31), seed.choice(MONTHS), seed.randint(0, 23), seed.randint(0, 59), seed.randint(0, 60),
                       seed.choice(["+0000", "+0000", "+0200", "-0730", "+1600", "+0061"]))
    text = '%s - %s [%s] "%s" %s %s "%s" "%s"%s' % (
        seed.choice(["10.0.0.%d" % seed.randint(1, 40), "2001:db8::%x" % seed.randint(1, 40), "host.example"]),
        seed.choice(["-", "-", "anna", "anna lee", "x [y"]), time, seed.choice(REQUESTS).format(seed.choice(TARGETS)),
        seed.choice([200, 200, 200, 206, 301, 304, 404, 404, 403, 500, 503, 999, 99, "-", "2x0"]),
        seed.choice([0, 1, 512, 123456789, "-", "-", "", "12k", 10 ** 15, 10 ** 16]), seed.choice(REFERERS), seed.choice(AGENTS),
        seed.choice(["", "", "", ' "203.0.113.7" 0.002', "\r"]))
    return text.encode()


def damage(seed, text):
    """Cut, changed or prolonged at random places; empty; or binary."""
    kind = seed.randrange(6)
    if kind == 0 or not text:
        return b""
    if kind == 1:
        return seed.randbytes(seed.randint(1, 80)).replace(b"\n", b"")
    at = seed.randrange(len(text))
    if kind == 2:
        return text[:at]
    if kind == 3:
        return text[:at] + seed.choice([b'"', b" ", b"\\", b"[", b"]", b"\xff", b"\r", b"0"]) + text[at + 1:]
    if kind == 4:
        return text[:at] + seed.choice([b'"', b" ", b"\\", b" [", b"\xc3", b'" "', b"\x00"]) + text[at:]
    return text[:at] + text[at + seed.randint(1, 5):]


class Count(unittest.TestCase):
    maxDiff = None

    def assert_counted(self, log, *arguments):
        expected = count_weblog.count([str(log)])
        got = e2e.report_once(PROGRAM, *arguments, log)
        self.assertEqual(list(count_weblog.differences(expected, got)), [])
        self.assertEqual(got["lines"], got["hits"] + got["rejected"])
        return got

    def test_the_real_log_has_the_known_figures_and_every_list_equals_the_independent_count(self):
        if not REAL_LOG.exists():
            print(f"\nSKIPPED: {REAL_LOG} is not there", flush=True)
            self.skipTest("no real log")
        with e2e.folder() as place:
            log = place / "a.log"
            log.write_bytes(gzip.decompress(REAL_LOG.read_bytes()))
            report = self.assert_counted(log)
            self.assertEqual((report["lines"], report["rejected"]), (10000, 0))
            self.assertEqual(report["status"], REAL_STATUS)
            self.assertEqual(len(report["per_hour"]), 84)
            self.assertEqual((report["bytes"], report["unique_visitors"]), (2747282740, 2095))
            self.assertEqual(e2e.report_once(PROGRAM, REAL_LOG), report, "the same from gzip")

    def test_a_log_with_damaged_lines_equals_the_independent_count_with_any_number_of_threads(self):
        seed = e2e.seeded("MILLRACE_COUNT_SEED")
        with e2e.folder() as place:
            log = place / "a.log"
            with log.open("wb") as out:
                for _ in range(20000):
                    text = line(seed)
                    out.write((damage(seed, text) if seed.random() < 0.2 else text) + b"\n")
            report = self.assert_counted(log)
            self.assertGreater(report["rejected"], 1000)
            self.assertGreater(report["hits"], 1000)
            self.assertEqual(len(report["rejected_samples"]), 10)
            for threads in (1, 2, 8):
                for scheduler in ("tbb", "threads"):
                    again = e2e.report_once(PROGRAM, "--threads", threads, "--scheduler", scheduler, log)
                    self.assertEqual(again, report, f"{threads} threads, {scheduler}")

    def test_a_small_topic_bound_changes_nothing(self):
        seed = e2e.seeded("MILLRACE_COUNT_SEED")
        with e2e.folder() as place:
            log = place / "a.log"
            with log.open("wb") as out:
                for _ in range(150_000):
                    out.write(line(seed) + b"\n")
            self.assertGreater(log.stat().st_size, 16 << 20)
            report = self.assert_counted(log, "--topic-size", "8MiB", "--data", place / "data")
            kept = sum(path.stat().st_size for path in (place / "data/access-log-0").glob("*.log"))
            self.assertLess(kept, 12 << 20, "the topic is bounded")
            again = e2e.report_once(PROGRAM, "--topic-size", "8MiB", "--data", place / "data", log)
            self.assertEqual(again, report, "the report comes from the state, not from what is left of the topic")

    def test_runs_over_the_same_data_go_on(self):
        seed = e2e.seeded("MILLRACE_COUNT_SEED")
        with e2e.folder() as place:
            log = place / "a.log"
            log.write_bytes(b"".join(line(seed) + b"\n" for _ in range(3000)))
            first = self.assert_counted(log, "--data", place / "data")
            self.assertEqual(e2e.report_once(PROGRAM, "--data", place / "data", log), first, "nothing is counted twice")
            with log.open("ab") as out:
                out.write(b"".join(line(seed) + b"\n" for _ in range(3000)))
            self.assert_counted(log, "--data", place / "data")
            self.assertEqual(e2e.run(PROGRAM, "weblog", "--seconds", "1", "--data", place / "data", log).returncode, 0)
            self.assert_counted(log, "--data", place / "data")

    def test_standard_input_and_other_formats_are_read(self):
        hits = [("10.0.0.1", 200, "/a"), ("10.0.0.2", 404, "/b"), ("10.0.0.1", 200, "/c.css")]
        formats = {
            "common": '%s - - [17/May/2015:10:05:03 +0000] "GET %s HTTP/1.1" %d 5',
            "json": '{"time":"2015-05-17T10:05:03Z","remote_addr":"%s","uri":"%s","method":"GET","status":%d,"bytes":5}',
            '%h %t "%r" %>s %b': '%s [17/May/2015:10:05:03 +0000] "GET %s HTTP/1.1" %d 5',
            '$remote_addr $msec "$request" $status $bytes_sent': '%s 1431857103.000 "GET %s HTTP/1.1" %d 5'}
        for name, shape in formats.items():
            text = "".join(shape % (client, path, status) + "\n" for client, status, path in hits)
            done = subprocess.run([PROGRAM, "weblog", "--once", "--json", "--format", name, "-"], input=text.encode(),
                                  capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual((report["hits"], report["bytes"], report["rejected"]), (3, 15, 0), name)
            self.assertEqual(report["hosts"], [{"name": "10.0.0.1", "hits": 2, "bytes": 10}, {"name": "10.0.0.2", "hits": 1, "bytes": 5}])

    def test_anonymized_addresses_are_nowhere_in_the_data_folder(self):
        with e2e.folder() as place:
            log = place / "a.log"
            log.write_bytes(b"".join(b'203.0.113.%d - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "x"\n' % i
                                     for i in range(1, 200)) + b"203.0.113.77 junk\n")
            report = e2e.report_once(PROGRAM, "--anonymize", "--data", place / "data", log)
            self.assertEqual([host["name"] for host in report["hosts"]], ["203.0.113.0"])
            stored = b"".join(path.read_bytes() for path in (place / "data").rglob("*") if path.is_file())
            self.assertIn(b"203.0.113.0", stored)
            self.assertNotIn(b"203.0.113.77", stored)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
