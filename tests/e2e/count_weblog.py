#!/usr/bin/env python3
"""Counts a web server's log, combined format, independently of Millrace: the same definitions (docs/guide/weblog.md), another
language, another way to read lines. Prints the report object that `millrace weblog --once --json --top 0` prints, without samples.

    count_weblog.py FILE... > expected.json
    count_weblog.py FILE... --compare report.json     says what differs; exit code 1 when something does
"""

import argparse
import calendar
import collections
import json
import pathlib
import re
import sys
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
MONTHS = {name: number + 1 for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}

# A quoted field ends at the first quote that no backslash escapes and that has the format's text behind it. The groups are
# atomic, (?>...): where a field ends is decided once, whatever comes behind it.
LINE = re.compile(
    rb'(?P<client>[^ ]+) (?P<ident>[^ ]*) (?>(?P<user>.*?) \[)(?P<time>.{26})\] '
    rb'"(?>(?P<request>(?:[^"\\]|\\.|"(?! ))*?)" )(?P<status>[^ ]*) (?>(?P<bytes>.*?) ")'
    rb'(?>(?P<referer>(?:[^"\\]|\\.|"(?! "))*?)" ")(?P<agent>(?:[^"\\]|\\.|"(?! |$)|\\$)*)',
    re.DOTALL)
TIME = re.compile(rb"(\d\d)/(...)/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
METHOD = re.compile(rb"[A-Z_-]{2,20}")


def rules(path, kind):
    text = (TREE / path).read_text()
    return re.findall(r'^%s\("([^"]*)"(?:, "([^"]*)")?\)' % kind, text, re.MULTILINE)


def agent_rule(pattern):
    anchored = pattern.startswith("^")
    body = ".*".join(re.escape(piece) for piece in pattern.lstrip("^").split("*"))
    return re.compile((("^" if anchored else "") + body).encode(), re.DOTALL)


BROWSERS = [(agent_rule(pattern), name) for pattern, name in rules("apps/weblog/agents.inc", "BROWSER")]
SYSTEMS = [(agent_rule(pattern), name) for pattern, name in rules("apps/weblog/agents.inc", "SYSTEM")]
STATIC = {extension.encode() for extension, _ in rules("apps/weblog/static_extensions.inc", "EXTENSION")}


def classify(agent, table, seen):
    if not agent:
        return "None"
    if agent not in seen:
        seen[agent] = next((name for rule, name in table if rule.search(agent)), "Unknown")
    return seen[agent]


def seconds_of(text):
    """Seconds since 1970 of "17/May/2015:10:05:03 +0000"; None when it is no time."""
    match = TIME.fullmatch(text)
    if not match or match[2] not in MONTHS:
        return None
    day, year, hour, minute, second = (int(match[i]) for i in (1, 3, 4, 5, 6))
    zone_hours, zone_minutes = int(match[8]), int(match[9])
    month = MONTHS[match[2]]
    if year < 1970 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 60 or zone_hours > 15 or zone_minutes > 59:
        return None
    east = (zone_hours * 60 + zone_minutes) * 60
    stamp = calendar.timegm((year, month, day, hour, minute, second)) - (east if match[7] == b"+" else -east)
    return stamp if stamp >= 0 else None


def split_request(request):
    method, space, rest = request.partition(b" ")
    rest = rest.lstrip(b" ")
    if not space or not METHOD.fullmatch(method) or not rest:
        return b"-", request or b"-"
    before, protocol, _ = rest.rpartition(b" HTTP/")
    return method, before if protocol and before else rest


def site_of(referer):
    _, scheme, rest = referer.partition(b"://")
    if not scheme:
        return b""
    site = re.split(rb"[/?#]", rest, maxsplit=1)[0].rpartition(b"@")[2]
    if site.startswith(b"["):
        return site[: site.index(b"]") + 1] if b"]" in site else site
    return site.partition(b":")[0]


def is_static(target):
    name = target.partition(b"?")[0].rpartition(b"/")[2]
    return b"." in name and name.rpartition(b".")[2].lower() in STATIC and len(target.partition(b"?")[0]) > 1


class Count:
    def __init__(self):
        self.lines = self.rejected = self.bytes = 0
        self.hits = 0
        self.visitors = set()
        self.first = self.last = None
        self.status = collections.Counter()
        self.methods = collections.Counter()
        tally = lambda: [0, 0, 0]
        self.windows = {size: collections.defaultdict(tally) for size in (60, 3600)}
        names = "paths static_files not_found hosts referring_sites browsers systems".split()
        self.lists = {name: collections.defaultdict(tally) for name in names}
        self.browser_of, self.system_of = {}, {}

    def line(self, line):
        self.lines += 1
        match = LINE.match(line[:-1] if line.endswith(b"\r") else line)
        if not match:
            return self.reject()
        stamp = seconds_of(match["time"])
        status, size = match["status"], match["bytes"]
        if stamp is None or not re.fullmatch(rb"[1-9]\d\d", status) or not re.fullmatch(rb"-|\d{1,15}", size):
            return self.reject()
        self.hit(match, stamp, int(status), 0 if size == b"-" else int(size))

    def reject(self):
        self.rejected += 1

    def hit(self, match, stamp, status, size):
        blank = lambda text: b"" if text == b"-" else text
        client, agent, referer = match["client"], blank(match["agent"]), blank(match["referer"])
        method, target = split_request(match["request"])
        error = status >= 400
        self.hits += 1
        self.bytes += size
        self.first = stamp if self.first is None else min(self.first, stamp)
        self.last = stamp if self.last is None else max(self.last, stamp)
        self.status[str(status)] += 1
        self.methods[shown(method)] += 1
        if not 400 <= status <= 499:
            self.visitors.add((client, stamp // 86400, agent))
        for length, windows in self.windows.items():
            add(windows[stamp - stamp % length], size, error)
        kind = "not_found" if status == 404 else "static_files" if is_static(target) else "paths"
        add(self.lists[kind][target], size, error)
        add(self.lists["hosts"][client], size, error)
        if site_of(referer):
            add(self.lists["referring_sites"][site_of(referer)], size, error)
        add(self.lists["browsers"][classify(agent, BROWSERS, self.browser_of).encode()], size, error)
        add(self.lists["systems"][classify(agent, SYSTEMS, self.system_of).encode()], size, error)

    def report(self):
        iso = lambda stamp: None if stamp is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stamp))
        window_list = lambda size: [
            {"start": iso(start), "hits": hits, "bytes": size_, "errors": errors}
            for start, (hits, size_, errors) in sorted(self.windows[size].items())]
        entry_list = lambda entries: [
            {"name": shown(name), "hits": hits, "bytes": size}
            for name, (hits, size, _) in sorted(entries.items(), key=lambda item: (-item[1][0], item[0]))]
        report = {"lines": self.lines, "rejected": self.rejected, "hits": self.hits, "bytes": self.bytes,
                  "unique_visitors": len(self.visitors), "first": iso(self.first), "last": iso(self.last),
                  "status": dict(self.status), "methods": dict(self.methods),
                  "per_hour": window_list(3600), "per_minute": window_list(60)}
        report.update({name: entry_list(entries) for name, entries in self.lists.items()})
        report["approximate"] = False
        return report


def add(tally, size, error):
    tally[0] += 1
    tally[1] += size
    tally[2] += error


def shown(name):
    return name.decode("utf-8", "backslashreplace")


def count(paths):
    counted = Count()
    for path in paths:
        with sys.stdin.buffer if path == "-" else open(path, "rb") as lines:
            for line in lines:
                counted.line(line[:-1] if line.endswith(b"\n") else line)
    return counted.report()


def differences(expected, got):
    for key, value in expected.items():
        if key not in got:
            yield f"{key}: missing"
        elif got[key] != value:
            if isinstance(value, list):
                wrong = [f"at {i}: expected {a}, got {b}" for i, (a, b) in enumerate(zip(value, got[key])) if a != b]
                yield f"{key}: expected {len(value)} entries, got {len(got[key])}; {len(wrong)} differ; " + "; ".join(wrong[:3])
            else:
                yield f"{key}: expected {value}, got {got[key]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--compare", metavar="REPORT", help="a report of millrace weblog --once --json --top 0")
    options = parser.parse_args()
    report = count(options.files)
    if not options.compare:
        print(json.dumps(report))
        return 0
    wrong = list(differences(report, json.loads(pathlib.Path(options.compare).read_text())))
    print("\n".join(wrong) if wrong else f"equal: {report['lines']} lines, {report['hits']} hits")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
