"""What the drivers in Python share: the loop of requests and answers, and a member of a group. drivers.py tells the protocol."""

import json
import logging
import os
import sys
import threading

_writing = threading.Lock()


class Lacks(Exception):
    """The client has no such thing."""


def tell(**what):
    with _writing:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def text(data):
    return data if data is None or isinstance(data, str) else bytes(data).decode()


def data(words):
    return None if words is None else words.encode()


def serve(client):
    """Answers the requests on standard input with the client's methods until the input ends."""
    logging.basicConfig(level=os.environ.get("DRIVER_LOG", "ERROR"), format="%(asctime)s %(name)s %(message)s")
    for line in sys.stdin:
        request = json.loads(line)
        number, verb = request.pop("id"), request.pop("do")
        try:
            if verb in client.lacks:
                raise Lacks(client.lacks[verb])
            tell(id=number, ok=getattr(client, verb)(**request) or {})
        except Lacks as reason:
            tell(id=number, lacks=str(reason))
        except Exception as error:  # pylint: disable=broad-except
            tell(id=number, error=f"{type(error).__name__}: {error}")


class Member(threading.Thread):
    """Polls in a thread of its own until it is to leave. `turn` polls, tells and commits once; `close` leaves the group."""

    def __init__(self, turn, close):
        super().__init__(daemon=True)
        self._turn, self._close = turn, close
        self._leaving = threading.Event()
        self.start()

    def run(self):
        try:
            while not self._leaving.is_set():
                self._turn()
            self._close()
        except Exception as error:  # pylint: disable=broad-except
            tell(failed=f"{type(error).__name__}: {error}")

    def leave(self):
        self._leaving.set()
        self.join(60)
