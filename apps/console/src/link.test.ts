import assert from "node:assert/strict";
import { test } from "node:test";
import { nextLinkState, silenceLimitMs, type LinkState } from "./link";

const after = (state: LinkState, ...events: [Parameters<typeof nextLinkState>[1], number][]): LinkState =>
  events.reduce((was, [event, now]) => nextLinkState(was, event, now), state);

test("a link that opens is open, and each word heard keeps it so", () => {
  const open = after({ kind: "connecting" }, ["opened", 0], ["heard", silenceLimitMs], ["tick", 2 * silenceLimitMs]);
  assert.deepEqual(open, { kind: "open", lastHeard: silenceLimitMs });
});

test("a link that falls silent is lost", () => {
  const silent = after({ kind: "connecting" }, ["opened", 0], ["tick", silenceLimitMs + 1]);
  assert.equal(silent.kind, "lost");
});

test("a lost link waits longer before each try, but never longer than five seconds", () => {
  let state = after({ kind: "open", lastHeard: 0 }, ["failed", 0]);
  const waits: number[] = [];
  for (let now = 0; waits.length < 6; ) {
    assert.equal(state.kind, "lost");
    if (state.kind !== "lost") return;
    waits.push(state.retryAt - now);
    now = state.retryAt;
    state = after(state, ["tick", now]);
    assert.equal(state.kind, "retrying");
    state = after(state, ["failed", now]);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 5000, 5000]);
});

test("a lost link remembers since when, through its tries", () => {
  const state = after({ kind: "open", lastHeard: 0 }, ["failed", 70], ["retry-now", 90], ["failed", 95]);
  assert.equal(state.kind === "lost" && state.since, 70);
});

test("a late failure of the old source does not restart the wait", () => {
  const lost = after({ kind: "open", lastHeard: 0 }, ["failed", 0]);
  assert.equal(after(lost, ["failed", 400]), lost);
});

test("asking for a try now does nothing while the link is open", () => {
  const open: LinkState = { kind: "open", lastHeard: 3 };
  assert.equal(after(open, ["retry-now", 4]), open);
});
