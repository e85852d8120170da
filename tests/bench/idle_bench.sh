#!/usr/bin/env bash
# an idle broker: time from start to its first answer, resident memory, processor time in ten seconds
exec python3 "$(dirname "$0")/idle_broker.py" "$@"
