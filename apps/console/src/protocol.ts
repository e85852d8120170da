// What the program sends, as the page uses it. Everything is checked on arrival: a key that is missing or of another type
// becomes the empty value, so that the rest of the page never asks.

/** One line of a list: a path, a host, a browser. */
export interface Entry {
  readonly name: string;
  readonly hits: number;
  readonly bytes: number;
}

/** One minute or one hour. `start` is in Unix seconds. */
export interface Window {
  readonly start: number;
  readonly hits: number;
  readonly bytes: number;
  readonly errors: number;
}

export interface RejectedLine {
  readonly line: string;
  readonly reason: string;
  readonly offset: number;
}

export const listNames = [
  "paths",
  "static_files",
  "not_found",
  "hosts",
  "referring_sites",
  "browsers",
  "systems",
] as const;
export type ListName = (typeof listNames)[number];

export interface Report {
  readonly lines: number;
  readonly rejected: number;
  readonly rejectedSamples: readonly RejectedLine[];
  readonly hits: number;
  readonly bytes: number;
  readonly uniqueVisitors: number;
  /** ISO 8601, empty before the first hit. */
  readonly first: string;
  readonly last: string;
  readonly status: readonly Entry[];
  readonly methods: readonly Entry[];
  readonly perHour: readonly Window[];
  readonly perMinute: readonly Window[];
  readonly lists: Readonly<Record<ListName, readonly Entry[]>>;
  readonly approximate: boolean;
}

export type JobState = "waiting" | "running" | "stopped";

export interface FollowedFile {
  readonly path: string;
  readonly state: string;
  readonly position: number;
  readonly size: number;
}

/** One second of event time. */
export interface Second {
  readonly time: number;
  readonly hits: number;
  readonly errors: number;
}

export interface Live {
  /** The program's clock, Unix milliseconds. */
  readonly now: number;
  readonly state: JobState;
  readonly seconds: readonly Second[];
  readonly linesPerSecond: number;
  readonly latency: { readonly last: number; readonly p50: number; readonly p99: number };
  /** When the newest line was captured, Unix milliseconds; 0 before the first. */
  readonly newestCapture: number;
  readonly files: readonly FollowedFile[];
  readonly topic: { readonly bytes: number; readonly limit: number };
}

export interface Snapshot {
  readonly report: Report;
  readonly live: Live;
}

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

function entry(value: unknown): Entry {
  const from = fields(value);
  return { name: text(from["name"]), hits: number(from["hits"]), bytes: number(from["bytes"]) };
}

/** `{"200": 9126}` as a list, most hits first. */
function tally(value: unknown): Entry[] {
  return Object.entries(fields(value))
    .map(([name, hits]) => ({ name, hits: number(hits), bytes: 0 }))
    .sort((a, b) => b.hits - a.hits);
}

function windows(value: unknown): Window[] {
  return list(value).flatMap((each) => {
    const from = fields(each);
    const start = Date.parse(text(from["start"])) / 1000;
    if (!Number.isFinite(start)) return [];
    return [{ start, hits: number(from["hits"]), bytes: number(from["bytes"]), errors: number(from["errors"]) }];
  });
}

export function parseReport(value: unknown): Report {
  const from = fields(value);
  return {
    lines: number(from["lines"]),
    rejected: number(from["rejected"]),
    rejectedSamples: list(from["rejected_samples"]).map((each) => {
      const sample = fields(each);
      return { line: text(sample["line"]), reason: text(sample["reason"]), offset: number(sample["offset"]) };
    }),
    hits: number(from["hits"]),
    bytes: number(from["bytes"]),
    uniqueVisitors: number(from["unique_visitors"]),
    first: text(from["first"]),
    last: text(from["last"]),
    status: tally(from["status"]),
    methods: tally(from["methods"]),
    perHour: windows(from["per_hour"]),
    perMinute: windows(from["per_minute"]),
    lists: Object.fromEntries(listNames.map((name) => [name, list(from[name]).map(entry)])) as Record<
      ListName,
      Entry[]
    >,
    approximate: from["approximate"] === true,
  };
}

function parseLive(value: unknown): Live {
  const from = fields(value);
  const latency = fields(from["latency_ms"]);
  const topic = fields(from["topic"]);
  const state = from["state"];
  return {
    now: number(from["now"]),
    state: state === "waiting" || state === "stopped" ? state : "running",
    seconds: list(from["hits_per_second"]).map((each) => {
      const [time, hits, errors] = list(each);
      return { time: number(time), hits: number(hits), errors: number(errors) };
    }),
    linesPerSecond: number(from["lines_per_second"]),
    latency: { last: number(latency["last"]), p50: number(latency["p50"]), p99: number(latency["p99"]) },
    newestCapture: number(from["newest_capture"]),
    files: list(from["files"]).map((each) => {
      const file = fields(each);
      return {
        path: text(file["path"]),
        state: text(file["state"]),
        position: number(file["position"]),
        size: number(file["size"]),
      };
    }),
    topic: { bytes: number(topic["bytes"]), limit: number(topic["limit"]) },
  };
}

export function parseSnapshot(value: unknown): Snapshot {
  const from = fields(value);
  return { report: parseReport(from["report"]), live: parseLive(from["live"]) };
}
