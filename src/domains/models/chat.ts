/** The operations that ask a model. A role is asked by asking its models, one after the other, each as a call of its own. */
import type { Context } from "../../contract/operation.ts";
import { Problem, isProblem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { BudgetExceeded, DeadlineExceeded, NotFound } from "../../contract/standard-problems.ts";
import { NotReached, TooSlow } from "../egress/contract.ts";
import {
  type AskingDeps,
  type Asked,
  type MeteredEnd,
  type MeteredPart,
  priceAt,
  reach,
  type Taken,
  watched,
} from "./asking.ts";
import {
  Chat,
  type ChatInput,
  Complete,
  type CompleteInput,
  Embed,
  ModelAsked,
  ModelSaid,
  Rerank,
  RoleFailed,
  saidLengthMax,
  Stream,
  type StreamItem,
  StreamText,
  Tokenize,
} from "./contract.ts";
import { tokensMaxDefault } from "./messages.ts";
import { isOnThisMachine, parseModelName } from "../../base/model-name.ts";
import type { ChatRequest, Part, ToolCall, Usage } from "./port.ts";
import { BadAnswer, KeyRefused, ModelBusy, ModelRefused, NoSuchModel, NotAble, unknownUsage } from "./port.ts";

export interface Asking {
  readonly deps: AskingDeps;
  readonly ctx: Context;
}

export async function chat(input: ChatInput, asking: Asking): Promise<Static<typeof Chat.output>> {
  const { ctx } = asking;
  if (parseModelName(input.model) === null)
    return tried(input.model, asking, (model) => ctx.call(Chat, { ...input, model }));
  const asked = reach(input.model, Chat, asking);
  const pieces = collect();
  for await (const part of chatParts(input, asked, { ...asking, ended: (end) => end })) {
    if (part.kind === "text" || part.kind === "thought") tell(part, input.model, ctx);
    pieces.take(part);
  }
  return { ...pieces.whole(), ...answeredBy(input.model, asked, pieces.end()) };
}

/** The parts of the answer themselves, with no generator of its own around them. */
export function stream(input: ChatInput, asking: Asking): AsyncIterable<StreamItem> {
  const { ctx } = asking;
  if (parseModelName(input.model) === null)
    return streamOfRole(input.model, asking, (model) => ctx.call(Stream, { ...input, model }));
  const asked = reach(input.model, Stream, asking);
  return chatParts(input, asked, {
    ...asking,
    ended: (end): StreamItem => ({ kind: "end", ...answeredBy(input.model, asked, end) }),
  });
}

export async function complete(input: CompleteInput, asking: Asking): Promise<Static<typeof Complete.output>> {
  const { ctx } = asking;
  if (parseModelName(input.model) === null)
    return tried(input.model, asking, (model) => ctx.call(Complete, { ...input, model }));
  const asked = reach(input.model, Complete, asking);
  const pieces = collect();
  for await (const part of textParts(input, asked, { ...asking, ended: (end) => end })) pieces.take(part);
  return { text: pieces.whole().text, ...answeredBy(input.model, asked, pieces.end()) };
}

export function streamText(input: CompleteInput, asking: Asking): AsyncIterable<StreamItem> {
  const { ctx } = asking;
  if (parseModelName(input.model) === null)
    return streamOfRole(input.model, asking, (model) => ctx.call(StreamText, { ...input, model }));
  const asked = reach(input.model, StreamText, asking);
  return textParts(input, asked, {
    ...asking,
    ended: (end): StreamItem => ({ kind: "end", ...answeredBy(input.model, asked, end) }),
  });
}

async function* streamOfRole(
  role: string,
  asking: Asking,
  ask: (model: string) => Promise<unknown>,
): AsyncGenerator<StreamItem> {
  // A call of a stream is answered by its items, whatever the type of one answer says.
  yield* await tried(role, asking, async (model) => begun((await ask(model)) as AsyncIterable<StreamItem>));
}

export async function embed(input: Static<typeof Embed.input>, asking: Asking): Promise<Static<typeof Embed.output>> {
  const { model, texts } = input;
  if (parseModelName(model) === null)
    return tried(model, asking, (each) => asking.ctx.call(Embed, { ...input, model: each }));
  const asked = reach(model, Embed, asking);
  const { runtime, call } = asked;
  const { isScripted } = runtime.abilities;
  const answer = await timed({ model, work: "embed", isScripted }, asking, () =>
    runtime.embed({ model: asked.model, texts }, call),
  );
  const { vectors, ...took } = answer;
  return { model, vectors: vectors.map((each) => [...each]), ...took, isScripted };
}

export async function rerank(
  input: Static<typeof Rerank.input>,
  asking: Asking,
): Promise<Static<typeof Rerank.output>> {
  const { model, query, documents } = input;
  if (parseModelName(model) === null)
    return tried(model, asking, (each) => asking.ctx.call(Rerank, { ...input, model: each }));
  const asked = reach(model, Rerank, asking);
  const { runtime, call } = asked;
  const { isScripted } = runtime.abilities;
  const answer = await timed({ model, work: "rerank", isScripted }, asking, () =>
    runtime.rerank({ model: asked.model, query, documents }, call),
  );
  const { scores, ...took } = answer;
  return { model, scores: [...scores], ...took, isScripted };
}

export async function tokenize(
  input: Static<typeof Tokenize.input>,
  asking: Asking,
): Promise<Static<typeof Tokenize.output>> {
  const { model, text } = input;
  if (parseModelName(model) === null)
    return tried(model, asking, (each) => asking.ctx.call(Tokenize, { ...input, model: each }));
  const asked = reach(model, Tokenize, asking);
  const { tokens } = await asked.runtime.tokenize({ model: asked.model, text }, asked.call);
  return { model, tokens: [...tokens] };
}

/** Passes by live. A piece is cut where it is longer than one that may. */
function tell({ kind, text }: Words, model: string, ctx: Asking["ctx"]): void {
  const about = kind === "thought" ? { model, isThought: true } : { model };
  for (let from = 0; from < text.length; from += saidLengthMax)
    void ctx.emit(ModelSaid, { ...about, text: text.slice(from, from + saidLengthMax) });
}

type Words = Extract<Part, { kind: "text" | "thought" }>;

type Ended<I> = Asking & { readonly ended: (end: MeteredEnd) => I };

function chatParts<I>(
  input: ChatInput,
  asked: Asked,
  { deps, ctx, ended }: Ended<I>,
): AsyncGenerator<Exclude<Part, { kind: "end" }> | I> {
  const { runtime, call, leave, model } = asked;
  const request: ChatRequest = { ...(input as ChatRequest), model, tokensMax: input.tokensMax ?? tokensMaxDefault };
  const told = { model: input.model, work: "chat", isScripted: runtime.abilities.isScripted } as const;
  return watched(runtime.chat(request, call), told, { deps, ctx, leave, ended, tokensMax: request.tokensMax });
}

function textParts<I>(
  input: CompleteInput,
  asked: Asked,
  { deps, ctx, ended }: Ended<I>,
): AsyncGenerator<Exclude<Part, { kind: "end" }> | I> {
  const { runtime, call, leave, model } = asked;
  const { tokensMax = tokensMaxDefault } = input;
  const told = { model: input.model, work: "complete", isScripted: runtime.abilities.isScripted } as const;
  const parts = runtime.complete({ ...input, model, tokensMax }, call);
  return watched(parts, told, { deps, ctx, leave, ended, tokensMax });
}

const answeredBy = (model: string, { runtime }: Asked, { kind: _end, ...took }: MeteredEnd) => ({
  model,
  ...took,
  isScripted: runtime.abilities.isScripted,
  label: "tool" as const,
});

/** What the model says to a person or to a program, put together. */
function collect() {
  let text = "";
  let thought = "";
  let end: MeteredEnd | null = null;
  const calls = new Map<number, { id: string; name: string; argumentsText: string }>();
  return {
    take(part: MeteredPart): void {
      if (part.kind === "text") text += part.text;
      else if (part.kind === "thought") thought += part.text;
      else if (part.kind === "end") end = part;
      else {
        const call = calls.get(part.place) ?? { id: "", name: "", argumentsText: "" };
        calls.set(part.place, {
          id: call.id || (part.id ?? ""),
          name: call.name || (part.name ?? ""),
          argumentsText: call.argumentsText + part.argumentsText,
        });
      }
    },
    whole(): { text: string; thought: string; toolCalls: ToolCall[] } {
      const toolCalls = [...calls.entries()]
        .toSorted(([a], [b]) => a - b)
        .map(([place, call]) => ({ ...call, id: call.id || `call-${place}` }));
      return { text, thought, toolCalls };
    },
    end(): MeteredEnd {
      if (end === null) throw new Problem(BadAnswer, "the answer has no end", { reason: "no end" });
      return end;
    },
  };
}

async function timed<A extends { readonly usage: Usage }>(
  told: { readonly model: string; readonly work: "embed" | "rerank"; readonly isScripted: boolean },
  { deps, ctx }: Asking,
  run: () => Promise<A>,
): Promise<A & Taken> {
  const startMs = deps.clock.monotonicMs();
  const price = priceAt(told.model, { deps, ctx });
  const tell = async (usage: Usage, code: string, finish: "stop" | null): Promise<Taken> => {
    const durationMs = Math.round(deps.clock.monotonicMs() - startMs);
    const took = { microUsd: price(usage), durationMs, firstMs: null };
    await ctx.emit(ModelAsked, { ...told, ...usage, ...took, finish, code });
    return took;
  };
  try {
    const answer = await run();
    return { ...answer, ...(await tell(answer.usage, "ok", "stop")) };
  } catch (error) {
    await tell(unknownUsage, isProblem(error) ? error.definition.code : "arw.internal", null);
    throw error;
  }
}

/** Failures of one model that another may make good. A rule's no is one: the next model is asked about for itself. */
const isMendable = (error: unknown): error is Problem =>
  error instanceof Problem &&
  [
    ModelBusy,
    BadAnswer,
    KeyRefused,
    ModelRefused,
    NoSuchModel,
    NotAble,
    NotReached,
    TooSlow,
    DeadlineExceeded,
    BudgetExceeded,
  ].some((each) => each.code === error.definition.code);

/** Asks the models of a role in their order. Each is a call of its own: gated, permitted and paid for by itself. */
async function tried<A>(role: string, { deps }: Asking, ask: (model: string) => Promise<A>): Promise<A> {
  const row = deps.servers.role(role);
  if (row === undefined)
    throw new Problem(NotFound, `there is no role ${role}; set it with \`arw models role ${role} SERVER/MODEL\``);
  const failures: Failure[] = [];
  let hasFailedHere = false;
  for (const model of row.models) {
    const isHere = isOnThisMachine(parseModelName(model)?.server ?? "");
    if (hasFailedHere && !isHere && !row.mayLeave) {
      const reason = "it is not on this machine, and the role does not say that it may be asked instead";
      failures.push({ model, code: "models.may-not-leave", reason });
      continue;
    }
    try {
      return await ask(model);
    } catch (error) {
      if (!isMendable(error)) throw error;
      hasFailedHere ||= isHere;
      failures.push({ model, code: error.definition.code, reason: error.message.slice(0, 300), ...limitIn(error) });
    }
  }
  const words = failures.map(({ model, reason }) => `${model}: ${reason}`).join("; ");
  throw new Problem(RoleFailed, `no model of the role ${role} answered: ${words}`.slice(0, 2000), {
    tried: failures,
    ...limitOf(failures),
  });
}

interface Failure {
  readonly model: string;
  readonly code: string;
  readonly reason: string;
  /** Of a limit that passes by itself: the server's, or one of an allowance. */
  readonly status?: typeof limitStatus;
  readonly retryAfterMs?: number;
}

const limitStatus = 429;

function limitIn({ definition, extra }: Problem): Pick<Failure, "status" | "retryAfterMs"> {
  const isLimit = definition.status === limitStatus || extra["status"] === limitStatus;
  const { retryAfterMs } = extra;
  return {
    ...(isLimit ? { status: limitStatus } : {}),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  };
}

/** Where one of its models would answer later, so would the role. */
function limitOf(failures: readonly Failure[]): Pick<Failure, "status" | "retryAfterMs"> {
  const waitsMs = failures.flatMap(({ retryAfterMs }) => retryAfterMs ?? []);
  return {
    ...(failures.some(({ status }) => status === limitStatus) ? { status: limitStatus } : {}),
    ...(waitsMs.length === 0 ? {} : { retryAfterMs: Math.min(...waitsMs) }),
  };
}

/** A stream whose first item has come: until then another model can take over. */
async function begun<T>(stream: AsyncIterable<T>): Promise<AsyncGenerator<T>> {
  const iterator = stream[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
}
