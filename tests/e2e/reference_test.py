#!/usr/bin/env python3
"""docs/reference.md is what the program prints.

usage: reference_test.py PROGRAM
"""

import difflib
import pathlib
import sys

import program

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/reference.md"


def main():
    printed = program.run(sys.argv[1], "docs")
    assert printed.returncode == 0, printed.stderr.decode()
    committed = PAGE.read_text()
    difference = list(difflib.unified_diff(committed.splitlines(), printed.stdout.decode().splitlines(), "docs/reference.md",
                                           "millrace docs", lineterm=""))
    if difference:
        sys.exit("\n".join(difference) + "\ndocs/reference.md is out of date: run ./dev docs and commit it")


if __name__ == "__main__":
    main()
