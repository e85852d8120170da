// What the charts draw: windows and seconds put on an even time axis, gaps as zero.

import type { Second, Window } from "./protocol";

/** Columns of equal length, as uPlot takes them. Times are Unix seconds, ascending. */
export type Series = [times: number[], hits: number[], errors: number[]];

/** The windows of one length, minute or hour: the whole history once, then what changes. */
export class History {
  private readonly windows = new Map<number, Window>();
  private hits = 0;
  // Hits that a whole report had in no window: those older than the program keeps.
  private unkept = 0;

  constructor(readonly lengthSeconds: number) {}

  clear(): void {
    this.windows.clear();
    this.hits = 0;
    this.unkept = 0;
  }

  merge(windows: readonly Window[]): void {
    for (const window of windows) {
      this.hits += window.hits - (this.windows.get(window.start)?.hits ?? 0);
      this.windows.set(window.start, window);
    }
  }

  /** Takes all windows of a whole report that counts `hits` in all. */
  replace(windows: readonly Window[], hits: number): void {
    this.clear();
    this.merge(windows);
    this.unkept = hits - this.hits;
  }

  /**
   * Whether a report that counts `hits` must have windows that are not here: a snapshot brings the newest ones only, and
   * while a long log is read more than those can change from one snapshot to the next.
   */
  lacks(hits: number): boolean {
    return hits - this.hits > this.unkept;
  }

  /**
   * The newest windows up to `end` (Unix seconds), or up to the newest one: `most` of them at most, and `least` of them even
   * when the log is younger, so that its first windows don't fill the whole picture.
   */
  series(least: number, most: number, end?: number): Series {
    const starts = [...this.windows.keys()];
    if (starts.length === 0) return [[], [], []];
    const newest = starts.reduce((a, b) => Math.max(a, b));
    const oldest = starts.reduce((a, b) => Math.min(a, b));
    const align = (time: number): number => Math.floor(time / this.lengthSeconds) * this.lengthSeconds;
    const last = align(Math.max(newest, end ?? newest));
    const shown = Math.min(most, Math.max(least, (last - oldest) / this.lengthSeconds + 1));
    const first = last - (shown - 1) * this.lengthSeconds;
    const series: Series = [[], [], []];
    for (let start = first; start <= last; start += this.lengthSeconds) {
      const window = this.windows.get(start);
      series[0].push(start);
      series[1].push(window?.hits ?? 0);
      series[2].push(window?.errors ?? 0);
    }
    return series;
  }
}

export const shownSeconds = 300;

/**
 * The last five minutes that end at `end`: the newest second of the log or, when the log is being written now, this
 * second, so that silence shows as zero and not as a picture that stands still.
 */
export function secondsUpTo(seconds: readonly Second[], end: number): Series {
  const byTime = new Map(seconds.map((second) => [second.time, second]));
  const series: Series = [[], [], []];
  for (let time = end - shownSeconds + 1; time <= end; time += 1) {
    const second = byTime.get(time);
    series[0].push(time);
    series[1].push(second?.hits ?? 0);
    series[2].push(second?.errors ?? 0);
  }
  return series;
}

/** A log whose newest line is younger than this is being written now. */
const followedWithinSeconds = 300;

/** Where the charts end: see `secondsUpTo`. `nowMs` is the program's clock. Undefined before the first hit. */
export function endOfSeconds(seconds: readonly Second[], nowMs: number): number | undefined {
  const newest = seconds.at(-1)?.time;
  if (newest === undefined) return undefined;
  const now = Math.floor(nowMs / 1000);
  return now >= newest && now - newest <= followedWithinSeconds ? now : newest;
}

/** Hits a second over the last ten whole seconds before `end`: the second that is still filling would pull it down. */
export function recentRate(seconds: readonly Second[], end: number): number {
  const span = 10;
  const hits = seconds
    .filter((second) => second.time < end && second.time >= end - span)
    .reduce((sum, second) => sum + second.hits, 0);
  return hits / span;
}
