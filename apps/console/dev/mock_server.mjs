// Stands in for the program while the page is worked on (`npm run dev`): /api/report and /api/live with made-up traffic.
// It is no part of the built page.

const paths = ["/", "/articles/", "/feed", "/about", "/search?q=mill", "/<script>alert(1)</script>", "/login"];
const hosts = Array.from({ length: 140 }, (_, i) => `203.0.113.${i}`);
const choose = (list) => list[Math.floor(list.length * Math.random() ** 2)];

function makeTraffic() {
  const tables = Object.fromEntries(
    ["paths", "static_files", "not_found", "hosts", "referring_sites", "browsers", "systems"].map((n) => [n, new Map()]),
  );
  const report = { lines: 0, rejected: 0, rejected_samples: [], hits: 0, bytes: 0, status: {}, methods: {} };
  const [seconds, minutes, hours] = [new Map(), new Map(), new Map()];
  let first;

  const add = (table, name, bytes) => {
    const entry = table.get(name) ?? { name, hits: 0, bytes: 0 };
    entry.hits += 1;
    entry.bytes += bytes;
    table.set(name, entry);
  };
  const hit = (time) => {
    first ??= time;
    report.lines += 1;
    if (Math.random() < 0.002) {
      report.rejected += 1;
      report.rejected_samples = [
        { line: `203.0.113.9 - - [not a time] "GET / HTTP/1.1" ${time}`, reason: "invalid time", offset: report.lines },
        ...report.rejected_samples,
      ].slice(0, 10);
      return;
    }
    const status = Math.random() < 0.03 ? "500" : choose(["200", "200", "304", "404"]);
    const bytes = Math.floor(20_000 * Math.random());
    const failed = status >= "400" ? 1 : 0;
    report.hits += 1;
    report.bytes += bytes;
    report.status[status] = (report.status[status] ?? 0) + 1;
    const method = choose(["GET", "GET", "HEAD", "POST"]);
    report.methods[method] = (report.methods[method] ?? 0) + 1;
    add(tables[status === "404" ? "not_found" : "paths"], choose(paths), bytes);
    add(tables.static_files, choose(["/style.css", "/logo.png", "/app.js"]), bytes);
    add(tables.hosts, choose(hosts), bytes);
    add(tables.referring_sites, choose(["example.org", "example.com", "example.net"]), bytes);
    add(tables.browsers, choose(["Chrome", "Firefox", "Safari", "Crawlers"]), bytes);
    add(tables.systems, choose(["Android", "Windows", "Linux", "macOS"]), bytes);
    for (const [table, length] of [[seconds, 1], [minutes, 60], [hours, 3600]]) {
      const start = Math.floor(time / 1000 / length) * length;
      const window = table.get(start) ?? { start, hits: 0, bytes: 0, errors: 0 };
      window.hits += 1;
      window.bytes += bytes;
      window.errors += failed;
      table.set(start, window);
    }
  };

  const windows = (table) => [...table.values()].map((w) => ({ ...w, start: new Date(w.start * 1000).toISOString() }));
  const top = (table) => [...table.values()].sort((a, b) => b.hits - a.hits).slice(0, 100);
  return {
    hit,
    report: () => ({
      ...report,
      unique_visitors: tables.hosts.size,
      first: first ? new Date(first).toISOString() : "",
      last: new Date().toISOString(),
      per_hour: windows(hours),
      per_minute: windows(minutes),
      ...Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, top(table)])),
      approximate: false,
    }),
    live: () => ({
      now: Date.now(),
      state: first ? "running" : "waiting",
      hits_per_second: [...seconds.values()].slice(-300).map((s) => [s.start, s.hits, s.errors]),
      lines_per_second: 120,
      latency_ms: { last: 3, p50: 3, p99: 11 },
      newest_capture: Date.now() - 3,
      files: [{ path: "/var/log/nginx/access.log", state: "following", position: 4_200_000, size: 4_200_000 }],
      topic: { bytes: 5_000_000, limit: 1_073_741_824 },
    }),
  };
}

export function mockServer() {
  return {
    name: "mock-server",
    apply: "serve",
    configureServer(server) {
      const traffic = makeTraffic();
      const started = Date.now();
      for (let age = 7_200_000; age > 0; age -= 400) traffic.hit(started - age);
      setInterval(() => {
        for (let n = 60 + 40 * Math.sin(Date.now() / 20_000); n > 0; n -= 10 * Math.random()) traffic.hit(Date.now());
      }, 250).unref();

      server.middlewares.use("/api/report", (_request, response) => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(traffic.report()));
      });
      server.middlewares.use("/api/live", (request, response) => {
        response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
        const send = () => {
          response.write(`event: snapshot\ndata: ${JSON.stringify({ report: traffic.report(), live: traffic.live() })}\n\n`);
        };
        send();
        const timer = setInterval(send, 500);
        request.on("close", () => clearInterval(timer));
      });
    },
  };
}
