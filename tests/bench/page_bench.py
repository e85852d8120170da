#!/usr/bin/env python3
"""How soon the live page in a headless Chromium shows a line that was appended to the log.

usage: page_bench.py [LINES]
"""

import datetime
import os
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e/page"))

from browser import Browser, find_chromium  # noqa: E402
from page_program import Program, line, some_lines  # noqa: E402

PROGRAM = os.environ.get("MILLRACE", ROOT / "build/release/bin/millrace")
FIRST = 50


def hits_shown(hits):
    return f"document.getElementById('hits-value').textContent === '{hits:,}'"


def main():
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    if find_chromium() is None:
        sys.exit("page_bench: needs Chromium (Debian: apt-get install chromium)")
    took_ms = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = pathlib.Path(folder) / "access.log"
        log.write_text(some_lines(FIRST))
        with Program(PROGRAM, log, pathlib.Path(folder) / "data") as program, Browser(find_chromium()) as browser:
            browser.open(program.url)
            browser.wait_until(hits_shown(FIRST))
            for hits in range(FIRST + 1, FIRST + 1 + lines):
                with open(log, "a") as file:
                    file.write(line(hits, datetime.datetime.now(datetime.timezone.utc)))
                appended = time.time() * 1000
                took_ms.append(browser.wait_until(hits_shown(hits)) - appended)
            said = browser.evaluate("document.getElementById('latency-value').textContent")
    took_ms.sort()
    print(f"from an appended line to the page, {lines} lines: median {took_ms[lines // 2]:.0f} ms, "
          f"p90 {took_ms[lines * 9 // 10]:.0f} ms, slowest {took_ms[-1]:.0f} ms; the page itself says {said}")


if __name__ == "__main__":
    main()
