// How long a line takes from its capture to this page.

import type { Live } from "./protocol";

/** Two clocks this close are taken to be the same one: the page and the program mostly run on one machine. */
const sameClockMs = 2_000;

export class LatencyMeter {
  /** What the browser's clock is ahead of the program's. */
  clockOffsetMs = 0;
  /** Of the newest line that was seen to arrive. */
  latencyMs: number | undefined;

  private smallestOffset = Number.POSITIVE_INFINITY;
  private newestCapture: number | undefined;
  private undrawnCapture: number | undefined;

  onSnapshot(live: Live, receivedAt: number): void {
    // The quickest delivery is nearest to the clocks' difference; what it took itself can't be told apart from it.
    this.smallestOffset = Math.min(this.smallestOffset, receivedAt - live.now);
    this.clockOffsetMs = Math.abs(this.smallestOffset) <= sameClockMs ? 0 : this.smallestOffset;
    // The first snapshot may be about a line of long ago.
    if (this.newestCapture !== undefined && live.newestCapture > this.newestCapture) {
      this.undrawnCapture = live.newestCapture;
    }
    this.newestCapture = live.newestCapture;
  }

  onDrawn(now: number): void {
    if (this.undrawnCapture === undefined) return;
    this.latencyMs = Math.max(0, now - this.clockOffsetMs - this.undrawnCapture);
    this.undrawnCapture = undefined;
  }
}
