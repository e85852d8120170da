import assert from "node:assert/strict";
import { test } from "node:test";
import { endOfSeconds, History, recentRate, secondsUpTo, shownSeconds } from "./history";

const second = (time: number, hits: number) => ({ time, hits, errors: 0 });
const window = (start: number, hits: number) => ({ start, hits, bytes: 0, errors: 1 });

test("windows without hits are drawn as zero", () => {
  const history = new History(60);
  history.merge([window(0, 5), window(180, 7)]);
  assert.deepEqual(history.series(1, 10), [[0, 60, 120, 180], [5, 0, 0, 7], [1, 0, 0, 1]]);
});

test("a newer figure of a window replaces the older", () => {
  const history = new History(60);
  history.merge([window(60, 5)]);
  history.merge([window(60, 6)]);
  assert.deepEqual(history.series(1, 10)[1], [6]);
});

test("windows that a snapshot did not bring are missed, those that are not kept any more are not", () => {
  const history = new History(60);
  history.replace([window(60, 5), window(120, 5)], 13);
  assert.equal(history.lacks(13), false);
  history.merge([window(120, 7), window(180, 1)]);
  assert.equal(history.lacks(16), false);
  history.merge([window(600, 4)]);
  assert.equal(history.lacks(29), true);
});

test("a young log is drawn with the silence before it", () => {
  const history = new History(60);
  history.merge([window(600, 5)]);
  assert.deepEqual(history.series(3, 10), [[480, 540, 600], [0, 0, 5], [0, 0, 1]]);
});

test("only the newest windows are drawn, up to the time asked for", () => {
  const history = new History(60);
  history.merge([window(0, 1), window(60, 2), window(120, 3)]);
  assert.deepEqual(history.series(1, 3, 200), [[60, 120, 180], [2, 3, 0], [1, 1, 0]]);
});

test("a chart of seconds covers five minutes to its end", () => {
  const [times, hits] = secondsUpTo([second(1000, 4), second(1001, 2)], 1002);
  assert.equal(times.length, shownSeconds);
  assert.deepEqual(hits.slice(-3), [4, 2, 0]);
});

test("a log that is being written ends now; one of long ago ends with its newest line", () => {
  assert.equal(endOfSeconds([second(1000, 1)], 1_030_000), 1030);
  assert.equal(endOfSeconds([second(1000, 1)], 99_000_000), 1000);
  assert.equal(endOfSeconds([], 5), undefined);
});

test("the rate leaves out the second that is still filling", () => {
  assert.equal(recentRate([second(990, 10), second(999, 10), second(1000, 500), second(980, 500)], 1000), 2);
});
