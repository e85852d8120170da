"""kcat at work while `millrace broker` is killed (SIGKILL) at random moments and started again on the same folder and port: what
its idempotent producers were told is there once and in order, its transactions are there whole or not at all.

    kill_kcat_test.py PROGRAM         MILLRACE_ROUNDS=200 for the full size (default 4), MILLRACE_SEED

kill_clients_test.py does more, with a client that is not always here.
"""

import collections
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import program  # noqa: E402
import killed_broker as killed  # noqa: E402

QUICK = ["-X", "reconnect.backoff.ms=20", "-X", "reconnect.backoff.max.ms=200", "-X",
           "retry.backoff.ms=20", "-X", "linger.ms=2", "-X", "broker.address.family=v4"]


class Client(killed.Client):
    """Runs one kcat after the other; each is given lines at random moments."""

    def __init__(self, address, name, random, *options):
        super().__init__(name, random)
        self._command = ["kcat", "-P", "-E", "-b", address, "-m", str(int(program.PATIENCE)), *QUICK, *options]

    def feed(self, lines, then=None):
        """Gives a kcat the lines, and a signal; gives its exit code and what it said."""
        with subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as kcat:
            try:
                for line in lines:
                    kcat.stdin.write(f"{line}\n".encode())
                    if self.random.randrange(20) == 0:
                        kcat.stdin.flush()
                        self.pause(self.random.uniform(0, 0.05))
                kcat.stdin.flush()
                if then is not None:
                    self.pause(self.random.uniform(0, 0.3))
                    kcat.send_signal(then)
            except BrokenPipeError:
                pass  # it has ended; its exit code says how
            _, messages = kcat.communicate(timeout=2 * program.PATIENCE)
        return kcat.returncode, messages.decode(errors="replace")


class IdempotentProducer(Client):
    """Numbers its records; each kcat goes on where the one before has ended."""

    def __init__(self, address, name, random):
        # One request at a time: an older librdkafka, as Debian's kcat has it, may give up when the one before a refused one
        # was cut off (confluentinc/librdkafka #4438).
        super().__init__(address, name, random, "-t", "plain", "-p", str(random.randrange(killed.PARTITIONS)), "-X",
                         "enable.idempotence=true", "-X", "acks=all", "-X", "message.timeout.ms=600000", "-X", "max.in.flight=1")
        self.sent = 0

    def work(self):
        count = self.random.randrange(200, 1000)
        code, messages = self.feed(f"{self.name} {number}" for number in range(self.sent, self.sent + count))
        assert code == 0, f"exit code {code}: {messages}"
        self.sent += count
        self.done += 1

    def check_topic(self, records):
        numbers = [int(value.split(" ")[1]) for value in records.values() if value.startswith(f"{self.name} ")]
        killed.check_once_and_in_order(f"plain, {self.name}", numbers, self.sent)


class TransactionalProducer(Client):
    """A kcat is a transaction: committed at the end of its input, left open when it is interrupted, until the next aborts it."""

    def __init__(self, address, name, random):
        super().__init__(address, name, random, "-t", "ledger", "-X", f"transactional.id={name}", "-X",
                         "transaction.timeout.ms=60000")
        self.outcomes, self.sizes = {}, {}

    def work(self):
        self._transaction(interrupts=self.random.randrange(3) == 0)

    def finish(self):
        self._transaction(interrupts=False)

    def _transaction(self, interrupts):
        number = len(self.outcomes)
        self.outcomes[number] = None
        self.sizes[number] = self.random.randrange(1, 200)
        lines = (f"{self.name} {number} {at}" for at in range(self.sizes[number]))
        code, messages = self.feed(lines, signal.SIGINT if interrupts else None)
        if interrupts:
            self.outcomes[number] = False
        elif code == 0:
            self.outcomes[number] = True
        else:
            print(f"{self.name}: transaction {number} is in doubt: {messages.strip()}", flush=True)
        self.done += 1


def read_all(address, topic):
    """What a reader of committed records sees: values by (partition, offset), each partition's in order."""
    command = ["kcat", "-C", "-b", address, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%p %o %s\n", "-X",
               "isolation.level=read_committed", "-X", "broker.address.family=v4"]
    done = subprocess.run(command, capture_output=True, timeout=program.PATIENCE, check=True)
    values = {}
    for line in done.stdout.decode().splitlines():
        partition, offset, value = line.split(" ", 2)
        at = (int(partition), int(offset))
        assert at not in values, f"{topic}: {at} is given twice"
        values[at] = value
    return dict(sorted(values.items()))


def main():
    program.need("kcat")
    random = program.seeded("MILLRACE_SEED")

    def own():
        return type(random)(random.randrange(1 << 32))

    with program.folder() as folder, killed.KilledBroker(sys.argv[1], folder) as broker:
        plain = [IdempotentProducer(broker.address, f"idempotent{at}", own()) for at in range(2)]
        transactional = [TransactionalProducer(broker.address, f"writer{at}", own()) for at in range(2)]
        begun = time.monotonic()
        for client in plain + transactional:
            client.start()
        killed.kill_again_and_again(broker, plain + transactional, random)
        for client in plain + transactional:
            client.stop()
        took = time.monotonic() - begun
        topics = {topic: read_all(broker.address, topic) for topic in ("plain", "ledger")}
        for producer in plain:
            producer.check_topic(topics["plain"])
        for writer in transactional:
            killed.check_transactions(writer.name, "ledger", topics["ledger"], writer.outcomes, writer.sizes)
    counts = collections.Counter()
    for writer in transactional:
        counts.update(writer.outcomes.values())
    assert counts[True] > 0, "no transaction was committed"
    print(f"{killed.ROUNDS} kills in {took:.0f} s: {sum(one.sent for one in plain)} idempotent records once and in order; "
          f"{counts[True]} transactions committed, {counts[False]} aborted, {counts[None]} in doubt; slowest start "
          f"{broker.slowest_start:.2f} s", flush=True)


if __name__ == "__main__":
    main()
