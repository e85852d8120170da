// The key figures at the top.

import { byId, setText } from "./dom";
import { bytes, count, milliseconds, rate, share, timeOfSecond } from "./format";
import { recentRate } from "./history";
import type { Report, Snapshot } from "./protocol";

const none = "–";

function statusClass(report: Report, first: string): number {
  return report.status.filter((entry) => entry.name.startsWith(first)).reduce((sum, entry) => sum + entry.hits, 0);
}

class Tile {
  private readonly value: HTMLElement;
  private readonly note: HTMLElement;

  constructor(id: string) {
    this.value = byId(`${id}-value`);
    this.note = byId(`${id}-note`);
  }

  show(value: string, note: string): void {
    setText(this.value, value);
    setText(this.note, note);
  }
}

export interface Moment {
  /** Where the chart of seconds ends, and whether that is now. Undefined before the first hit. */
  readonly end: number | undefined;
  readonly isNow: boolean;
  /** From a line's capture to its place on this page; undefined until one was seen to arrive. */
  readonly latencyMs: number | undefined;
}

export class Tiles {
  private readonly hits = new Tile("hits");
  private readonly speed = new Tile("speed");
  private readonly errors = new Tile("errors");
  private readonly visitors = new Tile("visitors");
  private readonly bytes = new Tile("bytes");
  private readonly rejected = new Tile("rejected");
  private readonly latency = new Tile("latency");

  show({ report, live }: Snapshot, moment: Moment): void {
    const about = report.approximate ? "≈ " : "";
    this.hits.show(count(report.hits), `of ${count(report.lines)} lines`);
    this.showSpeed(live.seconds, moment);

    const client = statusClass(report, "4");
    const server = statusClass(report, "5");
    this.errors.show(share(client + server, report.hits), `4xx ${count(client)} · 5xx ${count(server)}`);
    this.visitors.show(about + count(report.uniqueVisitors), report.approximate ? "estimated" : "by day, host, agent");
    this.bytes.show(bytes(report.bytes), report.hits > 0 ? `${bytes(report.bytes / report.hits)} a hit` : none);
    this.rejected.show(count(report.rejected), `${share(report.rejected, report.lines)} of lines`);
    this.latency.show(
      moment.latencyMs === undefined ? none : milliseconds(moment.latencyMs),
      live.latency.p99 > 0 ? `p99 in the job ${milliseconds(live.latency.p99)}` : none,
    );
  }

  private showSpeed(seconds: Snapshot["live"]["seconds"], { end, isNow }: Moment): void {
    if (end === undefined) {
      this.speed.show(none, none);
      return;
    }
    const peak = seconds.reduce((most, second) => Math.max(most, second.hits), 0);
    const when = isNow ? "now" : `at ${timeOfSecond(end)} UTC`;
    this.speed.show(rate(recentRate(seconds, end)), `${when} · peak ${count(peak)}`);
  }
}
