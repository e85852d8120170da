// The connection to the program as a state machine: (event, now) -> state. The adapter that owns the EventSource and the
// timer is at the end.
//
//                 opened                       lost, silent
//   connecting ------------> open ---------------------------------+
//       ^  ^                  ^                                     v
//       |  +------------------|---------------- lost ------- waiting to retry
//       |                     +-- opened -- retrying <--- due, asked ---+
//       +-- (only once, at the start)

export type LinkState =
  | { readonly kind: "connecting" }
  | { readonly kind: "open"; readonly lastHeard: number }
  | { readonly kind: "lost"; readonly since: number; readonly retryAt: number; readonly attempts: number }
  | { readonly kind: "retrying"; readonly since: number; readonly attempts: number };

export type LinkEvent = "opened" | "heard" | "failed" | "tick" | "retry-now";

/** The program says something every 5 seconds, if only that it is there. */
export const silenceLimitMs = 12_000;
const firstRetryMs = 500;
const longestRetryMs = 5_000;

const retryDelay = (attempts: number): number => Math.min(longestRetryMs, firstRetryMs * 2 ** attempts);

export function nextLinkState(state: LinkState, event: LinkEvent, now: number): LinkState {
  switch (event) {
    case "opened":
    case "heard":
      return { kind: "open", lastHeard: now };
    case "failed": {
      if (state.kind === "lost") return state;
      const since = state.kind === "retrying" ? state.since : now;
      const attempts = state.kind === "retrying" ? state.attempts : 0;
      return { kind: "lost", since, retryAt: now + retryDelay(attempts), attempts: attempts + 1 };
    }
    case "tick":
      if (state.kind === "open" && now - state.lastHeard > silenceLimitMs) {
        return nextLinkState(state, "failed", now);
      }
      if (state.kind === "lost" && now >= state.retryAt) return nextLinkState(state, "retry-now", now);
      return state;
    case "retry-now":
      return state.kind === "lost" ? { kind: "retrying", since: state.since, attempts: state.attempts } : state;
  }
}

/** Keeps an EventSource on `url` alive and tells of every change of state and every event. */
export class Link {
  private state: LinkState = { kind: "connecting" };
  private source: EventSource | undefined;

  constructor(
    private readonly url: string,
    private readonly onState: (state: LinkState) => void,
    private readonly onSnapshot: (data: string) => void,
  ) {}

  start(): void {
    this.connect();
    setInterval(() => this.handle("tick"), 250);
    this.onState(this.state);
  }

  retryNow(): void {
    this.handle("retry-now");
  }

  private handle(event: LinkEvent): void {
    const before = this.state;
    this.state = nextLinkState(before, event, Date.now());
    if (this.state === before) return;
    if (this.state.kind === "lost") this.disconnect();
    if (this.state.kind === "retrying" && before.kind !== "retrying") this.connect();
    if (this.state.kind !== "open" || before.kind !== "open") this.onState(this.state);
  }

  // The browser's own retries say neither when they come nor whether they gave up, so each failure closes the source.
  private connect(): void {
    const source = new EventSource(this.url);
    this.source = source;
    source.addEventListener("open", () => this.handle("opened"));
    source.addEventListener("error", () => this.handle("failed"));
    source.addEventListener("beat", () => this.handle("heard"));
    source.addEventListener("snapshot", (message: MessageEvent<string>) => {
      this.handle("heard");
      this.onSnapshot(message.data);
    });
  }

  private disconnect(): void {
    this.source?.close();
    this.source = undefined;
  }
}
