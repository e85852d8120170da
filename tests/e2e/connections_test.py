#!/usr/bin/env python3
"""More connections than `millrace broker` may have open: those that are too many are closed, the others are served, files can be
opened, and there is room again when some have gone. Drives the real program.

usage: connections_test.py PROGRAM
"""

import socket
import struct
import sys

import program

LIMIT = 256
CLIENTS = 200


def call(client, key, version, body=b""):
    """The answer's message; nothing when the connection is closed."""
    request = struct.pack(">hhih", key, version, 1, -1) + body
    try:
        client.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", client.recv(4, socket.MSG_WAITALL))
        return client.recv(size, socket.MSG_WAITALL)[4:]
    except (OSError, struct.error):
        return b""


def api_versions(client):
    return call(client, 18, 0)


def create_topic(client, name, partitions):
    """The error code."""
    topic = struct.pack(">h", len(name)) + name + struct.pack(">ihii", partitions, 1, 0, 0)
    answer = call(client, 19, 1, struct.pack(">i", 1) + topic + struct.pack(">i?", 60000, False))
    return struct.unpack_from(">h", answer, 4 + 2 + len(name))[0]


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=program.PATIENCE)


def main():
    millrace = sys.argv[1]
    program.need("prlimit")
    with program.folder() as folder:
        arguments = (f"--nofile={LIMIT}:{LIMIT}", millrace, "broker", "--data", folder / "data", "--listen", "127.0.0.1:0")
        with program.Running("prlimit", *arguments) as broker:
            address = broker.address()
            clients = [connect(address) for _ in range(CLIENTS)]
            served = [client for client in clients if api_versions(client)]
            print(f"{len(served)} of {CLIENTS} connections are served")
            assert 0 < len(served) < CLIENTS, broker.messages()
            said = [line for line in broker.output if "could not be served" in line]
            assert len(said) == 1 and "ulimit -n" in said[0], broker.messages()
            assert all(api_versions(client) for client in served), "who was served is not any more"

            # A topic is files.
            assert create_topic(served[0], b"orders", 50) == 0, broker.messages()
            for client in clients:
                client.close()
            program.await_that("somebody new is served", lambda: api_versions(connect(address)))
            assert broker.end() == 0, broker.messages()


if __name__ == "__main__":
    main()
