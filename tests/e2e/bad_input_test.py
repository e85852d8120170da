#!/usr/bin/env python3
"""Every bad input gets one clear message, the right exit code, and loses nothing. Drives the real program.

usage: bad_input_test.py PROGRAM
"""

import datetime
import gzip
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import program

PROGRAM = None
GOOD = '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 10 "-" "Mozilla/5.0"\n'


def run(*arguments, **options):
    options.setdefault("timeout", 60)
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


class BadInput(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / "access.log"
        self.log.write_text(GOOD * 3)
        self.data = self.folder / "data"

    def report(self, log, *arguments):
        done = run("weblog", "--once", "--json", *arguments, log)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_says(self, done, code, *words):
        self.assertEqual(done.returncode, code, f"stdout: {done.stdout}\nstderr: {done.stderr}")
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertLessEqual(len(done.stderr.splitlines()), 3, f"more than one message: {done.stderr}")

    def start(self, *arguments):
        """A program that stays; gives it and the first line it writes that has `listening` or an address."""
        process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        for line in process.stdout:
            if "127.0.0.1:" in line:
                return process, line
        self.fail("it never said where it listens")

    def test_an_unknown_command_is_wrong_use_and_the_right_one_is_named(self):
        self.assert_says(run("webblog"), 2, "webblog", "weblog")

    def test_an_unknown_option_is_wrong_use_and_the_right_one_is_named(self):
        self.assert_says(run("weblog", "--onse", self.log), 2, "--onse", "--once")

    def test_a_value_of_the_wrong_kind_is_wrong_use(self):
        self.assert_says(run("weblog", "--once", "--top", "many", self.log), 2, "--top", "many")

    def test_no_file_at_all_is_wrong_use(self):
        self.assert_says(run("weblog", "--once"), 2, "FILE")

    def test_a_missing_file_fails_and_is_named(self):
        self.assert_says(run("weblog", "--once", self.folder / "absent.log"), 1, "absent.log")

    def test_a_folder_in_place_of_a_file_fails_and_is_named(self):
        self.assert_says(run("weblog", "--once", self.folder), 1, str(self.folder), "directory")

    @unittest.skipIf(os.geteuid() == 0, "root reads every file")
    def test_an_unreadable_file_fails_and_is_named(self):
        self.log.chmod(0)
        self.assert_says(run("weblog", "--once", self.log), 1, "access.log", "ermission")

    def test_an_unknown_format_directive_is_wrong_use(self):
        self.assert_says(run("weblog", "--once", "--format", "%h %Q", self.log), 2, "%Q")

    def test_an_unknown_format_name_is_wrong_use_and_the_right_one_is_named(self):
        self.assert_says(run("weblog", "--once", "--format", "combine", self.log), 2, "combine", "combined")

    def test_an_address_in_use_fails_and_says_which_option_to_change(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            for option in ("--page", "--listen"):
                done = run("weblog", self.log, option, address, "--data", self.data)
                self.assert_says(done, 1, address, "in use", option)
            self.assert_says(run("broker", "--data", self.data, "--listen", address), 1, address, "in use", "--listen")

    def test_a_data_folder_has_one_owner(self):
        self.start("broker", "--data", self.data, "--listen", "127.0.0.1:0")
        done = run("broker", "--data", self.data, "--listen", "127.0.0.1:0")
        self.assert_says(done, 1, str(self.data), "another process")
        self.assert_says(run("weblog", "--once", "--data", self.data, self.log), 1, str(self.data), "another process")

    def test_an_unknown_broker_key_fails_and_the_right_one_is_named(self):
        done = run("broker", "--data", self.data, "--listen", "127.0.0.1:0", "--set", "num.partition=3")
        self.assertIn(done.returncode, (1, 2))
        self.assertIn("num.partitions", done.stderr)

    def test_a_newer_data_folder_is_refused(self):
        self.report(self.log, "--data", self.data)
        version = self.data / "millrace.format"
        self.assertTrue(version.is_file(), "the data folder has no version file")
        version.write_text("format=999\n")
        done = run("weblog", "--once", "--data", self.data, self.log)
        self.assert_says(done, 1, "newer")

    def test_binary_junk_is_rejected_line_by_line(self):
        junk = bytes(range(256)) * 64
        self.log.write_bytes(GOOD.encode() + junk + b"\n" + GOOD.encode())
        report = self.report(self.log)
        self.assertEqual(report["lines"], self.log.read_bytes().count(b"\n"))
        self.assertEqual(report["hits"], 2)
        self.assertEqual(report["lines"], report["hits"] + report["rejected"])
        self.assertTrue(all(sample["reason"] for sample in report["rejected_samples"]))

    def test_a_line_of_ten_megabytes_is_one_line(self):
        self.log.write_text(GOOD + "x" * 10_000_000 + "\n" + GOOD)
        report = self.report(self.log)
        self.assertEqual((report["lines"], report["hits"], report["rejected"]), (3, 2, 1))

    def test_an_invalid_time_is_rejected_with_its_reason(self):
        self.log.write_text(GOOD + GOOD.replace("17/May/2015", "32/May/2015") + GOOD.replace("+0000", "*0000"))
        report = self.report(self.log)
        self.assertEqual((report["lines"], report["hits"], report["rejected"]), (3, 1, 2))
        self.assertTrue(all("time" in sample["reason"] for sample in report["rejected_samples"]), report["rejected_samples"])

    def test_an_empty_file_gives_an_empty_report(self):
        self.log.write_text("")
        report = self.report(self.log)
        self.assertEqual((report["lines"], report["hits"], report["rejected"]), (0, 0, 0))

    def test_the_same_file_again_adds_nothing(self):
        first = self.report(self.log, "--data", self.data)
        self.assertEqual(self.report(self.log, "--data", self.data), first)
        with self.log.open("a") as log:
            log.write(GOOD)
        self.assertEqual(self.report(self.log, "--data", self.data)["lines"], 4)

    def test_a_line_dated_ahead_is_counted(self):
        for ahead in (datetime.timedelta(hours=2), datetime.timedelta(days=2 * 365)):
            date = (datetime.datetime.now(datetime.timezone.utc) + ahead).strftime("%d/%b/%Y:%H:%M:%S")
            self.log.write_text(GOOD + GOOD.replace("17/May/2015:10:05:03", date))
            report = self.report(self.log, "--data", self.folder / f"data-{ahead.days}")
            self.assertEqual((report["lines"], report["hits"], report["rejected"]), (2, 2, 0))

    def test_a_silent_standard_input_ends_with_the_signal(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        process = subprocess.Popen([PROGRAM, "weblog", "--once", "-", self.log], stdin=reading, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        os.close(reading)
        self.addCleanup(process.kill)
        pipe = os.readlink(f"/proc/{process.pid}/fd/0")
        descriptors = pathlib.Path(f"/proc/{process.pid}/fd")

        def leads_to_the_pipe(each):
            try:
                return os.readlink(each) == pipe
            except FileNotFoundError:  # it was closed meanwhile
                return False

        def is_opened():
            return sum(map(leads_to_the_pipe, descriptors.iterdir())) > 1
        program.await_that("capture has opened standard input", is_opened)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, errors)
        self.assertIn("stopped before the end", errors)

    def test_a_silent_standard_input_stalls_no_other_file(self):
        reading, writing = os.pipe()
        process = subprocess.Popen([PROGRAM, "weblog", "--page", "127.0.0.1:0", "--data", self.data, "-", self.log],
                                   stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        os.close(reading)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        self.addCleanup(os.close, writing)
        self.log.write_text(GOOD * 100_000)
        address = next(found[0] for line in process.stdout if (found := re.search(r"127\.0\.0\.1:\d+", line)))

        def is_read():
            with urllib.request.urlopen(f"http://{address}/api/report", timeout=10) as answer:
                return json.load(answer)["lines"] == 100_000
        program.await_that("the file is read", is_read)

    def test_a_demo_keeps_its_data_where_it_is_told_to(self):
        done = run("weblog", "--demo", "--json", "--seconds", "1", "--data", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(json.loads(done.stdout)["hits"], 0)
        self.assertTrue((self.data / "millrace.format").is_file())

    def test_what_cannot_be_written_is_an_error(self):
        self.report(self.log, "--data", self.data)
        for arguments in (("weblog", "--once", "--json", self.log), ("weblog", "--once", self.log), ("--help",),
                          ("weblog", "--help"), ("log", "verify", self.data), ("log", "verify", "--json", self.data),
                          ("log", "dump", next(self.data.glob("access-log-0/*.log")))):
            with open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=full,
                                      stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(done.returncode, 1, f"{arguments}: {done.stderr}")
            self.assertIn("cannot write", done.stderr)
            self.assertIn("No space left on device", done.stderr)

    def test_a_format_may_be_given_as_the_servers_whole_directive(self):
        for directive in ('LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-agent}i\\"" combined',
                          """log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                                             '$status $body_bytes_sent "$http_referer" "$http_user_agent"';"""):
            self.assertEqual(self.report(self.log, "--format", directive)["hits"], 3)

    def test_when_every_line_is_rejected_the_format_is_asked_about(self):
        done = run("weblog", "--once", "--json", "--format", "%h|%t|\"%r\"|%>s", self.log)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(json.loads(done.stdout)["rejected"], 3)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("every line", done.stderr)
        self.assertIn("--format", done.stderr)

    def test_numbers_below_zero_and_empty_names_are_wrong_use(self):
        self.assert_says(run("weblog", "--once", "--top", "-1", self.log), 2, "--top", "-1")
        self.assert_says(run("weblog", "--seconds", "-1", self.log), 2, "--seconds", "-1")
        self.assert_says(run("weblog", "--once", "--data", "", self.log), 2, "--data", "folder")
        self.assert_says(run("weblog", "--once", ""), 2, "FILE", "log")
        self.assert_says(run("broker", "--data", ""), 2, "--data", "folder")

    def test_a_compressed_file_cannot_be_followed_and_the_option_is_named(self):
        packed = self.folder / "access.log.gz"
        packed.write_bytes(gzip.compress(GOOD.encode()))
        self.assert_says(run("weblog", "--data", self.data, packed), 1, "access.log.gz", "--once")

    def test_a_damaged_checkpoint_without_another_is_told_once(self):
        self.report(self.log, "--data", self.data)
        checkpoints = [path for path in (self.data / "weblog-state").rglob("checkpoint*") if path.is_file()]
        self.assertTrue(checkpoints)
        for path in checkpoints:
            path.write_bytes(path.read_bytes()[:-1] + b"#")
        done = run("weblog", "--once", "--data", self.data, self.log)
        self.assert_says(done, 1, "can be read")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount a small file system")
    def test_a_full_disk_fails_and_what_was_acknowledged_stays(self):
        small = self.folder / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], capture_output=True).returncode != 0:
            self.skipTest("cannot mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=True)
        self.log.write_text(GOOD * 600_000)
        done = run("weblog", "--once", "--json", "--data", small / "data", self.log)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("o space left", done.stderr)
        self.assertIn("Free some space", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(done.stdout, "")
        # With room again it goes on where it stopped: nothing lost, nothing twice.
        subprocess.run(["mount", "-o", "remount,size=400m", small], check=True)
        report = self.report(self.log, "--data", small / "data")
        self.assertEqual((report["lines"], report["hits"]), (600_000, 600_000))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount a small file system")
    def test_a_demo_on_a_full_disk_says_so_once(self):
        small = self.folder / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", small], capture_output=True).returncode != 0:
            self.skipTest("cannot mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=True)
        # With the data elsewhere it is the made-up log alone that cannot be written.
        for elsewhere in ((), ("--data", self.data)):
            done = run("weblog", "--demo", "--seconds", "8", *elsewhere, env={**os.environ, "TMPDIR": str(small)})
            self.assertEqual(done.returncode, 1, done.stderr)
            errors = [line for line in done.stderr.splitlines() if "o space left" in line]
            self.assertEqual(len(errors), 1, done.stderr)
            self.assertIn("Free some space", errors[0])


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
