// The two charts: uPlot with the page's colours, times in UTC, and the figures under the pointer above the picture.

import uPlot from "uplot";
import { element, setAttribute, setText } from "./dom";
import { count, counted, dayAndTime, timeOfMinute } from "./format";
import type { Series } from "./history";

export interface ChartStyle {
  readonly kind: "area" | "bars";
  /** What one point covers: "second", "minute", "hour". */
  readonly unit: string;
  /** The time of one point, in words. */
  readonly time: (unixSeconds: number) => string;
}

const height = 220;
const fontFamily = "system-ui, sans-serif";
const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const timeSteps = [
  ...[1, 2, 5, 10, 15, 30].map((steps) => steps * minute),
  ...[1, 2, 3, 6, 12].map((steps) => steps * hour),
  ...[1, 2, 4, 7, 14, 28].map((steps) => steps * day),
];

function axisTimes(_chart: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  return splits.map((split) => (step >= 6 * hour ? dayAndTime(split) : timeOfMinute(split)));
}

// A day in the label makes it wide.
const axisSpace: uPlot.Axis.Space = (_chart, _axis, min, max) => (max - min > 36 * hour ? 96 : 56);

// Hits come whole.
const wholeSteps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/**
 * One chart in `host`. `update` redraws only when the page is visible (the caller draws in animation frames) and keeps
 * the canvas; a new style or theme makes a new uPlot.
 */
export class Chart {
  private plot: uPlot | undefined;
  private series: Series = [[], [], []];
  private readonly time = element("span");
  private readonly hits = element("span", { class: "key hits" });
  private readonly errors = element("span", { class: "key errors" });
  private readonly readout = element("p", { class: "readout" }, this.time, this.hits, this.errors);
  private readonly canvas = element("div", { class: "canvas", role: "img" });
  private readonly empty = element("p", { class: "empty" }, "No hits yet");

  constructor(
    host: HTMLElement,
    private style: ChartStyle,
    private readonly name: string,
  ) {
    host.append(this.readout, this.canvas);
    this.canvas.append(this.empty);
    new ResizeObserver(() => {
      if (this.plot && this.canvas.clientWidth > 0) this.plot.setSize({ width: this.canvas.clientWidth, height });
    }).observe(this.canvas);
  }

  restyle(style: ChartStyle = this.style): void {
    this.style = style;
    this.plot?.destroy();
    this.plot = undefined;
    this.update(this.series);
  }

  update(series: Series): void {
    this.series = series;
    const isEmpty = series[0].length === 0;
    this.empty.hidden = !isEmpty;
    if (isEmpty) {
      this.plot?.destroy();
      this.plot = undefined;
    } else if (this.plot) {
      this.plot.setData(series);
    } else {
      this.plot = this.make();
    }
    this.describe();
  }

  private make(): uPlot {
    const hits = colour("--hits");
    const errors = colour("--errors");
    const bars = this.style.kind === "bars" && uPlot.paths.bars ? uPlot.paths.bars({ size: [0.85, 40], align: 1 }) : null;
    const line = (label: string, stroke: string, fill: string): uPlot.Series => ({
      label,
      stroke: bars ? fill : stroke,
      fill,
      width: bars ? 0 : 1.5,
      points: { show: false },
      ...(bars ? { paths: bars } : {}),
    });
    const axis: uPlot.Axis = {
      stroke: colour("--muted"),
      font: `11px ${fontFamily}`,
      grid: { stroke: colour("--grid"), width: 1 },
      ticks: { show: false },
    };
    const windowSeconds = this.style.unit === "hour" ? hour : minute;
    const options: uPlot.Options = {
      width: Math.max(this.canvas.clientWidth, 100),
      height,
      padding: [8, 14, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, drag: { setScale: false, x: false, y: false } },
      scales: {
        // A bar starts at its time: room for the last one.
        x: { time: true, range: (_plot, min, max) => [min, bars ? max + windowSeconds : max] },
        y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.1)] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 28, space: axisSpace, incrs: timeSteps, values: axisTimes },
        { ...axis, size: 48, space: 36, incrs: wholeSteps, values: (_plot, splits) => splits.map((split) => shortCount(split)) },
      ],
      series: [
        {},
        line("hits", hits, bars ? colour("--hits-bar") : colour("--hits-fill")),
        line("errors", errors, bars ? errors : colour("--errors-fill")),
      ],
      hooks: { setCursor: [() => this.describe()] },
    };
    return new uPlot(options, this.series, this.canvas);
  }

  // Above the picture: the point under the pointer, else the newest.
  private describe(): void {
    const [times, hits, errors] = this.series;
    const last = times.length - 1;
    if (last < 0) {
      this.readout.classList.add("blank");
      setAttribute(this.canvas, "aria-label", `${this.name}: no hits yet`);
      return;
    }
    const pointed = this.plot?.cursor.idx;
    const index = pointed ?? last;
    const words = [`${this.style.time(times[index]!)} UTC`, counted(hits[index]!, "hit"), counted(errors[index]!, "error")];
    [this.time, this.hits, this.errors].forEach((part, place) => setText(part, words[place]!));
    this.readout.classList.remove("blank");
    this.readout.classList.toggle("pointed", typeof pointed === "number");
    const peak = hits.reduce((a, b) => Math.max(a, b), 0);
    setAttribute(this.canvas, "aria-label", `${this.name}. Newest: ${words.join(", ")}. Most in one ${this.style.unit}: ${count(peak)}.`);
  }
}

const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const shortCount = (value: number): string => (value < 10_000 ? count(value) : compact.format(value));
