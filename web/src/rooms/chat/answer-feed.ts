/**
 * One answer while it comes: reads the stream of what is said and done, and goes on reading after a break. The hub keeps what
 * has ended; this keeps only what is on its way, outside of the components.
 */
import { ApiFault } from "../../api.ts";
import { createNotifier, type NotifierOptions } from "../../stream/notifier.ts";
import { readFrames } from "../../stream/sse-parser.ts";
import type { StreamItem } from "./chat-api.ts";

export type LivePart =
  /** `after`: how many parts came before it, which names it. */
  | { readonly kind: "text"; readonly text: string; readonly after: number }
  | {
      readonly kind: "tool";
      readonly position: number;
      readonly step: number;
      readonly tool: string;
      readonly summary: string;
      readonly state: "proposed" | "done" | "refused" | "failed";
      readonly reason?: string;
    }
  | { readonly kind: "approval" | "question"; readonly id: string };

export interface LiveAnswer {
  /** Null until the hub has said that it begins. */
  readonly message: string | null;
  readonly parts: readonly LivePart[];
  readonly phase: "beginning" | "coming" | "over" | "broken";
}

/** What a reader keeps of one answer; a run with more steps has its own page. */
const partsMax = 500;

/** Takes in the next item. Pure. */
export function withItem(answer: LiveAnswer, item: StreamItem): LiveAnswer {
  switch (item.kind) {
    case "started":
      // The hub tells all of it from the beginning, so what a broken reading left is void.
      return { message: item.message, parts: [], phase: "coming" };
    case "text":
      return { ...answer, parts: withText(answer.parts, item.text) };
    case "tool":
      return { ...answer, parts: withStep(answer.parts, item) };
    case "approval":
      return { ...answer, parts: withQuestion(answer.parts, { kind: "approval", id: item.approvalId }) };
    case "question":
      return { ...answer, parts: withQuestion(answer.parts, { kind: "question", id: item.questionId }) };
    case "end":
    case "failed":
      return { ...answer, phase: "over" };
    case "thought":
      return answer;
    default:
      return item satisfies never;
  }
}

function withText(parts: readonly LivePart[], text: string): readonly LivePart[] {
  const last = parts.at(-1);
  if (last?.kind !== "text") return bounded([...parts, { kind: "text", text, after: parts.length }]);
  return [...parts.slice(0, -1), { ...last, text: last.text + text }];
}

type Step = Extract<LivePart, { kind: "tool" }>;

/** A step is told twice: when it is proposed, and how it went. */
function withStep(parts: readonly LivePart[], told: Extract<StreamItem, { kind: "tool" }>): readonly LivePart[] {
  const { position, step, tool, summary, state, reason } = told;
  const next: Step = {
    kind: "tool",
    position,
    step,
    tool,
    summary,
    state,
    ...(reason === undefined ? {} : { reason }),
  };
  const place = parts.findLastIndex((part) => part.kind === "tool" && part.step === step);
  if (place < 0) return bounded([...parts, next]);
  return parts.with(place, next);
}

function withQuestion(
  parts: readonly LivePart[],
  next: Extract<LivePart, { kind: "approval" | "question" }>,
): readonly LivePart[] {
  return parts.some((part) => part.kind === next.kind && part.id === next.id) ? parts : bounded([...parts, next]);
}

const bounded = (parts: readonly LivePart[]): readonly LivePart[] => parts.slice(-partsMax);

export interface AnswerFeed {
  readonly now: () => LiveAnswer | null;
  /** Sends what the opener sends and reads what comes back. Rejects when the hub refuses; the answer then never began. */
  ask(open: (signal: AbortSignal) => Promise<Response>): Promise<void>;
  /** Reads along in an answer that is under way. */
  follow(message: string): void;
  leave(): void;
  readonly subscribe: (listener: () => void) => () => void;
  readonly version: () => number;
  readonly wake: () => void;
}

export interface FeedOptions {
  readonly notifier: NotifierOptions;
  readonly pause: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly openFollow: (message: string, signal: AbortSignal) => Promise<Response>;
  /** The answer begins, or is over: what the hub keeps of it has changed. */
  readonly onTurn: () => void;
}

/** Settled by the first item of an answer. A hub that looks at something first has sent its head when it refuses. */
type Begun = Pick<PromiseWithResolvers<void>, "resolve" | "reject">;

/** A hub that comes back is noticed within this time. */
const againMs = 1_000;

interface Reading {
  readonly signal: AbortSignal;
  readonly begun: Begun | undefined;
  readonly now: () => LiveAnswer | null;
  readonly set: (next: LiveAnswer | null) => void;
}

async function readItems(response: Response, { signal, begun, now, set }: Reading): Promise<void> {
  if (response.body === null) return;
  await readFrames(response.body, ({ event, data }) => {
    const live = now();
    if (signal.aborted || live === null) return;
    if (event === "problem") {
      if (live.message === null) set(null);
      begun?.reject(new ApiFault(JSON.parse(data) as ConstructorParameters<typeof ApiFault>[0]));
      return;
    }
    set(withItem(live, JSON.parse(data) as StreamItem));
    begun?.resolve();
  });
}

export function createAnswerFeed({ notifier: clock, pause, openFollow, onTurn }: FeedOptions): AnswerFeed {
  const notifier = createNotifier(clock);
  let live: LiveAnswer | null = null;
  let reading = new AbortController();
  const set = (next: LiveAnswer | null): void => {
    const turned = next?.phase !== live?.phase || next?.message !== live?.message;
    live = next;
    notifier.mark();
    if (turned) onTurn();
  };
  const anew = (): AbortSignal => {
    reading.abort();
    reading = new AbortController();
    return reading.signal;
  };
  const read = (response: Response, signal: AbortSignal, begun?: Begun): Promise<void> =>
    readItems(response, { signal, begun, now: () => live, set });
  const readAlong = async (message: string, signal: AbortSignal): Promise<void> => {
    const response = await openFollow(message, signal);
    await read(response, signal);
  };
  const follow = async (message: string, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await readAlong(message, signal).catch(() => undefined);
      if (signal.aborted || live === null || live.phase === "over") return;
      set({ ...live, phase: "broken" });
      await pause(againMs, signal);
    }
  };
  /** A stream that broke in the middle is read again from the hub's record. */
  const readOn = async (response: Response, signal: AbortSignal, begun: Begun): Promise<void> => {
    await read(response, signal, begun).catch(() => undefined);
    if (signal.aborted || live === null || live.phase === "over") begun.resolve();
    else if (live.message === null) {
      set(null);
      // Where the hub said why, that was first.
      begun.reject(new ApiFault({}));
    } else await follow(live.message, signal);
  };
  return {
    now: () => live,
    async ask(open) {
      const signal = anew();
      set({ message: null, parts: [], phase: "beginning" });
      const response = await open(signal).catch((error: unknown) => {
        set(null);
        throw error;
      });
      const begun = Promise.withResolvers<void>();
      void readOn(response, signal, begun);
      await begun.promise;
    },
    follow(message) {
      const signal = anew();
      set({ message, parts: [], phase: "coming" });
      void follow(message, signal);
    },
    leave() {
      reading.abort();
    },
    subscribe: notifier.subscribe,
    version: notifier.version,
    wake: notifier.wake,
  };
}
