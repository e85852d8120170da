// What comes in: the files that are followed, the captured topic, and the lines that were rejected.

import { byId, element, setAttribute, setText } from "./dom";
import { bytes, count, rate, share } from "./format";
import type { FollowedFile, RejectedLine, Snapshot } from "./protocol";

interface FileRow {
  readonly element: HTMLElement;
  readonly state: HTMLElement;
  readonly meter: HTMLElement;
  readonly figures: HTMLElement;
}

export class Intake {
  private readonly files = byId("file-list");
  private readonly noFiles = byId("no-files");
  private readonly topic = byId("topic");
  private readonly pace = byId("pace");
  private readonly rejected = byId("rejected-list");
  private readonly noRejected = byId("no-rejected");
  private readonly rejectedTally = byId("rejected-tally");
  private readonly rows = new Map<string, FileRow>();
  private shownSamples = "";

  show({ report, live }: Snapshot): void {
    this.showFiles(live.files);
    setText(this.pace, `${rate(live.linesPerSecond)} lines/s`);
    const { bytes: used, limit } = live.topic;
    setText(
      this.topic,
      limit > 0
        ? `Captured log: ${bytes(used)} of ${bytes(limit)} (${share(used, limit)})`
        : `Captured log: ${bytes(used)}`,
    );
    setText(this.rejectedTally, report.rejected > 0 ? count(report.rejected) : "");
    this.showRejected(report.rejectedSamples, report.lines, report.rejected);
  }

  private showFiles(files: readonly FollowedFile[]): void {
    this.noFiles.hidden = files.length > 0;
    const paths = new Set(files.map((file) => file.path));
    for (const [path, row] of this.rows) {
      if (paths.has(path)) continue;
      row.element.remove();
      this.rows.delete(path);
    }
    for (const file of files) {
      const row = this.rows.get(file.path) ?? this.addFile(file.path);
      setText(row.state, file.state);
      setAttribute(row.state, "data-state", file.state);
      const part = file.size > 0 ? Math.min(1, file.position / file.size) : 0;
      row.meter.style.setProperty("--bar", `${(100 * part).toFixed(1)}%`);
      setText(row.figures, file.size > 0 ? `${bytes(file.position)} of ${bytes(file.size)}` : bytes(file.position));
    }
  }

  private addFile(path: string): FileRow {
    const state = element("span", { class: "badge" });
    const meter = element("span", { class: "meter", "aria-hidden": "true" });
    const figures = element("span", { class: "figures" });
    const row: FileRow = {
      element: element("li", {}, element("span", { class: "path", title: path }, path), state, meter, figures),
      state,
      meter,
      figures,
    };
    this.rows.set(path, row);
    this.files.append(row.element);
    return row;
  }

  private showRejected(samples: readonly RejectedLine[], lines: number, rejected: number): void {
    this.noRejected.hidden = samples.length > 0;
    setText(
      this.noRejected,
      rejected > 0
        ? `${count(rejected)} lines were rejected; no sample was kept`
        : lines > 0
          ? "Every line so far was understood"
          : "No line yet",
    );
    // At most ten, and they seldom change.
    const key = JSON.stringify(samples);
    if (key === this.shownSamples) return;
    this.shownSamples = key;
    this.rejected.replaceChildren(
      ...samples.map((sample) =>
        element(
          "li",
          {},
          element("code", {}, sample.line === "" ? "(empty line)" : sample.line),
          element("span", { class: "reason" }, sample.reason),
          element("span", { class: "figures" }, `offset ${count(sample.offset)}`),
        ),
      ),
    );
  }
}
