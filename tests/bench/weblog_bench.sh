#!/usr/bin/env bash
# a million lines: `millrace weblog --once` beside goaccess, rates and their ratio
#
# usage: weblog_bench.sh [LOG]        MILLRACE_RUNS=5 and MILLRACE_GOACCESS_RUNS=1 say how often each runs
#
# Without LOG, the real log of ../shared is repeated 100 times (the same lines, jumping back in time 99 times); without that,
# lines are made up. Both programs read the same file from the page cache and write one report. Millrace syncs every line to
# its log on disk on the way; the log lies in $TMPDIR or /var/tmp.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${MILLRACE:-$root/build/release/bin/millrace}
shared=${MILLRACE_SHARED:-$root/../shared}
runs=${MILLRACE_RUNS:-5}
peer_runs=${MILLRACE_GOACCESS_RUNS:-1}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/millrace-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT

log=${1:-$work/access.log}
if [ $# -eq 0 ]; then
  if [ -f "$shared/data/apache_combined.log.gz" ]; then
    zcat "$shared/data/apache_combined.log.gz" >"$work/once"
  else
    echo "the real log is not at $shared: lines are made up" >&2
    python3 - >"$work/once" <<'PYTHON'
import random
seed = random.Random(1)
agents = ["Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.1700.107 Safari/537.36" % i
          for i in range(20, 120)]
for i in range(10000):
    print('10.%d.%d.%d - - [%02d/May/2015:%02d:%02d:%02d +0000] "GET /page/%d HTTP/1.1" %d %d "http://www.example.com/%d" "%s"' % (
        seed.randrange(4), seed.randrange(20), seed.randrange(250), 17 + i // 2500, i // 105 % 24, i % 60, seed.randrange(60),
        int(seed.paretovariate(1)) % 5000, seed.choice([200] * 9 + [404]), seed.randrange(100000), seed.randrange(200),
        seed.choice(agents)))
PYTHON
  fi
  for _ in $(seq 100); do cat "$work/once"; done >"$log"
fi
lines=$(wc -l <"$log")
bytes=$(wc -c <"$log")
printf '%s lines, %s bytes; %s processors, load %s\n' "$lines" "$bytes" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"

# measure NAME RUNS COMMAND...: prints every run's seconds, gives the median in $seconds.
measure() {
  local name=$1 count=$2 times=() start end
  shift 2
  for _ in $(seq "$count"); do
    start=$(date +%s%N)
    "$@" >"$work/out" 2>"$work/err" || { cat "$work/err" >&2; echo "$name failed" >&2; exit 1; }
    end=$(date +%s%N)
    times+=("$(((end - start) / 1000000))")
  done
  local sorted
  mapfile -t sorted < <(printf '%s\n' "${times[@]}" | sort -n)
  milliseconds=${sorted[$((count / 2))]}
  printf '%-9s median %6d ms of %s: %10.0f lines/s\n' "$name" "$milliseconds" "$count (${times[*]})" \
    "$(awk "BEGIN {print $lines * 1000 / $milliseconds}")"
}

measure millrace "$runs" "$program" weblog --once --json "$log"
ours=$milliseconds
report=$(python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(r["lines"], r["unique_visitors"])' "$work/out")
if command -v goaccess >/dev/null; then
  measure goaccess "$peer_runs" goaccess "$log" --log-format=COMBINED --no-global-config -o "$work/goaccess.json"
  theirs=$(python3 -c '
import json, sys
general = json.load(open(sys.argv[1]))["general"]
print(general["total_requests"], general["unique_visitors"])' "$work/goaccess.json")
  [ "$report" = "$theirs" ] || echo "they differ in lines and visitors: millrace $report, goaccess $theirs"
  awk "BEGIN {printf \"millrace reads at %.1f times the rate of goaccess\n\", $milliseconds / $ours}"
else
  echo "goaccess is not installed: not compared"
fi
