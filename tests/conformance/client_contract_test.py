"""The contract of our client holds over a real Apache Kafka: the same tests that it passes over our own logs.

    client_contract_test.py UNIT_CLIENT KAFKA

KAFKA is the script that runs a Kafka distribution; without it or Java the test is skipped.
"""

import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import program  # noqa: E402


def free_ports():
    """A port whose next is free too: the broker's and the controller's."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError("no two free ports")


def main():
    unit_client, kafka = sys.argv[1], pathlib.Path(sys.argv[2])
    program.need("java")
    if not kafka.is_file():
        program.skip(f"{kafka} is not here; MILLRACE_SHARED names the folder with peers/kafka")
    jars = pathlib.Path(os.environ.get("PEER_HOME", f"{os.environ.get('TMPDIR', '/tmp')}/millrace-peer-kafka"))
    with program.folder() as folder:
        for libraries in jars.glob("libs-*"):
            (folder / libraries.name).symlink_to(libraries)
        port = free_ports()
        environment = {**os.environ, "PEER_HOME": str(folder), "PEER_PORT": str(port)}
        try:
            subprocess.run([kafka, "start"], env=environment, check=True, timeout=300)
            environment["MILLRACE_KAFKA"] = f"127.0.0.1:{port}"
            done = subprocess.run([unit_client, "--gtest_filter=*Contract*/apache"], env=environment, timeout=800)
        finally:
            subprocess.run([kafka, "stop"], env=environment, timeout=120)
        sys.exit(done.returncode)


main()
