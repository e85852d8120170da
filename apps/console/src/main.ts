// The page: takes snapshots as they come and draws them, at most once a frame.

import "uplot/dist/uPlot.min.css";
import "./style.css";

import { Chart, type ChartStyle } from "./charts";
import { byId, setAttribute, setText } from "./dom";
import { dayAndTime, period, timeOfSecond } from "./format";
import { endOfSeconds, History, secondsUpTo } from "./history";
import { Intake } from "./intake";
import { Link, type LinkState } from "./link";
import { LatencyMeter } from "./latency";
import { Panels } from "./panels";
import { parseReport, parseSnapshot, type Report, type Snapshot } from "./protocol";
import { explanation, pageState, Status } from "./status";
import { startTheme } from "./theme";
import { Tiles } from "./tiles";

const perSecond: ChartStyle = { kind: "area", unit: "second", time: timeOfSecond };
const perMinute: ChartStyle = { kind: "bars", unit: "minute", time: dayAndTime };
const perHour: ChartStyle = { kind: "bars", unit: "hour", time: dayAndTime };

const shownMinutes = { least: 30, most: 180 };
const shownHours = { least: 24, most: 31 * 24 };
/** The whole report costs the program more the more there is: it is asked for at most this often, and a tenth of the time. */
const wholePauseMs = 2_000;
const wholePausePerMs = 10;

class Page {
  private readonly tiles = new Tiles();
  private readonly intake = new Intake();
  private readonly panels = new Panels(byId("panels"));
  private readonly seconds = new Chart(byId("seconds"), perSecond, "Hits per second");
  private readonly windows = new Chart(byId("windows"), perMinute, "Hits and errors");
  private readonly status = new Status(() => this.link.retryNow());
  private readonly latency = new LatencyMeter();
  private readonly minutes = new History(60);
  private readonly hours = new History(3600);
  private readonly link = new Link(
    "/api/live",
    (state) => this.onLink(state),
    (data) => this.onSnapshot(data),
  );

  private linkState: LinkState = { kind: "connecting" };
  private snapshot: Snapshot | undefined;
  private snapshotAt: number | undefined;
  private whole: Report | undefined;
  private nextWholeAt = 0;
  private wholeIsDue = false;
  private search = "";
  private showsHours = false;
  private hasChosenWindows = false;
  private drawIsDue = false;
  private isFresh = false;

  start(): void {
    startTheme(() => {
      this.seconds.restyle();
      this.windows.restyle();
    });
    this.listenToControls();
    this.link.start();
    // Without news the charts still move on, and the seconds to the next try still count down.
    setInterval(() => this.drawSoon(), 1000);
  }

  private listenToControls(): void {
    const field = byId<HTMLInputElement>("search");
    field.addEventListener("input", () => {
      this.search = field.value;
      this.panels.searchFor(this.search);
      if (this.isSearching()) this.fetchWholeSoon();
    });
    document.addEventListener("keydown", (event) => {
      const typing = event.target instanceof HTMLInputElement;
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        field.focus();
        field.select();
      } else if (event.key === "Escape" && event.target === field) {
        field.value = "";
        field.dispatchEvent(new Event("input"));
        field.blur();
      }
    });
    for (const choice of ["minute", "hour"] as const) {
      byId(`per-${choice}`).addEventListener("click", () => this.showWindows(choice));
    }
  }

  private showWindows(choice: "minute" | "hour"): void {
    this.hasChosenWindows = true;
    this.showsHours = choice === "hour";
    for (const each of ["minute", "hour"]) setAttribute(byId(`per-${each}`), "aria-pressed", String(each === choice));
    setText(byId("windows-title"), `Hits and errors per ${choice}`);
    this.windows.restyle(this.showsHours ? perHour : perMinute);
    this.drawSoon();
  }

  private onLink(state: LinkState): void {
    const wasOpen = this.linkState.kind === "open";
    this.linkState = state;
    // Another program may answer after a gap: what is older than the snapshots hold is asked for anew.
    if (state.kind === "open" && !wasOpen) {
      this.nextWholeAt = 0;
      this.minutes.clear();
      this.hours.clear();
      this.fetchWholeSoon();
    }
    this.drawSoon();
  }

  private onSnapshot(data: string): void {
    this.snapshot = parseSnapshot(JSON.parse(data));
    this.snapshotAt = Date.now();
    this.latency.onSnapshot(this.snapshot.live, this.snapshotAt);
    this.minutes.merge(this.snapshot.report.perMinute);
    this.hours.merge(this.snapshot.report.perHour);
    this.isFresh = true;
    if (this.isSearching() || this.lacksHistory(this.snapshot)) this.fetchWholeSoon();
    this.drawSoon();
  }

  private isSearching(): boolean {
    return this.search.trim() !== "";
  }

  private lacksHistory({ report }: Snapshot): boolean {
    return this.minutes.lacks(report.hits) || this.hours.lacks(report.hits);
  }

  // The whole report has all windows and longer lists than a snapshot: for the history at the start, and for a search.
  private fetchWholeSoon(): void {
    if (this.wholeIsDue) return;
    this.wholeIsDue = true;
    setTimeout(() => void this.fetchWhole(), Math.max(0, this.nextWholeAt - Date.now()));
  }

  private async fetchWhole(): Promise<void> {
    const askedAt = Date.now();
    try {
      const answer = await fetch("/api/report");
      if (!answer.ok) return;
      const report = parseReport(await answer.json());
      this.whole = report;
      this.minutes.replace(report.perMinute, report.hits);
      this.hours.replace(report.perHour, report.hits);
      // A snapshot that came meanwhile is newer.
      if (this.snapshot) {
        this.minutes.merge(this.snapshot.report.perMinute);
        this.hours.merge(this.snapshot.report.perHour);
      }
      this.isFresh = true;
      this.drawSoon();
    } catch {
      // The link finds out by itself that the program is gone, and says so.
    } finally {
      const now = Date.now();
      this.nextWholeAt = now + Math.max(wholePauseMs, wholePausePerMs * (now - askedAt));
      this.wholeIsDue = false;
      const isOlder = this.snapshotAt !== undefined && this.snapshotAt > askedAt;
      if (isOlder && this.snapshot && (this.isSearching() || this.lacksHistory(this.snapshot))) this.fetchWholeSoon();
    }
  }

  private drawSoon(): void {
    if (this.drawIsDue) return;
    this.drawIsDue = true;
    requestAnimationFrame(() => {
      this.drawIsDue = false;
      this.draw();
    });
  }

  private draw(): void {
    const now = Date.now();
    const live = this.snapshot?.live;
    const state = pageState(this.linkState, live);
    this.status.show(state, explanation(state, this.linkState, live, this.snapshotAt, now));
    if (!this.snapshot || !live) return;

    // The program's clock, as of now; it stands still with the figures when the program is gone.
    const connected = this.linkState.kind === "open" && live.state !== "stopped";
    const programNow = connected ? now - this.latency.clockOffsetMs : live.now;
    const end = endOfSeconds(live.seconds, programNow);
    const isNow = end !== undefined && end === Math.floor(programNow / 1000);
    // A log of some time ago is looked at as a whole.
    if (end !== undefined && !this.hasChosenWindows) this.showWindows(isNow ? "minute" : "hour");
    // The second that is still filling would look like a fall.
    this.seconds.update(end === undefined ? [[], [], []] : secondsUpTo(live.seconds, isNow ? end - 1 : end));
    this.windows.update(
      this.showsHours
        ? this.hours.series(shownHours.least, shownHours.most)
        : this.minutes.series(shownMinutes.least, shownMinutes.most, isNow ? end : undefined),
    );
    if (this.isFresh) {
      this.isFresh = false;
      this.panels.update(this.snapshot.report, this.isSearching() ? this.whole : undefined);
      this.intake.show(this.snapshot);
      setText(byId("period"), period(this.snapshot.report.first, this.snapshot.report.last));
      byId("approximate").hidden = !this.snapshot.report.approximate;
      this.latency.onDrawn(Date.now());
    }
    this.tiles.show(this.snapshot, { end, isNow, latencyMs: this.latency.latencyMs });
  }
}

new Page().start();
