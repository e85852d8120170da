#!/usr/bin/env python3
"""How `millrace broker` and `millrace log` are used wrongly, and what they say. Drives the real program.

usage: broker_use_test.py PROGRAM
"""

import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=60)


class BrokerUse(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def assert_says(self, done, code, *words):
        self.assertEqual(done.returncode, code, f"stdout: {done.stdout}\nstderr: {done.stderr}")
        for word in words:
            self.assertIn(word, done.stderr)

    def config(self, text):
        path = self.folder / "bad.properties"
        path.write_text(text)
        return path

    def test_the_version_is_told(self):
        done = run("--version")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^millrace \d+\.\d+\.\d+\n$")

    def test_the_beginning_of_a_command_is_enough_for_a_suggestion(self):
        self.assert_says(run("webl"), 2, 'Did you mean "weblog"?')

    def test_an_address_that_is_none_is_wrong_use(self):
        for address in ("9092", ":9092x", "localhost:99999", "foo:bar"):
            with self.subTest(address):
                self.assert_says(run("broker", "--data", self.folder / "data", "--listen", address), 2, address)
                self.assert_says(run("weblog", "a.log", "--page", address), 2, address)
                self.assert_says(run("weblog", "a.log", "--listen", address), 2, address)
        self.assertFalse((self.folder / "data").exists())

    def test_a_data_folder_that_is_named_twice_is_refused(self):
        self.assert_says(run("broker", "--data", f"{self.folder}/x", "--set", f"log.dirs={self.folder}/a"), 2,
                         "--set log.dirs=", "--data")
        config = self.config(f"node.id=1\nlog.dirs={self.folder}/a,{self.folder}/a/\n")
        (self.folder / "a").mkdir()
        self.assert_says(run("broker", "--config", config), 2, f"{config}:2: \"log.dirs\"", "twice")
        (self.folder / "a").rmdir()
        self.assertEqual([config], list(self.folder.iterdir()))

    def test_what_is_wrong_in_a_file_is_told_with_its_line(self):
        data = self.folder / "data"
        for text, place, words in (
                ("node.id=1\n\nnum.partition=3\n", 3, 'unknown key "num.partition". Did you mean "num.partitions"?'),
                ("replica.lag.time.max.ms=1\n", 1, "Kafka's key \"replica.lag.time.max.ms\" is not served here"),
                ("node.id=one\n", 1, '"node.id" is "one", but must be a whole number'),
                ("node.id=1\nnode.id=1\n", 2, "given twice")):
            with self.subTest(text):
                config = self.config(text)
                done = run("broker", "--config", config, "--data", data, "--listen", "127.0.0.1:0")
                self.assert_says(done, 2, f"{config}:{place}: ", words)
        good = self.config("node.id=1\n")
        done = run("broker", "--config", good, "--set", "num.partition=3", "--data", data, "--listen", "127.0.0.1:0")
        self.assert_says(done, 2, 'unknown key "num.partition"')
        self.assertNotIn(str(good), done.stderr)

    def test_a_file_that_is_not_there_is_no_wrong_use(self):
        self.assert_says(run("log", "dump", self.folder / "none"), 1, "none")

    def test_it_says_where_the_data_is(self):
        process = subprocess.Popen([PROGRAM, "broker", "--data", self.folder / "data", "--listen", "127.0.0.1:0"],
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "listening on" in line:
                break
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)
        self.assertIn(str(self.folder / "data"), "".join(lines))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
