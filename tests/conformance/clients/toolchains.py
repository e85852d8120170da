"""Gets each client's driver ready to run, below a folder of the build; nothing is written into the source tree.

What a driver needs and this machine lacks is said by `Missing`: such a client is not run, which is no failure.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


class Missing(Exception):
    """Why a client cannot be run on this machine."""


def need(*programs):
    for name in programs:
        if shutil.which(name) is None:
            raise Missing(f"{name} is not installed")


class Toolchains:
    """Prepares into `folder`. What is there already, made from the same files, is used again."""

    def __init__(self, folder):
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _run(self, what, command, **settings):
        log = self._folder / "prepare.log"
        with open(log, "ab") as out:
            done = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=1800,
                                  check=False, **settings)
        if done.returncode != 0:
            raise Missing(f"{what} cannot be had: {pathlib.Path(command[0]).name} failed, as {log.name} tells")

    def _once(self, name, sources, make):
        """The folder `name`, made by `make` when its sources have changed."""
        folder = self._folder / name
        stamp = folder / "made-from"
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
        if not stamp.exists() or stamp.read_text() != digest:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            stamp.write_text(digest)
        return folder

    def kcat(self):
        need("kcat")
        return [sys.executable, HERE / "kcat/kcat_driver.py"]

    def python(self, driver):
        requirements = HERE / "python/requirements.txt"

        def make(folder):
            self._run("Python's venv", [sys.executable, "-m", "venv", folder])
            self._run("the Python clients", [folder / "bin/python", "-m", "pip", "install", "-q", "-r", requirements])

        return [self._once("python", [requirements], make) / "bin/python", HERE / "python" / driver]

    def node(self, driver):
        need("node", "npm")
        # A module finds its packages beside itself, so it is copied to them.
        sources = [HERE / "node" / name for name in ("package.json", "package-lock.json", ".npmrc", driver)]

        def make(folder):
            for path in sources:
                shutil.copy(path, folder)
            self._run("the Node clients", ["npm", "ci", "--ignore-scripts"], cwd=folder)

        return ["node", self._once("node", sources, make) / driver]

    def go(self, driver):
        need("go")
        binary = self._folder / "go" / driver
        self._run("the Go clients, or a Go recent enough for them,", ["go", "build", "-o", binary, f"./{driver}"],
                  cwd=HERE / "go", env={**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false"})
        return [binary]

    def java_class_path(self):
        """The jars of the Kafka distribution, and our classes that use them."""
        need("java", "javac", "mvn")
        pom, programs = HERE / "java/pom.xml", sorted((HERE / "java").glob("*.java"))

        def get(folder):
            self._run("Kafka's jars", ["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies",
                                       f"-DoutputDirectory={folder}"])

        jars = self._once("java/jars", [pom], get)

        def compile_into(folder):
            self._run("a Java 17 compiler", ["javac", "-cp", f"{jars}/*", "-d", folder, *programs])

        return f"{self._once('java/classes', [pom, *programs], compile_into)}:{jars}/*"

    def java(self, main):
        return ["java", "-Xmx256M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", self.java_class_path(), main]
