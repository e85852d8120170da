import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSnapshot } from "./protocol";

test("what is missing or of another type becomes the empty value", () => {
  for (const hostile of [null, 7, [], {}, { report: { paths: "x", status: 3, hits: "many" }, live: [] }]) {
    const { report, live } = parseSnapshot(hostile);
    assert.equal(report.hits, 0);
    assert.deepEqual(report.lists.paths, []);
    assert.deepEqual(report.status, []);
    assert.deepEqual(live.files, []);
  }
});

test("a whole snapshot is taken as it is", () => {
  const { report, live } = parseSnapshot({
    report: {
      lines: 3,
      rejected: 1,
      rejected_samples: [{ line: "x", reason: "no time", offset: 2 }],
      hits: 2,
      status: { "200": 1, "404": 5 },
      per_minute: [{ start: "2015-05-17T10:05:00Z", hits: 2, bytes: 9, errors: 1 }],
      paths: [{ name: "/", hits: 2, bytes: 9 }],
      approximate: true,
    },
    live: { now: 5, state: "waiting", hits_per_second: [[100, 2, 1]], files: [{ path: "a", state: "following" }] },
  });
  assert.deepEqual(report.status.map(({ name }) => name), ["404", "200"]);
  assert.deepEqual(report.perMinute, [{ start: 1431857100, hits: 2, bytes: 9, errors: 1 }]);
  assert.deepEqual(report.rejectedSamples, [{ line: "x", reason: "no time", offset: 2 }]);
  assert.equal(report.approximate, true);
  assert.equal(live.state, "waiting");
  assert.deepEqual(live.seconds, [{ time: 100, hits: 2, errors: 1 }]);
  assert.deepEqual(live.files, [{ path: "a", state: "following", position: 0, size: 0 }]);
});
