#!/usr/bin/env python3
"""Holds the tree against its own rules: who may include whom, docs/map.md, and a few texts that must not appear.

usage: layout_test.py [ROOT]     checks the tree; exit code 1 and one line a fault
       layout_test.py --self     shows that each rule can fail, on small trees made for it
"""

import pathlib
import re
import sys
import tempfile

# core/src, from the bottom up: each may include those before it. server and client do not include each other.
CORE = ["record", "protocol", "log", "metadata", "coordinator", "security", "broker", "cluster", "server", "client", "embed"]
APART = {("server", "client"), ("client", "server")}
# What public headers may re-export of base.
EXPORTED = {"base/result.h", "base/types.h", "base/strong.h", "base/error_codes.h", "base/config_table.h"}
# Libraries that are kept out of most files for the sake of build time, and where they may appear.
HEAVY = {
    "boost/asio": ("core/net/", "core/src/server/"),
    "boost/beast": ("core/net/",),
    "rapidjson/": ("core/base/", "connectors/", "apps/", "core/net/", "tests/"),
    "tbb/": ("streams/src/",),
    "oneapi/tbb": ("streams/src/",),
    "rocksdb/": ("streams/src/state/",),
    "librdkafka/": ("core/src/client/kafka/", "tests/bench/"),
    "CLI/": ("apps/cli/", "tests/unit/cli/"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SKIPPED = {"build", "node_modules", ".git", "dist"}


def files(root, *suffixes):
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix in suffixes and not SKIPPED & set(path.relative_to(root).parts):
            yield path


def place(path):
    """The part of the tree that a file belongs to."""
    parts = path.parts
    if parts[:3] == ("core", "include", "millrace"):
        return "public"
    if parts[0] == "core" and parts[1] == "src":
        return f"core:{parts[2]}"
    if parts[0] == "core":
        return parts[1]
    return parts[0]


def target(name, includer, root):
    """The part of the tree that an include names, or None for a library's header."""
    first = name.split("/")[0]
    if name.startswith("millrace/streams"):
        return "streams-public"
    if name.startswith("millrace/connect"):
        return "connectors-public"
    if first == "millrace":
        return "public"
    if first in ("base", "net"):
        return first
    if (root / "core/src" / first).is_dir() and "/" in name:
        return f"core:{first}"
    for part in ("streams/src", "connectors/src", "connectors", "apps", "tests"):
        if (root / part / name).is_file():
            return part.split("/")[0]
    if (includer.parent / name).is_file():
        return place(includer.parent.relative_to(root) / name)
    return None


def allowed(source, wanted, name):
    if source == "tests":
        return True
    if source == "public":
        return wanted == "public" or name in EXPORTED
    if source == "base":
        return wanted == "base"
    if source == "net":
        return wanted in ("base", "net")
    if source.startswith("core:"):
        if not wanted.startswith("core:"):
            return wanted in ("base", "net", "public")
        here, there = source[5:], wanted[5:]
        if (here, there) in APART or here not in CORE or there not in CORE:
            return False
        return CORE.index(there) <= CORE.index(here)
    if source == "streams":
        return wanted in ("base", "net", "public", "streams", "streams-public")
    if source == "connectors":
        return wanted in ("base", "net", "public", "connectors", "connectors-public")
    if source == "apps":
        return wanted in ("base", "net", "public", "streams-public", "connectors-public", "apps")
    return False


def layering(root):
    for path in files(root, ".h", ".cc"):
        relative = path.relative_to(root)
        if relative.parts[0] not in ("core", "streams", "connectors", "apps", "tests"):
            continue
        source = place(relative)
        for _, name in INCLUDE.findall(path.read_text()):
            for library, homes in HEAVY.items():
                if name.startswith(library) and not str(relative).startswith(homes):
                    yield f"{relative}: includes <{name}>; that library may appear only in {', '.join(homes)}"
                elif name.startswith(library) and "/include/" in str(relative):
                    yield f"{relative}: a public header includes <{name}>"
            wanted = target(name, path, root)
            if wanted is not None and not allowed(source, wanted, name):
                yield f"{relative}: includes \"{name}\", but {source} may not include {wanted} (DESIGN: who may include whom)"


def folders_with_sources(root):
    found = set()
    for path in files(root, ".h", ".cc", ".ts", ".py", ".sh"):
        relative = path.relative_to(root)
        if relative.parts[0] in ("core", "streams", "connectors", "apps", "tests"):
            found.add(str(relative.parent))
    return found


def map_of_folders(root):
    page = root / "docs/map.md"
    if not page.is_file():
        yield "docs/map.md: missing"
        return
    named = set(re.findall(r"^\| `([^`]+?)/?` \|", page.read_text(), re.MULTILINE))
    for folder in sorted(folders_with_sources(root) - named):
        yield f"docs/map.md: has no line for {folder}"
    for folder in sorted(named):
        if not (root / folder).exists():
            yield f"docs/map.md: names {folder}, which does not exist"


def texts(root):
    for path in files(root, ".h", ".cc"):
        text = path.read_text()
        relative = path.relative_to(root)
        for number, line in enumerate(text.splitlines(), 1):
            code = line.split("//")[0]
            # g++ 12 frees twice when a braced aggregate and co_await share a full expression.
            if re.search(r"co_await\b[^;]*[\w>]\{[^}]", code):
                yield f"{relative}:{number}: a braced aggregate beside co_await; name it and move it (DESIGN 4)"
            if re.search(r"\bsleep_for\b|\busleep\(|\bsleep\(", code):
                yield f"{relative}:{number}: sleeps; wait for the event instead"
        if path.suffix == ".h" and "#pragma once" not in text:
            yield f"{relative}: no #pragma once"


def packages(root):
    script, page = root / "dev", root / "docs/install.md"
    if not script.is_file() or not page.is_file():
        return
    listed = set()
    for names in re.findall(r'^packages_\w+="([^"]*)"', script.read_text(), re.MULTILINE):
        listed |= set(names.split())
    told = page.read_text()
    for name in sorted(listed):
        if f"`{name}`" not in told:
            yield f"docs/install.md: does not name the package {name} that dev installs"


def examples(root):
    """Code shown in README.md and in the guide is code that the build compiles."""
    folder = root / "apps/examples"
    if not folder.is_dir():
        return
    compiled = [path.read_text() for path in files(folder, ".cc")]
    for page in [root / "README.md", *sorted((root / "docs/guide").glob("*.md"))]:
        if not page.is_file():
            continue
        for block in re.findall(r"^```cpp\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            if not any(block.strip() in text for text in compiled):
                name = page.relative_to(root)
                yield f"{name}: shows code that no file of apps/examples has: {block.splitlines()[0]} ..."


def decisions(root):
    """Each decision has a number of its own, and its title says it."""
    seen = {}
    for path in sorted((root / "docs/decisions").glob("*.md")):
        number = path.name[:3]
        if number in seen:
            yield f"docs/decisions: {seen[number]} and {path.name} have the same number"
        seen[number] = path.name
        title = path.read_text().split("\n", 1)[0]
        if not title.startswith(f"# {number}: "):
            yield f"docs/decisions/{path.name}: its title should begin with \"# {number}: \""


CHECKS = [layering, map_of_folders, texts, packages, examples, decisions]


def check(root):
    return [fault for one in CHECKS for fault in one(root)]


def self_test():
    """Each small tree breaks one rule; the check must name it."""
    cases = {
        "decision without its number": {"docs/decisions/001-a.md": "# 002: A\n"},
        "have the same number": {"docs/decisions/001-a.md": "# 001: A\n", "docs/decisions/001-b.md": "# 001: B\n"},
        "base includes log": {"core/base/a.h": '#pragma once\n#include "log/b.h"\n', "core/src/log/b.h": "#pragma once\n"},
        "log includes broker": {"core/src/log/a.cc": '#include "broker/b.h"\n', "core/src/broker/b.h": "#pragma once\n"},
        "server includes client": {"core/src/server/a.cc": '#include "client/b.h"\n', "core/src/client/b.h": "#pragma once\n"},
        "streams includes the log": {"streams/src/a.cc": '#include "log/b.h"\n', "core/src/log/b.h": "#pragma once\n"},
        "streams includes connectors": {"streams/src/a.cc": "#include <millrace/connect/b.h>\n"},
        "apps includes a streams internal": {"apps/a.cc": '#include "runtime/b.h"\n', "streams/src/runtime/b.h": "#pragma once\n"},
        "public includes base internals": {"core/include/millrace/a.h": '#pragma once\n#include "base/clock.h"\n'},
        "asio in the broker": {"core/src/broker/a.cc": "#include <boost/asio/io_context.hpp>\n"},
        "sleep in a test": {"tests/unit/a.cc": "void f() { std::this_thread::sleep_for(1s); }\n"},
        "braces beside co_await": {"core/src/server/a.cc": "Task<int> f() { co_await g(Request{1, 2}); }\n"},
    }
    failures = 0
    for name, tree in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs").mkdir()
            for path, text in tree.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            rows = "".join(f"| `{folder}` | x |\n" for folder in folders_with_sources(root))
            (root / "docs/map.md").write_text(rows)
            faults = check(root)
            if len(faults) != 1:
                failures += 1
                print(f"FAILED: {name}: expected one fault, got {faults}")
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "docs").mkdir()
        (root / "core/base").mkdir(parents=True)
        (root / "core/base/a.h").write_text("#pragma once\n#include <vector>\n")
        (root / "docs/map.md").write_text("| `core/gone` | x |\n")
        faults = check(root)
        if len(faults) != 2:
            failures += 1
            print(f"FAILED: map: expected two faults, got {faults}")
    print("self-test", "failed" if failures else "passed")
    return failures


def main():
    if sys.argv[1:] == ["--self"]:
        return 1 if self_test() else 0
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    faults = check(root)
    print("\n".join(faults) or "layout: no faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
