#!/usr/bin/env bash
# 5,000 silent and 1,000 asking connections at once: memory a connection, processor time, latency, failures
# builds: connection_load
exec python3 "$(dirname "$0")/connections_bench.py" "$@"
