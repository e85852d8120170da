#!/usr/bin/env bash
# `millrace broker` beside Apache Kafka: rates, processor time a GB, end-to-end latency, memory
# builds: broker_load
exec python3 "$(dirname "$0")/broker_bench.py" "$@"
