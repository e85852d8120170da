"""A `millrace broker` that is killed with SIGKILL again and again while clients use it, and what all such tests look at."""

import signal
import threading
import time

import program

PARTITIONS = 3
SETTINGS = {"num.partitions": PARTITIONS, "group.initial.rebalance.delay.ms": 0,
            # Small, so that files end, are compacted and are opened again all the time.
            "log.segment.bytes": 500_000, "offsets.topic.segment.bytes": 50_000,
            "transaction.state.log.segment.bytes": 50_000, "log.cleaner.backoff.ms": 1000}
ROUNDS = program.setting("MILLRACE_ROUNDS", 4)


class KilledBroker:
    """Started on its folder at any port; afterwards always at that one."""

    def __init__(self, executable, folder):
        self._start = [executable, "broker", "--data", folder / "data"]
        for key, value in SETTINGS.items():
            self._start += ["--set", f"{key}={value}"]
        self._running = program.Running(*self._start, "--listen", "127.0.0.1:0")
        self.address = self._running.address()
        self.slowest_start = 0.0

    def kill(self):
        code = self._running.end(signal.SIGKILL)
        assert code == -signal.SIGKILL, f"the broker ended by itself, exit code {code}:\n{self._running.messages()}"
        self._check_messages()
        self._running.__exit__()

    def start(self):
        begun = time.monotonic()
        self._running = program.Running(*self._start, "--listen", self.address)
        self._running.address()
        self.slowest_start = max(self.slowest_start, time.monotonic() - begun)

    def _check_messages(self):
        for line in self._running.output:
            assert " is offline" not in line, f"a kill has damaged a log: {line}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            code = self._running.end()
            assert code == 0, f"exit code {code}:\n{self._running.messages()}"
            self._check_messages()
        self._running.__exit__()


class Client(threading.Thread):
    """Works on its own thread until it is told to stop. `work` does one piece; what it raises, `check` and `stop` raise."""

    def __init__(self, name, random):
        super().__init__(name=name, daemon=True)
        self.random = random
        self.done = 0  # grows with what it gets done
        self.stop_wanted = threading.Event()
        self.failure = None

    def check(self):
        if self.failure is not None:
            raise AssertionError(f"{self.name} failed") from self.failure

    def run(self):
        try:
            while not self.stop_wanted.is_set():
                self.work()
            self.finish()
        except BaseException as failure:  # told to whoever checks
            self.failure = failure

    def finish(self):
        """What was begun is brought to its end."""

    def stop(self):
        self.stop_wanted.set()
        self.join(2 * program.PATIENCE)
        assert not self.is_alive(), f"{self.name} does not end"
        self.check()

    def pause(self, seconds):
        self.stop_wanted.wait(seconds)


def kill_again_and_again(broker, clients, random):
    for turn in range(ROUNDS):
        before = {client: client.done for client in clients}

        def all_go_on():
            for client in clients:
                client.check()
            return not stuck()

        def stuck():
            return [client.name for client in clients if client.done == before[client]]

        # Now and then it is killed before anybody is back.
        if random.randrange(4) > 0:
            try:
                program.await_that(f"every client to go on after kill {turn}", all_go_on)
            except AssertionError as failure:
                raise AssertionError(f"{failure}; not {', '.join(stuck()) or 'any'}") from failure
        time.sleep(random.uniform(0, 0.5))  # the random moment itself, not a wait for something
        broker.kill()
        broker.start()


def check_once_and_in_order(what, numbers, count):
    """0, 1, 2, ... up to `count`, each once."""
    for at, number in enumerate(numbers):
        assert number <= at, f"{what}: {at} is lost or late, the record in its place is {number}"
        assert number == at, f"{what}: {number} is there again, in place of {at}"
    assert len(numbers) == count, f"{what}: {len(numbers)} of {count} acknowledged records are there"


def check_transactions(name, topic, records, outcomes, sizes):
    """`records`: what a reader of committed records sees, values "NAME TRANSACTION NUMBER" by (partition, offset), each
    partition's in order. `outcomes`: what the producer of that name was told of each transaction, True (committed), False
    (aborted) or None (nothing)."""
    found = {transaction: [] for transaction in outcomes}
    last = {}
    for (partition, offset), value in records.items():
        writer, transaction, number = value.split(" ")
        if writer != name:
            continue
        now = (int(transaction), int(number))
        assert now > last.get(partition, (-1, -1)), f"{topic}-{partition}: {value} at {offset} is late, or there again"
        last[partition] = now
        assert now[0] in found, f"{topic}-{partition}: {value} at {offset} was never sent"
        found[now[0]].append(now[1])
    for transaction, outcome in outcomes.items():
        numbers, whole = sorted(found[transaction]), list(range(sizes[transaction]))
        if outcome is None:
            assert numbers in ([], whole), f"{name}: of transaction {transaction} a part is there: {numbers} of {len(whole)}"
        elif outcome:
            assert numbers == whole, f"{name}: transaction {transaction} was committed; there are {numbers} of {len(whole)}"
        else:
            assert not numbers, f"{name}: transaction {transaction} was aborted and is shown: {numbers}"
