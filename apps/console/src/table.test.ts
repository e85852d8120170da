import assert from "node:assert/strict";
import { test } from "node:test";
import { matching, sorted } from "./table";

const entries = [
  { name: "/b", hits: 2, bytes: 10 },
  { name: "/a10", hits: 2, bytes: 30 },
  { name: "/a9", hits: 7, bytes: 20 },
];
const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

test("rows with equal figures keep the order of their names", () => {
  assert.deepEqual(names(sorted(entries, "hits", "descending")), ["/a9", "/a10", "/b"]);
  assert.deepEqual(names(sorted(entries, "hits", "ascending")), ["/a10", "/b", "/a9"]);
});

test("names sort with their numbers as numbers", () => {
  assert.deepEqual(names(sorted(entries, "name", "ascending")), ["/a9", "/a10", "/b"]);
});

test("a search wants every word, in any order and case", () => {
  assert.deepEqual(names(matching(entries, "10 A")), ["/a10"]);
  assert.deepEqual(names(matching(entries, "  ")), ["/b", "/a10", "/a9"]);
  assert.deepEqual(names(matching(entries, "none")), []);
});
