#!/usr/bin/env bash
# the log alone, piece by piece: checksum, building, checking, appending, reading
# builds: log_bench
exec "$(dirname "$0")/../../build/release/bin/log_bench" "$@"
