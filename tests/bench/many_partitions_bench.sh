#!/usr/bin/env bash
# a broker with 10,000 partitions: start after a clean stop, resident memory, processor time while idle
exec python3 "$(dirname "$0")/many_partitions.py" "$@"
