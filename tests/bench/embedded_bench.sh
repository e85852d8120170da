#!/usr/bin/env bash
# the embedded client: producing into a log in this process and reading it back
# builds: embedded_log
exec "$(dirname "$0")/../../build/release/bin/embedded_log" "$@"
