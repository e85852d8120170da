"""docs/compatibility.md: which client was asked for what, and what came of it."""

import collections

HEAD = """# Kafka clients and Millrace

What each client was asked to do with `millrace broker`, and what came of it. `./dev conformance` writes this page; the scenarios
are in `tests/conformance/clients`, one text for all clients, and pass against Apache Kafka too (`--against`), as far as a client can.
"""
MARKS = {"passed": "passed", "failed": "**failed**", "not run": "–"}


def counts(found):
    results = [result for _, told in found.values() if isinstance(told, dict) for result, _ in told.values()]
    return {**dict.fromkeys(MARKS, 0), **collections.Counter(results)}


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines) + "\n"


def reasons(found, wanted):
    """One line for each reason why capabilities of a client have that outcome."""
    which = collections.defaultdict(list)
    for name, told in found.items():
        for capability, (result, why) in told.items():
            if result == wanted:
                which[name, why.split("\n", 1)[0]].append(f"`{capability}`")
    return [f"- {name}, {', '.join(capabilities)}: {why}\n" for (name, why), capabilities in which.items()]


def page(found, capabilities):
    """`found` is what run.run gives: (version, {capability: (outcome, why)}) of a client, or (None, why it was not run)."""
    text = HEAD + "\n" + table(["client", "version"], [[name, version if version is not None else f"not run: {told}"]
                                                       for name, (version, told) in found.items()])
    ran = {name: told for name, (version, told) in found.items() if version is not None}
    kinds = []
    for name in ran:
        if capabilities[name] not in kinds:
            kinds.append(capabilities[name])
    for kind in kinds:
        names = [name for name in ran if capabilities[name] == kind]
        text += table(["capability", *names],
                      [[f"`{one}`", *(MARKS[ran[name][one][0]] for name in names)] for one, _, _ in kind])
        text += table(["capability", "what is asked"], [[f"`{one}`", what] for one, what, _ in kind])
    for title, wanted in (("Failed", "failed"), ("Not run", "not run")):
        if lines := reasons(ran, wanted):
            text += f"## {title}\n\n{''.join(lines)}\n"
    return text.rstrip("\n") + "\n"
