/** What the hub sends, named in one place. Types only, from the generated client. */
import type { Client } from "../../client/src/index.ts";

type Answer<Method extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<Method>>;

export type EpisodePage = Answer<Client["episodes"]["show"]>;
export type Episode = EpisodePage["episode"];
export type StoryLine = EpisodePage["story"][number];
export type EpisodeStatus = Episode["status"];
export type Family = StoryLine["family"];
export type Allowance = Answer<Client["budgets"]["list"]>["allowances"][number];
/** What an agent declares that it calls, and what the rules say of it. */
export type AgentManifest = Answer<Client["agents"]["list"]>["agents"][number];
export type Approval = Answer<Client["state"]["approvalsGet"]>;
/** What a person answers to a question. */
export type Decision = Omit<Parameters<Client["approvals"]["decide"]>[0], "approvalId">;

/** What an agent asks its person. */
export type Question = Answer<Client["state"]["questionsGet"]>;
export type Schedule = Answer<Client["schedules"]["list"]>["schedules"][number];

/** An event as it comes over the stream; live ones (progress, gaps) carry no `seq`. */
export type HubEvent = ReturnType<Client["events"]["watch"]> extends AsyncGenerator<infer Item> ? Item : never;

/** One line of the journal; `data` is null once retention dropped it. */
export type JournalPage = Answer<Client["events"]["journal"]>;
export type Consumer = Answer<Client["state"]["consumersGet"]>;
export type Stats = Answer<Client["system"]["stats"]>;

export type HaltState = Answer<Client["halt"]["status"]>;

export type Posture = Answer<Client["egress"]["posture"]>;
export type Lease = Answer<Client["state"]["egressLeasesGet"]>;

export interface Page<Row> {
  readonly view: string;
  readonly version: number;
  readonly seq: number;
  readonly items: readonly Row[];
  readonly nextCursor: string | null;
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
  readonly faults?: readonly (
    | string
    | { readonly at?: string; readonly message: string; readonly hint?: string | null }
  )[];
  readonly next?: string;
}
