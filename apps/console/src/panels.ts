// The panels under the charts: one table each, all searched by the one search field.

import { element, setText } from "./dom";
import { bytes, count, share } from "./format";
import type { Entry, Report } from "./protocol";
import { matching, Table, type Column, type Tone } from "./table";

interface PanelKind {
  readonly id: string;
  readonly title: string;
  /** What the first column holds. */
  readonly subject: string;
  readonly withBytes: boolean;
  readonly entries: (report: Report) => readonly Entry[];
  readonly none: string;
  /** A list that is short by its nature. */
  readonly short?: true;
  readonly tone?: (entry: Entry) => Tone;
}

const statusWords: Readonly<Record<string, string>> = {
  "101": "Switching Protocols",
  "200": "OK",
  "201": "Created",
  "202": "Accepted",
  "204": "No Content",
  "206": "Partial Content",
  "301": "Moved Permanently",
  "302": "Found",
  "303": "See Other",
  "304": "Not Modified",
  "307": "Temporary Redirect",
  "308": "Permanent Redirect",
  "400": "Bad Request",
  "401": "Unauthorized",
  "403": "Forbidden",
  "404": "Not Found",
  "405": "Method Not Allowed",
  "408": "Request Timeout",
  "409": "Conflict",
  "410": "Gone",
  "413": "Content Too Large",
  "414": "URI Too Long",
  "416": "Range Not Satisfiable",
  "422": "Unprocessable Content",
  "429": "Too Many Requests",
  "499": "Client Closed Request",
  "500": "Internal Server Error",
  "501": "Not Implemented",
  "502": "Bad Gateway",
  "503": "Service Unavailable",
  "504": "Gateway Timeout",
};

const statusName = (code: string): string => (statusWords[code] ? `${code} ${statusWords[code]}` : code);

const kinds: readonly PanelKind[] = [
  {
    id: "paths",
    title: "Paths",
    subject: "Path",
    withBytes: true,
    entries: (report) => report.lists.paths,
    none: "No page was asked for yet",
  },
  {
    id: "hosts",
    title: "Hosts",
    subject: "Address",
    withBytes: true,
    entries: (report) => report.lists.hosts,
    none: "No client yet",
  },
  {
    id: "status",
    title: "Status codes",
    subject: "Status",
    withBytes: false,
    entries: (report) => report.status.map((entry) => ({ ...entry, name: statusName(entry.name) })),
    none: "No answer yet",
    tone: ({ name }) => (name.startsWith("5") ? "bad" : name.startsWith("4") ? "warn" : ""),
  },
  {
    id: "not_found",
    title: "Not found",
    subject: "Path",
    withBytes: true,
    entries: (report) => report.lists.not_found,
    none: "Everything that was asked for was there",
  },
  {
    id: "static_files",
    title: "Static files",
    subject: "Path",
    withBytes: true,
    entries: (report) => report.lists.static_files,
    none: "No static file was asked for yet",
  },
  {
    id: "referring_sites",
    title: "Referring sites",
    subject: "Site",
    withBytes: true,
    entries: (report) => report.lists.referring_sites,
    none: "No visitor came from another site yet",
  },
  {
    id: "browsers",
    title: "Browsers",
    subject: "Browser",
    withBytes: true,
    entries: (report) => report.lists.browsers,
    none: "No browser yet",
    short: true,
  },
  {
    id: "systems",
    title: "Operating systems",
    subject: "System",
    withBytes: true,
    entries: (report) => report.lists.systems,
    none: "No system yet",
    short: true,
  },
  {
    id: "methods",
    title: "Methods",
    subject: "Method",
    withBytes: false,
    entries: (report) => report.methods,
    none: "No request yet",
    short: true,
  },
];

function columns(kind: PanelKind): Column[] {
  const all: Column[] = [
    { key: "name", title: kind.subject, text: (entry) => entry.name },
    { key: "hits", title: "Hits", text: (entry) => count(entry.hits) },
    { key: "share", title: "Share", text: (entry, total) => share(entry.hits, total) },
  ];
  if (kind.withBytes) all.push({ key: "bytes", title: "Bytes", text: (entry) => bytes(entry.bytes) });
  return all;
}

/** A snapshot's lists end here. */
const longestList = 100;

class Panel {
  private readonly table: Table;
  private readonly tally = element("span", { class: "tally" });
  private readonly empty = element("p", { class: "empty" });
  private readonly scroller: HTMLElement;
  private entries: readonly Entry[] = [];
  private total = 0;
  private search = "";

  constructor(
    host: HTMLElement,
    private readonly kind: PanelKind,
  ) {
    this.table = new Table(kind.title, columns(kind), kind.tone ?? (() => ""), () => this.draw());
    this.scroller = element(
      "div",
      { class: kind.short ? "scroller short" : "scroller", tabindex: "0", role: "region", "aria-labelledby": `${kind.id}-title` },
      this.table.element,
      this.empty,
    );
    host.append(
      element(
        "section",
        { class: "card panel", id: kind.id, "aria-labelledby": `${kind.id}-title` },
        element("header", {}, element("h2", { id: `${kind.id}-title` }, kind.title), this.tally),
        this.scroller,
      ),
    );
    this.draw();
  }

  update(report: Report, more: Report | undefined): void {
    this.entries = this.kind.entries(report);
    if (more) this.entries = withOlder(this.entries, this.kind.entries(more));
    this.total = report.hits;
    this.draw();
  }

  searchFor(search: string): void {
    this.search = search;
    this.draw();
  }

  private draw(): void {
    const shown = matching(this.entries, this.search);
    this.table.show(shown, this.total);
    const searching = this.search.trim() !== "";
    setText(this.tally, searching ? `${count(shown.length)} of ${count(this.entries.length)}` : this.size());
    this.empty.hidden = shown.length > 0;
    setText(this.empty, searching && this.entries.length > 0 ? `Nothing here matches “${this.search.trim()}”` : this.kind.none);
  }

  private size(): string {
    const size = this.entries.length;
    return size === 0 ? "" : size < longestList ? count(size) : `top ${count(size)}`;
  }
}

/** Rows that are only in the longer, older answer follow those of the newest. */
function withOlder(newest: readonly Entry[], older: readonly Entry[]): readonly Entry[] {
  const names = new Set(newest.map((entry) => entry.name));
  return [...newest, ...older.filter((entry) => !names.has(entry.name))];
}

export class Panels {
  private readonly panels: readonly Panel[];

  constructor(host: HTMLElement) {
    this.panels = kinds.map((kind) => new Panel(host, kind));
  }

  /** `more` is a whole report of a moment ago, whose longer lists a search looks through too. */
  update(report: Report, more: Report | undefined): void {
    for (const panel of this.panels) panel.update(report, more);
  }

  searchFor(search: string): void {
    for (const panel of this.panels) panel.searchFor(search);
  }
}
