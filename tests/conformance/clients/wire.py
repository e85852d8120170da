"""The little of Kafka's protocol that the scenarios need of their own: a topic to work on, how the broker stored batches, and
which protocol a group speaks.

Written here so that a client is not judged by itself. CreateTopics 2 and Fetch 4 are the oldest that Kafka 4 still serves,
ListGroups 5 is the first that tells the kinds of groups.
"""

import socket
import struct

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
FETCH, LIST_GROUPS, CREATE_TOPICS = 1, 16, 19


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


class Reader:
    """Takes big-endian fields off the front of an answer."""

    def __init__(self, data):
        self._data = data
        self._at = 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self._data, self._at)
        self._at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def bytes(self, size):
        self._at += max(size, 0)
        return self._data[self._at - max(size, 0):self._at]


    def length(self):
        """What the newer, flexible versions write before a text or an array: a varint, one more than the length."""
        number = shift = 0
        while True:
            byte = self.take("B")
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number - 1
            shift += 7

    def compact_text(self):
        return self.bytes(self.length()).decode()


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), 30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _receive(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            assert more, "the broker closed the connection"
            data += more
        return data

    def ask(self, api, version, body):
        request = struct.pack(">hhi", api, version, 7) + text("conformance") + body
        self._socket.sendall(struct.pack(">i", len(request)) + request)
        answer = self._receive(struct.unpack(">i", self._receive(4))[0])
        assert struct.unpack_from(">i", answer)[0] == 7, "the answer belongs to another request"
        return Reader(answer[4:])

    def group_kinds(self):
        """{group: "classic" or "consumer"}."""
        answer = self.ask(LIST_GROUPS, 5, b"\x00\x01\x01\x00")  # tags of the header, no filters by state and kind, tags
        answer.take("b")  # tags of the header
        _, error = answer.take("ih")
        assert error == 0, f"groups could not be listed: error {error}"
        kinds = {}
        for _ in range(answer.length()):
            group, _, _, kind = [answer.compact_text() for _ in range(4)]
            answer.take("b")
            kinds[group] = kind
        return kinds

    def create_topic(self, name, partitions, settings):
        body = struct.pack(">i", 1) + text(name) + struct.pack(">ihi", partitions, 1, 0) + struct.pack(">i", len(settings))
        body += b"".join(text(key) + text(value) for key, value in settings.items())
        answer = self.ask(CREATE_TOPICS, 2, body + struct.pack(">i?", 30000, False))
        answer.take("ii")  # throttle time, number of topics
        answer.bytes(answer.take("h"))
        error = answer.take("h")
        assert error == 0, f"topic {name} could not be created: error {error}"

    def batches(self, topic, partition=0):
        """(codec, producer id, base sequence, records) of each batch of the partition, in order."""
        found = []
        offset = 0
        while True:
            body = struct.pack(">iiiib", -1, 100, 0, 1 << 24, 0) + struct.pack(">i", 1) + text(topic)
            answer = self.ask(FETCH, 4, body + struct.pack(">iiqi", 1, partition, offset, 1 << 24))
            answer.take("ii")  # throttle time, number of topics
            answer.bytes(answer.take("h"))
            answer.take("ii")  # number of partitions, partition
            error, end, _ = answer.take("hqq")
            assert error == 0, f"{topic}-{partition} could not be read: error {error}"
            for _ in range(max(answer.take("i"), 0)):  # aborted transactions
                answer.take("qq")
            records = answer.bytes(answer.take("i"))
            at = 0
            while at + 61 <= len(records) and at + 12 + struct.unpack_from(">i", records, at + 8)[0] <= len(records):
                base, length = struct.unpack_from(">qi", records, at)
                attributes, last = struct.unpack_from(">hi", records, at + 21)
                producer, _, sequence, count = struct.unpack_from(">qhii", records, at + 43)
                found.append((CODECS[attributes & 7], producer, sequence, count))
                offset = base + last + 1
                at += 12 + length
            if offset >= end or at == 0:
                return found
