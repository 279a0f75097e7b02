/** What a room's address may carry. Whatever else stands there is passed over, so that an old or mistyped link still opens. */

const statuses = ["running", "waiting", "finished", "failed", "cancelled", "interrupted"] as const;
export const eventViews = ["journal", "consumers", "counters"] as const;
export const policyViews = [
  "tester",
  "proofs",
  "leases",
  "approvals",
  "budgets",
  "agents",
  "outside",
  "capsules",
  "tokens",
] as const;
export const connectionViews = ["servers", "models"] as const;
export const capsuleTabs = ["replay", "what-if", "diff", "undo"] as const;
export const answers = ["granted", "denied", "expired", "cancelled"] as const;
export const egressOutcomes = ["sent", "failed", "refused"] as const;
export const lanes = ["timeline", "context", "policy", "activity"] as const;

/** Present only when it narrows, so that a plain room has a plain address. */
export interface EpisodesSearch {
  readonly status?: (typeof statuses)[number];
  readonly errorsOnly?: true;
  readonly text?: string;
}
export interface EpisodeSearch {
  readonly tab?: "events" | "raw";
}
export interface EventsSearch {
  readonly prefix?: string;
  readonly errorsOnly?: true;
  /** Begin with this many of the newest events. */
  readonly replay?: number;
  /** Id of the opened event of the stream. */
  readonly event?: string;
  /** Position of the opened event of the journal. */
  readonly seq?: number;
  /** Live when absent. */
  readonly view?: (typeof eventViews)[number];
  /** Of the journal: one episode, positions and epoch milliseconds, the ends included. */
  readonly corr?: string;
  readonly fromSeq?: number;
  readonly toSeq?: number;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Name of the opened consumer. */
  readonly consumer?: string;
}
/** The input of a tested call is not in the address: it may hold what belongs in no history. */
export interface PolicySearch {
  /** Rules when absent. */
  readonly view?: (typeof policyViews)[number];
  /** Of the tester: id of an operation, `agent:scout`, and what the call is built from, with commas between. */
  readonly operation?: string;
  readonly caller?: string;
  readonly labels?: string;
  /** Of what left: how it went. */
  readonly outcome?: (typeof egressOutcomes)[number];
  /** Of the answered questions: which answer. */
  readonly answer?: (typeof answers)[number];
}
export interface ConnectionsSearch {
  /** Agents when absent. */
  readonly view?: (typeof connectionViews)[number];
  /** Of the opened tool: its server and its name. */
  readonly server?: string;
  readonly tool?: string;
}
/** Of one capsule, or of one episode of this hub. */
export interface CapsuleSearch {
  /** What it holds when absent. */
  readonly tab?: (typeof capsuleTabs)[number];
  /** Of the replay: the place of the scrubber, the first event being 1. */
  readonly at?: number;
  /** Of the diff: the other capsule or episode. */
  readonly other?: string;
}
export interface ChatSearch {
  /** The opened conversation. */
  readonly id?: string;
  /** A message of the shown branch; the newest branch when absent. */
  readonly message?: string;
}
export interface LaneSearch {
  readonly lane?: (typeof lanes)[number];
}

const textLengthMax = 200;
const replayMax = 1_000;

type Raw = Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string | undefined => {
  const text = typeof value === "string" || typeof value === "number" ? String(value).slice(0, textLengthMax) : "";
  return text === "" ? undefined : text;
};
const isOn = (value: unknown): true | undefined =>
  value === true || value === "true" || value === 1 ? true : undefined;
const wholeOf = (value: unknown): number | undefined => {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
};
const oneOf = <Word extends string>(words: readonly Word[], value: unknown): Word | undefined =>
  words.find((word) => word === value);

/** Leaves out what is undefined. */
function kept<Search extends object>(search: { [Name in keyof Search]: Search[Name] | undefined }): Search {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as Search;
}

export const episodesSearch = (raw: Raw): EpisodesSearch =>
  kept<Required<EpisodesSearch>>({
    status: oneOf(statuses, raw["status"]),
    errorsOnly: isOn(raw["errorsOnly"]),
    text: textOf(raw["text"]),
  });

export const episodeSearch = (raw: Raw): EpisodeSearch =>
  kept<Required<EpisodeSearch>>({ tab: oneOf(["events", "raw"] as const, raw["tab"]) });

export const eventsSearch = (raw: Raw): EventsSearch => {
  const replay = Number(raw["replay"]);
  return kept<Required<EventsSearch>>({
    prefix: textOf(raw["prefix"]),
    errorsOnly: isOn(raw["errorsOnly"]),
    replay: Number.isInteger(replay) && replay > 0 ? Math.min(replay, replayMax) : undefined,
    event: textOf(raw["event"]),
    seq: wholeOf(raw["seq"]),
    view: oneOf(eventViews, raw["view"]),
    corr: textOf(raw["corr"]),
    fromSeq: wholeOf(raw["fromSeq"]),
    toSeq: wholeOf(raw["toSeq"]),
    sinceMs: wholeOf(raw["sinceMs"]),
    untilMs: wholeOf(raw["untilMs"]),
    consumer: textOf(raw["consumer"]),
  });
};

export const policySearch = (raw: Raw): PolicySearch =>
  kept<Required<PolicySearch>>({
    view: oneOf(policyViews, raw["view"]),
    operation: textOf(raw["operation"]),
    caller: textOf(raw["caller"]),
    labels: textOf(raw["labels"]),
    outcome: oneOf(egressOutcomes, raw["outcome"]),
    answer: oneOf(answers, raw["answer"]),
  });

export const connectionsSearch = (raw: Raw): ConnectionsSearch =>
  kept<Required<ConnectionsSearch>>({
    view: oneOf(connectionViews, raw["view"]),
    server: textOf(raw["server"]),
    tool: textOf(raw["tool"]),
  });

export const capsuleSearch = (raw: Raw): CapsuleSearch =>
  kept<Required<CapsuleSearch>>({
    tab: oneOf(capsuleTabs, raw["tab"]),
    at: wholeOf(raw["at"]),
    other: textOf(raw["other"]),
  });

export const chatSearch = (raw: Raw): ChatSearch =>
  kept<Required<ChatSearch>>({ id: textOf(raw["id"]), message: textOf(raw["message"]) });

export const laneSearch = (raw: Raw): LaneSearch => kept<Required<LaneSearch>>({ lane: oneOf(lanes, raw["lane"]) });

export const episodeStatuses: readonly (typeof statuses)[number][] = statuses;
