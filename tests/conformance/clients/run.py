"""Kafka clients that others wrote, each asked for each capability, against Millrace or any other broker of Kafka's protocol.

    run.py PROGRAM [--against HOST:PORT | --against SCRIPT] [--only CAPABILITY,...] [--build FOLDER] [--page FILE] [CLIENT]...

Against PROGRAM, a `millrace`, each client gets a broker of its own. `--against` takes a broker that is there instead, or a script
that starts (`SCRIPT start`) and stops one; all scripts here must pass against an Apache Kafka too, or they prove nothing.
`--page` writes the table of what passed, failed, and was not run. The exit code is 1 when something failed, 77 when no client ran.
"""

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "e2e"))

import kafka_tools  # noqa: E402
import page  # noqa: E402
import program  # noqa: E402
import scenarios  # noqa: E402
from drivers import Lacks, Refused  # noqa: E402
from toolchains import Missing, Toolchains  # noqa: E402

# Name and how its driver is got ready, as the page lists them.
CLIENTS = {
    "kcat": lambda tools: tools.kcat(),
    "confluent-kafka": lambda tools: tools.python("confluent_driver.py"),
    "kafka-python": lambda tools: tools.python("kafka_python_driver.py"),
    "aiokafka": lambda tools: tools.python("aiokafka_driver.py"),
    "kafkajs": lambda tools: tools.node("kafkajs_driver.js"),
    "sarama": lambda tools: tools.go("sarama"),
    "franz-go": lambda tools: tools.go("franz-go"),
    "kafka-go": lambda tools: tools.go("kafka-go"),
    "java": lambda tools: tools.java("JavaClient"),
    "kafka-tools": lambda tools: tools.java("JavaClient"),
}
# What a client cannot do at any broker, though it has the call.
FAULTS = {
    ("kafka-go", "empty-values"): "its reader takes an empty value for none",
}
# So that nobody waits for what only large clusters need.
SETTINGS = ["--set", "group.initial.rebalance.delay.ms=0", "--set", "offsets.topic.num.partitions=4", "--set",
            "transaction.state.log.num.partitions=4", "--set", "group.consumer.session.timeout.ms=6000", "--set",
            "group.consumer.heartbeat.interval.ms=500"]
# What each is asked for.
CAPABILITIES = {**dict.fromkeys(CLIENTS, scenarios.CAPABILITIES), "kafka-tools": kafka_tools.CAPABILITIES}
_printing = threading.Lock()


def say(*words):
    with _printing:
        print(*words, flush=True)


@contextlib.contextmanager
def own_broker(millrace, log):
    """Gives the address of a broker that lives as long as its client is tried, and must end properly. Its messages are in `log`."""
    start = ["broker", "--data", log.with_suffix(".data"), "--listen", "127.0.0.1:0", *SETTINGS]
    shutil.rmtree(log.with_suffix(".data"), ignore_errors=True)
    with program.Running(millrace, *start) as broker:
        try:
            yield broker.address()
            assert broker.end() == 0, "the broker did not end well"
        finally:
            log.write_text(broker.messages())
    shutil.rmtree(log.with_suffix(".data"))


@contextlib.contextmanager
def peer(script, folder):
    """Gives the address of the broker that a script starts, and stops it again."""
    environment = {**os.environ, "PEER_HOME": str(folder / "peer"), "PEER_PORT": "29192"}

    def do(*words):
        done = subprocess.run([script, *words], env=environment, timeout=900, check=False)
        assert done.returncode == 0, f"{script} {' '.join(words)} failed"

    do("start", "group.consumer.min.session.timeout.ms=6000", "group.consumer.session.timeout.ms=6000",
       "group.consumer.min.heartbeat.interval.ms=500", "group.consumer.heartbeat.interval.ms=500")
    try:
        yield "127.0.0.1:29192"
    finally:
        do("stop")


def outcome(capability, scenario, bench):
    """What came of it, and why."""
    if fault := FAULTS.get((bench.client, capability)):
        return "not run", fault
    try:
        scenario(bench)
        return "passed", ""
    except Lacks as reason:
        return "not run", str(reason)
    except (AssertionError, Refused) as reason:
        return "failed", str(reason)
    except Exception as error:  # pylint: disable=broad-except
        return "failed", f"{type(error).__name__}: {error}"


def try_client(name, command, broker, only, logs):
    """(version, {capability: (outcome, why)}) of one client."""
    results = {}
    with broker(logs / f"{name}.broker.log") as address, open(logs / f"{name}.log", "w", encoding="utf-8") as log:
        greeting = scenarios.Bench(name, command, address, log)
        try:
            version = greeting.call("hello")["version"]
        finally:
            greeting.close()
        for capability, _, scenario in CAPABILITIES[name]:
            if only and capability not in only:
                continue
            bench = scenarios.Bench(name, command, address, log)
            begun = time.monotonic()
            try:
                results[capability] = outcome(capability, scenario, bench)
            finally:
                bench.close()
            result, why = results[capability]
            say(f"{name:16} {capability:16} {result}{': ' + why if why else ''} ({time.monotonic() - begun:.1f} s)")
    return version, results


def run(chosen, broker, only, build):
    """{client: (version, results)}, or (None, why it was not run)."""
    tools, logs = Toolchains(build), build / "log"
    logs.mkdir(exist_ok=True)
    commands, found = {}, {}
    for name in chosen:
        try:
            commands[name] = CLIENTS[name](tools)
        except Missing as reason:
            say(f"{name:16} not run: {reason}")
            found[name] = (None, str(reason))

    def one(name):
        try:
            return try_client(name, commands[name], broker, only, logs)
        except AssertionError as reason:
            say(f"{name:16} failed: {reason}")
            return "", {capability: ("failed", str(reason)) for capability, _, _ in CAPABILITIES[name]}

    # Mostly they wait, for sessions to end; two at a time do not slow each other.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found |= dict(zip(commands, pool.map(one, commands)))
    return {name: found[name] for name in chosen}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument("--against", metavar="HOST:PORT|SCRIPT")
    parser.add_argument("--only", metavar="CAPABILITY,...", type=lambda text: text.split(","), default=[])
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[2] / "build/conformance")
    parser.add_argument("--page", type=pathlib.Path)
    options = parser.parse_intermixed_args()
    known = [name for kind in (scenarios, kafka_tools) for name, _, _ in kind.CAPABILITIES]
    for kind, names, all_names in (("client", options.clients, CLIENTS), ("capability", options.only, known)):
        if unknown := set(names) - set(all_names):
            parser.error(f"there is no {kind} {', '.join(sorted(unknown))}. There are: {', '.join(all_names)}")
    if options.page and options.only:
        parser.error("--page shows all capabilities; leave --only out")

    options.build.mkdir(parents=True, exist_ok=True)
    build = options.build.resolve()
    chosen = options.clients or list(CLIENTS)
    with contextlib.ExitStack() as stack:
        if not options.against:
            def broker(log):
                return own_broker(options.program, log)
        else:
            is_script = pathlib.Path(options.against).exists()
            address = stack.enter_context(peer(options.against, build)) if is_script else options.against

            def broker(_):
                return contextlib.nullcontext(address)
        found = run(chosen, broker, options.only, build)

    if options.page:
        options.page.write_text(page.page(found, CAPABILITIES), encoding="utf-8")
    counts = page.counts(found)
    say(f"{counts['passed']} passed, {counts['failed']} failed, {counts['not run']} not run; messages: {build}/log")
    if not counts["passed"] + counts["failed"]:
        return program.SKIPPED
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
