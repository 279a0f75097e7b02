/** What the hub sends, named in one place. Types only: nothing of the hub's code reaches the browser. */
export type { Approval } from "../../src/domains/approvals/contract.ts";
export type { Episode, StoryLine } from "../../src/domains/episodes/contract.ts";
import type { Envelope } from "../../src/contract/event.ts";
import type { Episode, StoryLine } from "../../src/domains/episodes/contract.ts";

/** An event as it comes over the stream; live ones (progress, gaps) carry no `seq`. */
export type HubEvent = Omit<Envelope, "seq"> & { readonly seq?: number };

export interface Page<Row> {
  readonly view: string;
  readonly version: number;
  readonly seq: number;
  readonly items: readonly Row[];
  readonly nextCursor: string | null;
}

export interface EpisodePage {
  readonly episode: Episode;
  readonly story: readonly StoryLine[];
  readonly nextAfterSeq: number | null;
}

export interface Started {
  readonly taskId: string;
  readonly corrId: string;
}

/** An RFC 9457 document. */
export interface ProblemDocument {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance?: string;
}

export type EpisodeStatus = Episode["status"];
export type Family = StoryLine["family"];
