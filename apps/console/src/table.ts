// A list of the page as a table that can be sorted and searched. Rows are kept by name: an update writes only the cells
// that changed and moves only the rows whose place did.

import { element, setAttribute, setText } from "./dom";
import type { Entry } from "./protocol";

export interface Column {
  readonly key: "name" | "hits" | "share" | "bytes";
  readonly title: string;
  /** What the cell says; `total` is the hits of the whole report. */
  readonly text: (entry: Entry, total: number) => string;
}

/** What a row's colour says: most say nothing. */
export type Tone = "" | "warn" | "bad";

type Direction = "ascending" | "descending";

interface Row {
  readonly element: HTMLTableRowElement;
  readonly cells: readonly HTMLElement[];
  readonly shown: string[];
  bar: string;
}

const collator = new Intl.Collator(undefined, { numeric: true });

/** Rows in the order asked for; equal ones by name, so that the order never flickers. */
export function sorted(entries: readonly Entry[], key: Column["key"], direction: Direction): Entry[] {
  const sign = direction === "ascending" ? 1 : -1;
  const byName = (a: Entry, b: Entry): number => collator.compare(a.name, b.name);
  const figure = (entry: Entry): number => (key === "bytes" ? entry.bytes : entry.hits);
  return [...entries].sort(
    key === "name" ? (a, b) => sign * byName(a, b) : (a, b) => sign * (figure(a) - figure(b)) || byName(a, b),
  );
}

/** Entries whose name has every word of the search in it, whatever the case. */
export function matching(entries: readonly Entry[], search: string): readonly Entry[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return entries;
  return entries.filter(({ name }) => {
    const lower = name.toLowerCase();
    return words.every((word) => lower.includes(word));
  });
}

export class Table {
  readonly element: HTMLTableElement;
  private readonly body = element("tbody");
  private readonly headers: HTMLTableCellElement[] = [];
  private readonly rows = new Map<string, Row>();
  private key: Column["key"] = "hits";
  private direction: Direction = "descending";

  /** `onSort` asks for the rows again. */
  constructor(
    caption: string,
    private readonly columns: readonly Column[],
    private readonly tone: (entry: Entry) => Tone,
    onSort: () => void,
  ) {
    const head = element("tr");
    for (const column of columns) {
      const button = element("button", { type: "button" }, column.title);
      const header = element("th", { scope: "col", class: column.key }, button);
      button.addEventListener("click", () => {
        this.sortBy(column.key);
        onSort();
      });
      this.headers.push(header);
      head.append(header);
    }
    this.element = element(
      "table",
      {},
      element("caption", { class: "visually-hidden" }, caption),
      element("thead", {}, head),
      this.body,
    );
    this.showOrder();
  }

  show(entries: readonly Entry[], total: number): void {
    const wanted = sorted(entries, this.key, this.direction);
    const most = wanted.reduce((a, entry) => Math.max(a, entry.hits), 1);
    const names = new Set(wanted.map((entry) => entry.name));
    for (const [name, row] of this.rows) {
      if (names.has(name)) continue;
      row.element.remove();
      this.rows.delete(name);
    }
    let place = this.body.firstElementChild;
    for (const entry of wanted) {
      const row = this.rows.get(entry.name) ?? this.addRow(entry);
      this.write(row, entry, total, most);
      if (row.element === place) {
        place = place.nextElementSibling;
      } else {
        this.body.insertBefore(row.element, place);
      }
    }
  }

  private addRow(entry: Entry): Row {
    const cells = this.columns.map(({ key }) =>
      key === "name" ? element("th", { scope: "row", class: key }) : element("td", { class: key }),
    );
    const made: Row = { element: element("tr", { "data-tone": this.tone(entry) }, ...cells), cells, shown: cells.map(() => ""), bar: "" };
    this.rows.set(entry.name, made);
    return made;
  }

  private write(row: Row, entry: Entry, total: number, most: number): void {
    this.columns.forEach((column, index) => {
      const words = column.text(entry, total);
      if (row.shown[index] === words) return;
      row.shown[index] = words;
      const cell = row.cells[index]!;
      if (column.key === "name") {
        cell.replaceChildren(element("span", { title: words }, words));
      } else {
        setText(cell, words);
      }
    });
    const bar = `${((100 * entry.hits) / most).toFixed(1)}%`;
    if (row.bar === bar) return;
    row.bar = bar;
    row.element.style.setProperty("--bar", bar);
  }

  // Figures start with the most, names with A; the same again turns round.
  private sortBy(key: Column["key"]): void {
    if (this.key === key) {
      this.direction = this.direction === "ascending" ? "descending" : "ascending";
    } else {
      this.key = key;
      this.direction = key === "name" ? "ascending" : "descending";
    }
    this.showOrder();
  }

  private showOrder(): void {
    this.columns.forEach((column, index) => {
      setAttribute(this.headers[index]!, "aria-sort", column.key === this.key ? this.direction : "none");
    });
  }
}
