#!/usr/bin/env python3
"""What a real broker does when a disk fails: the partitions on it refuse writes, the others go on, and nothing that was
acknowledged is lost. Drives the real program with kcat, over small file systems that it mounts: needs root for that.

usage: disk_trouble_test.py PROGRAM
"""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import unittest
from unittest import mock

import program
from program import Running, await_that, folder, need

PROGRAM = None

# fdatasync of a file whose path contains what the switch's file says fails, and is counted.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int fdatasync(int number) {
  char text[256] = {0}, link[64], path[4096] = {0};
  int file = open(getenv("SHIM_SWITCH"), O_RDONLY);
  if (file >= 0) {
    if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
    close(file);
    snprintf(link, sizeof link, "/proc/self/fd/%d", number);
    if (text[0] && readlink(link, path, sizeof path - 1) > 0 && strstr(path, text)) {
      int count = open(getenv("SHIM_COUNT"), O_WRONLY | O_CREAT | O_APPEND, 0644);
      if (write(count, "x", 1) < 0) abort();
      close(count);
      errno = EIO;
      return -1;
    }
  }
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(number);
}
"""


def processor_seconds(number):
    fields = pathlib.Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def small_disk(path, size="4m"):
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def broker(*folders):
    return Running(PROGRAM, "broker", "--listen", "127.0.0.1:0", "--set", f"log.dirs={','.join(map(str, folders))}", "--set",
                   "log.segment.bytes=1000000", "--set", "num.partitions=2")


def kcat(at, *arguments, text=None):
    return subprocess.run(["kcat", "-b", at, *arguments], input=text, capture_output=True, text=True, timeout=60)


def produce(at, topic, partition, value):
    """Whether the broker said that it is safe."""
    done = kcat(at, "-P", "-t", topic, "-p", str(partition), "-X", "acks=all", "-X", "message.timeout.ms=1500", "-X",
                "message.send.max.retries=1", text=value)
    return done.returncode == 0 and "failed" not in done.stderr.lower()


def values(at, topic, partition):
    done = kcat(at, "-C", "-t", topic, "-p", str(partition), "-o", "beginning", "-e", "-q")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def partition_in(path, topic):
    return next(int(found.name.rsplit("-", 1)[1]) for found in path.glob(f"{topic}-*"))


def make_topic(at, name):
    """With two partitions: asking for it makes it."""
    await_that(f"{name} is there", lambda: f'topic "{name}" with 2 partitions' in kcat(at, "-L", "-t", name).stdout, 30)


class DiskTrouble(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = self.stack.enter_context(folder())

    def test_a_full_disk_refuses_and_goes_on_when_there_is_space(self):
        good = self.folder / "good"
        small = self.stack.enter_context(small_disk(self.folder / "small"))
        with broker(good, small) as running:
            at = running.address()
            make_topic(at, "orders")
            full = partition_in(small, "orders")
            kept = [f"before-{'x' * 1000}"]
            self.assertTrue(produce(at, "orders", full, kept[0]), running.messages())
            ballast = small / "ballast"
            with open(ballast, "wb") as file, contextlib.suppress(OSError):
                while True:
                    os.write(file.fileno(), bytes(4096))
            refused = [produce(at, "orders", full, "y" * 20_000) for _ in range(3)]
            self.assertEqual(refused, [False] * 3, running.messages())
            self.assertTrue(produce(at, "orders", 1 - full, "meanwhile"))
            ballast.unlink()
            await_that("it goes on", lambda: produce(at, "orders", full, "after"), 30)
            said = running.messages()
            self.assertEqual(said.count("Free some space"), 1, said)
            self.assertEqual(said.count("there is space again"), 1, said)
            self.assertEqual(values(at, "orders", full)[0], kept[0])
            self.assertEqual(values(at, "orders", full)[-1], "after")
            self.assertEqual(values(at, "orders", 1 - full), ["meanwhile"])
            self.assertEqual(running.end(), 0, running.messages())

    def test_a_folder_that_cannot_be_written_at_the_start_is_offline_until_it_can(self):
        good = self.folder / "good"
        bad = self.stack.enter_context(small_disk(self.folder / "bad"))
        with broker(good, bad) as running:
            at = running.address()
            make_topic(at, "orders")
            lost = partition_in(bad, "orders")
            self.assertTrue(produce(at, "orders", lost, "before"))
            self.assertEqual(running.end(), 0, running.messages())
        subprocess.run(["mount", "-o", "remount,ro", bad], check=True)
        with broker(good, bad) as running:
            at = running.address()
            self.assertIn(f"the data folder {bad} is offline", running.messages())
            self.assertIn("Read-only file system", running.messages())
            self.assertFalse(produce(at, "orders", lost, "refused"))
            self.assertTrue(produce(at, "orders", 1 - lost, "meanwhile"))
            subprocess.run(["mount", "-o", "remount,rw", bad], check=True)
            await_that("it is back", lambda: "is open again" in running.messages(), 30)
            await_that("it can be written", lambda: produce(at, "orders", lost, "after"), 30)
            self.assertEqual(running.messages().count(f"the data folder {bad} is offline"), 1)
            self.assertEqual(values(at, "orders", lost), ["before", "after"])
            self.assertEqual(running.end(signal.SIGTERM), 0, running.messages())


    def test_without_descriptors_it_waits_and_goes_on_with_them(self):
        with broker(self.folder / "good") as running:
            at = running.address()
            make_topic(at, "orders")
            self.assertTrue(produce(at, "orders", 0, "before"))
            number = running.process.pid
            limits = resource.prlimit(number, resource.RLIMIT_NOFILE)
            taken = {int(name) for name in os.listdir(f"/proc/{number}/fd")}
            first_free = next(n for n in range(1 << 20) if n not in taken)
            resource.prlimit(number, resource.RLIMIT_NOFILE, (first_free, limits[1]))
            used = processor_seconds(number)
            self.assertFalse(produce(at, "orders", 0, "refused"))
            self.assertLess(processor_seconds(number) - used, 1.0, "it spins")
            resource.prlimit(number, resource.RLIMIT_NOFILE, limits)
            await_that("it goes on", lambda: produce(at, "orders", 0, "after"), 30)
            found = values(at, "orders", 0)
            self.assertEqual((found[0], found[-1]), ("before", "after"), running.messages())
            self.assertLess(len(running.output), 12, running.messages())
            self.assertEqual(running.end(), 0, running.messages())

    @unittest.skipUnless(shutil.which("cc"), "needs a C compiler")
    def test_a_failed_sync_ends_one_partition_until_the_next_start(self):
        """The system call fails: a shim before libc's says so."""
        shim = self.folder / "shim.so"
        source = self.folder / "shim.c"
        source.write_text(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
        switch, count = self.folder / "fail", self.folder / "count"
        environment = {"LD_PRELOAD": str(shim), "SHIM_SWITCH": str(switch), "SHIM_COUNT": str(count)}
        good, other = self.folder / "good", self.folder / "other"
        with mock.patch.dict(os.environ, environment):
            running = self.stack.enter_context(broker(good, other))
        at = running.address()
        make_topic(at, "orders")
        hurt = partition_in(other, "orders")
        self.assertTrue(produce(at, "orders", hurt, "before"))
        switch.write_text(f"orders-{hurt}/")
        self.assertFalse(produce(at, "orders", hurt, "refused"))
        switch.unlink()
        self.assertFalse(produce(at, "orders", hurt, "refused"), "a sync that failed is not tried again")
        self.assertEqual(count.read_text(), "x")
        self.assertTrue(produce(at, "orders", 1 - hurt, "meanwhile"))
        self.assertEqual(running.messages().count(f"orders-{hurt} is offline"), 1, running.messages())
        running.end()
        with broker(good, other) as again:
            at = again.address()
            self.assertTrue(produce(at, "orders", hurt, "after"))
            found = values(at, "orders", hurt)
            self.assertEqual((found[0], found[-1]), ("before", "after"))
            self.assertEqual(values(at, "orders", 1 - hurt), ["meanwhile"])


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    need("kcat", "mount", "umount")
    if os.geteuid() != 0:
        program.skip("mounting a small disk needs root")
    unittest.main()
