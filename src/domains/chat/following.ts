/** Reads along in the run that makes an answer: its record first, then what comes, without a seam. */
import type { Envelope } from "../../contract/event.ts";
import type { Context } from "../../contract/operation.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
} from "../approvals/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  IntentProposed,
  ObservationRecorded,
} from "../episodes/contract.ts";
import { ModelSaid } from "../models/contract.ts";
import { QuestionAnswered, QuestionAsked, QuestionExpired, QuestionWithdrawn } from "../questions/contract.ts";
import { type Book, isUnderWay, originsField } from "./book.ts";
import type { StreamItem } from "./contract.ts";

/** Steps of one page of the record. */
const pageEvents = 500;
/** What a model said of one answer is kept in memory while the run goes on, for whoever comes later. */
const saidCharsMax = 262_144;
/** More answers than workers are not under way. */
const saidAnswersMax = 64;

const followed = [
  "agents.run.",
  "actions.",
  "approvals.",
  "intents.",
  "models.said",
  "observations.",
  "questions.",
  "task.",
];

/** What models said so far in answers that are under way; models say it once, and it passes by. */
export interface Said {
  start(): void;
  soFar(episode: string): string;
}

export function createSaid(parts: KernelParts, book: Pick<Book, "message">): Said {
  const texts = new Map<string, string>();
  return {
    start() {
      parts.bus.listen(["models.said", "agents.run."], ({ kind, corrId, data }) => {
        const answer = book.message(corrId);
        if (answer === undefined) return;
        if (!isUnderWay(answer)) texts.delete(corrId);
        else if (kind === ModelSaid.kind) {
          const told = data as { readonly text: string; readonly isThought?: boolean };
          // Whoever comes later wants the answer, and not how it was come to.
          if (told.isThought === true) return;
          const text = (texts.get(corrId) ?? "") + told.text;
          texts.delete(corrId);
          texts.set(corrId, text.slice(-saidCharsMax));
          const [oldest] = texts.keys();
          if (texts.size > saidAnswersMax && oldest !== undefined) texts.delete(oldest);
        }
      });
    },
    soFar: (episode) => texts.get(episode) ?? "",
  };
}

export interface Following {
  readonly parts: KernelParts;
  readonly book: Book;
  readonly said: Said;
}

interface From {
  /** Of the answer, which is also its episode. */
  readonly message: string;
  readonly afterSeq?: number | undefined;
}

/** Ends with `end` or `failed`; before that only when its reader leaves. What it misses of live text is in the `end`. */
export async function* follow(
  { message, afterSeq = 0 }: From,
  { parts, book, said }: Following,
  ctx: Context,
): AsyncGenerator<StreamItem> {
  using subscription = parts.bus.subscribe({ name: `chat ${message}`, prefixes: followed, corrId: message });
  const leave = (): void => subscription[Symbol.dispose]();
  ctx.signal.addEventListener("abort", leave, { once: true });
  try {
    let position = afterSeq;
    const recorded = function* (): Generator<StreamItem> {
      for (;;) {
        const page = parts.kernel.journal.read({ corrId: message, afterSeq: position, limit: pageEvents });
        for (const envelope of page) {
          position = envelope.seq;
          yield* itemsOf(envelope);
        }
        if (page.length < pageEvents) return;
      }
    };
    // Read and listened from the same turn on, so that nothing that is said is heard twice or not at all.
    const text = said.soFar(message);
    yield* recorded();
    if (text !== "") yield { kind: "text", text };
    const over = lastOf(message, book);
    if (over !== null) {
      yield over;
      return;
    }
    for await (const delivery of subscription) {
      if ("skipped" in delivery) yield* recorded();
      else if (delivery.seq === 0 || delivery.seq > position) {
        position = Math.max(position, delivery.seq);
        yield* itemsOf(delivery);
      }
      const last = lastOf(message, book);
      if (last !== null) {
        yield last;
        return;
      }
    }
  } finally {
    ctx.signal.removeEventListener("abort", leave);
  }
}

/** What the stream ends with, once the answer has ended. A deleted one has, too. */
function lastOf(id: string, book: Book): StreamItem | null {
  const answer = book.message(id);
  if (answer === undefined)
    return { kind: "failed", message: "", status: "cancelled", code: "arw.not-found", reason: "it was deleted" };
  const { message, status, code = "arw.internal", reason = "", text, citations, isExtractive, spent, notDone } = answer;
  switch (status) {
    case "waiting":
    case "running":
      return null;
    case "finished": {
      const origins = originsField(book.origins(book.conversation(answer.conversation)).of(answer));
      return { kind: "end", message, answer: text, citations, ...origins, isExtractive, spent, notDone };
    }
    case "failed":
    case "cancelled":
    case "interrupted":
      return { kind: "failed", message, status, code, reason };
    default:
      return status satisfies never;
  }
}

const stepStateOf: Readonly<Record<string, "proposed" | "done" | "refused" | "failed">> = {
  [IntentProposed.kind]: "proposed",
  [ObservationRecorded.kind]: "done",
  [ActionApplied.kind]: "done",
  [ActionRefused.kind]: "refused",
  [ActionFailed.kind]: "failed",
};
const approvalStateOf: Readonly<Record<string, "waiting" | "granted" | "denied" | "expired" | "cancelled">> = {
  [ApprovalRequested.kind]: "waiting",
  [ApprovalGranted.kind]: "granted",
  [ApprovalDenied.kind]: "denied",
  [ApprovalExpired.kind]: "expired",
  [ApprovalCancelled.kind]: "cancelled",
};

const questionStateOf: Readonly<Record<string, "waiting" | "answered" | "expired" | "withdrawn">> = {
  [QuestionAsked.kind]: "waiting",
  [QuestionAnswered.kind]: "answered",
  [QuestionExpired.kind]: "expired",
  [QuestionWithdrawn.kind]: "withdrawn",
};

type Told = {
  readonly step?: number;
  readonly tool?: string;
  readonly summary?: string;
  readonly reason?: string;
  readonly error?: string;
  readonly text?: string;
  readonly isThought?: boolean;
  readonly approvalId?: string;
  readonly questionId?: string;
  readonly recorded?: { readonly step: number; readonly tool: string };
};

/** What an event says to who reads along; of most events nothing. What retention dropped tells nothing any more. */
function itemsOf({ seq: position, kind, data }: Envelope): readonly StreamItem[] {
  // Its definition was checked when it was written.
  const told = data as Told | null;
  if (told === null) return [];
  if (kind === ModelSaid.kind) return [{ kind: told.isThought === true ? "thought" : "text", text: told.text ?? "" }];
  const approval = approvalStateOf[kind];
  if (approval !== undefined)
    return [{ kind: "approval", position, approvalId: told.approvalId ?? "", state: approval }];
  const question = questionStateOf[kind];
  if (question !== undefined)
    return [{ kind: "question", position, questionId: told.questionId ?? "", state: question }];
  const state = stepStateOf[kind];
  if (state === undefined) return [];
  const { step, tool } = told.recorded ?? { step: told.step ?? 1, tool: told.tool ?? "" };
  const reason = told.reason ?? told.error;
  const summary = told.summary ?? "";
  return [{ kind: "tool", position, step, tool, summary, state, ...(reason === undefined ? {} : { reason }) }];
}
