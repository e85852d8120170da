// What the page says about itself: the state in the header, and the notice that explains every state but "live".

import { byId, setAttribute, setText } from "./dom";
import { timeOfSecond } from "./format";
import type { LinkState } from "./link";
import type { FollowedFile, Live } from "./protocol";

export type PageState = "connecting" | "live" | "waiting" | "stopped" | "disconnected" | "reconnecting";

const names: Readonly<Record<PageState, string>> = {
  connecting: "Connecting",
  live: "Live",
  waiting: "Waiting",
  stopped: "Stopped",
  disconnected: "Disconnected",
  reconnecting: "Reconnecting",
};

/** The one word for how things are. A program that said goodbye is stopped, not lost. */
export function pageState(link: LinkState, live: Live | undefined): PageState {
  if (live?.state === "stopped") return "stopped";
  switch (link.kind) {
    case "connecting":
      return "connecting";
    case "lost":
      return "disconnected";
    case "retrying":
      return "reconnecting";
    case "open":
      if (!live) return "connecting";
      return live.state === "waiting" ? "waiting" : "live";
  }
}

function followed(files: readonly FollowedFile[]): string {
  if (files.length === 0) return "the log";
  return files.length === 1 ? files[0]!.path : `${files.length} files`;
}

/** The sentence under the state; empty when there is nothing to explain. */
export function explanation(
  state: PageState,
  link: LinkState,
  live: Live | undefined,
  snapshotAt: number | undefined,
  now: number,
): string {
  const asOf = snapshotAt === undefined ? "" : ` The figures are those of ${timeOfSecond(snapshotAt / 1000)} UTC.`;
  switch (state) {
    case "live":
      return "";
    case "connecting":
      return "Asking millrace for the figures…";
    case "waiting":
      return `Waiting for the first line of ${followed(live?.files ?? [])}. It shows here within a second of being written.`;
    case "stopped":
      return `millrace has stopped.${asOf} This page goes on when it is started again.`;
    case "disconnected": {
      const seconds = link.kind === "lost" ? Math.max(0, Math.ceil((link.retryAt - now) / 1000)) : 0;
      return `No answer from millrace: is it still running?${asOf} Trying again in ${seconds} s.`;
    }
    case "reconnecting":
      return `Trying to reach millrace again…${asOf}`;
  }
}

export class Status {
  private readonly pill = byId("state");
  private readonly word = byId("state-word");
  private readonly notice = byId("notice");
  private readonly sentence = byId("notice-text");
  private readonly retry = byId<HTMLButtonElement>("retry");

  constructor(onRetry: () => void) {
    this.retry.addEventListener("click", onRetry);
  }

  show(state: PageState, sentence: string): void {
    setText(this.word, names[state]);
    setAttribute(this.pill, "data-state", state);
    setAttribute(document.documentElement, "data-state", state);
    setText(this.sentence, sentence);
    this.notice.hidden = sentence === "";
    this.retry.hidden = state !== "disconnected";
  }
}
