import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, milliseconds, share } from "./format";

const digits = (text: string): string => text.replace(/[^0-9]/g, "");

test("a unit is left before it would read as a thousand", () => {
  assert.equal(digits(bytes(999)), "999");
  assert.equal(digits(bytes(999_960)), "10");
  assert.match(bytes(999_960), /M/);
});

test("a few of many never read as none", () => {
  assert.notEqual(share(3, 100_000), share(0, 100_000));
  assert.equal(share(1, 0), share(0, 1));
});

test("durations change their unit with their size", () => {
  assert.deepEqual([9.5, 38, 1234, 180_000].map((value) => milliseconds(value).split(" ")[1]), ["ms", "ms", "s", "min"]);
});
