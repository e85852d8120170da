#!/usr/bin/env bash
# the live page: time from a line in the log to its figure in a headless Chromium
exec python3 "$(dirname "$0")/page_bench.py" "$@"
