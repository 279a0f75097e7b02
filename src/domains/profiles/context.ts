/**
 * What a model is given: fixed slots, each with its part of the room. Instructions and the task always go in whole; of the
 * rest the oldest gives way first, and what is left out is told with the reason. No rule stands in any of it, so nothing that
 * is left out here changes what an agent may do. Pure.
 */
import { approximateTokens } from "./tokens.ts";
import type { Slot } from "./contract.ts";

export interface Message {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly text: string;
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly argumentsText: string }[];
  readonly toolCallId?: string;
}

/** One thing that the model asked for, and what came back. */
export interface Exchange {
  /** What the model said with it; the first of several calls at once carries it. */
  readonly said: string;
  readonly calls: readonly {
    readonly id: string;
    readonly name: string;
    readonly argumentsText: string;
    /** Where the answer comes from, as its first line says. */
    readonly source: string;
    readonly answer: string;
  }[];
}

export interface ContextInput {
  readonly instructions: string;
  readonly plan: string;
  readonly history: readonly { readonly role: "user" | "assistant"; readonly text: string }[];
  readonly task: string;
  readonly evidence: readonly Exchange[];
  readonly tokensMax: number;
  readonly answerTokens: number;
}

export interface AssembledContext {
  readonly messages: readonly Message[];
  readonly slots: readonly Slot[];
  readonly tokens: number;
}

/** Of what is left beside instructions, task, plan and answer, what was said before takes at most this part. */
const historyPart = 0.3;
/** The plan is a list of a few lines. */
const planPart = 0.1;
/** What is kept of an answer that has no room any more, characters. */
const extractChars = 240;
/** An extract and its mark take about so much; a shorter answer is not shortened. */
const extractTokensMin = 120;

type Item = Slot["items"][number];
type LeftOut = Slot["leftOut"][number];

export function assembleContext(input: ContextInput): AssembledContext {
  const { tokensMax, answerTokens } = input;
  const instructions = slotOf("instructions", tokensMax, {
    items: [
      { what: "instructions", tokens: approximateTokens(input.instructions) },
      { what: "the task", tokens: approximateTokens(input.task) },
    ],
  });
  const room = Math.max(0, tokensMax - answerTokens - instructions.tokens);
  const plan = planOf(input.plan, Math.floor(room * planPart));
  const left = Math.max(0, room - plan.slot.tokens);
  const history = newest(input.history, Math.floor(left * historyPart));
  const evidence = shortened(input.evidence, Math.max(0, left - history.slot.tokens));
  const reserve = { slot: "reserve" as const, tokens: answerTokens, tokensMax: answerTokens, items: [], leftOut: [] };
  const slots = [instructions, plan.slot, history.slot, evidence.slot, reserve];
  return {
    messages: [
      // In one piece: many models take no second message of the system, and none after others.
      {
        role: "system",
        text: plan.text === "" ? input.instructions : `${input.instructions}\n\nYour plan so far:\n${plan.text}`,
      },
      ...history.kept.map(({ role, text }) => ({ role, text })),
      { role: "user", text: input.task },
      ...evidence.kept.flatMap(messagesOf),
    ],
    slots,
    tokens: slots.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}

interface Held {
  readonly items?: readonly Item[];
  readonly leftOut?: LeftOut[];
}

function slotOf(slot: Slot["slot"], tokensMax: number, { items = [], leftOut = [] }: Held): Slot {
  const whole = items.filter(({ tokens }) => tokens > 0);
  return { slot, tokensMax, items: whole, leftOut, tokens: whole.reduce((sum, { tokens }) => sum + tokens, 0) };
}

function planOf(plan: string, tokensMax: number): { readonly text: string; readonly slot: Slot } {
  const tokens = approximateTokens(plan);
  if (tokens <= tokensMax)
    return { text: plan, slot: slotOf("plan", tokensMax, { items: [{ what: "the plan", tokens }] }) };
  const why = "the plan is longer than its slot";
  return {
    text: "",
    slot: slotOf("plan", tokensMax, { leftOut: [{ what: "the plan", tokens, why, isShortened: false }] }),
  };
}

/** The newest that have room together, in their order. */
function newest(history: ContextInput["history"], tokensMax: number) {
  let tokens = 0;
  let from = history.length;
  const counts = history.map(({ text }) => approximateTokens(text));
  while (from > 0 && tokens + (counts[from - 1] ?? 0) <= tokensMax) {
    from -= 1;
    tokens += counts[from] ?? 0;
  }
  const named = (place: number): Item => ({ what: `message ${place + 1}`, tokens: counts[place] ?? 0 });
  const places = history.map((_each, place) => place);
  const leftOut = places
    .filter((place) => place < from)
    .map((place) => ({ ...named(place), why: "older than what has room", isShortened: false }));
  const items = places.filter((place) => place >= from).map(named);
  return { kept: history.slice(from), slot: slotOf("history", tokensMax, { items, leftOut }) };
}

const tokensOf = ({ said, calls }: Exchange): number =>
  approximateTokens(said) +
  calls.reduce(
    (sum, { name, argumentsText, source, answer }) => sum + approximateTokens(name + argumentsText + source + answer),
    0,
  );
const nameOf = ({ calls }: Exchange): string =>
  calls
    .map(({ source }) => source)
    .join(", ")
    .slice(0, 300);

/** The oldest first: an extract of it, and if there is no room for that either, nothing. */
function shortened(evidence: readonly Exchange[], tokensMax: number) {
  const kept = [...evidence];
  const counts = kept.map(tokensOf);
  const leftOut: (LeftOut & { readonly place: number })[] = [];
  let tokens = counts.reduce((sum, each) => sum + each, 0);
  for (let place = 0; place < kept.length && tokens > tokensMax; place += 1) {
    const whole = kept[place] as Exchange;
    const before = counts[place] ?? 0;
    if (before < extractTokensMin) continue;
    kept[place] = { ...whole, calls: whole.calls.map(extractOf) };
    counts[place] = tokensOf(kept[place] as Exchange);
    tokens += (counts[place] ?? 0) - before;
    const why = "older than what has room";
    leftOut.push({ place, what: nameOf(whole), tokens: before - (counts[place] ?? 0), why, isShortened: true });
  }
  let from = 0;
  for (; from < kept.length && tokens > tokensMax; from += 1) tokens -= counts[from] ?? 0;
  const dropped = evidence.slice(0, from).map((each, place) => ({
    place,
    what: nameOf(each),
    tokens: tokensOf(each),
    why: "older than what has room",
    isShortened: false,
  }));
  const rest = leftOut.filter(({ place }) => place >= from);
  const items = kept.slice(from).map((each, place) => ({ what: nameOf(each), tokens: counts[from + place] ?? 0 }));
  const told = [...dropped, ...rest].map(({ place: _place, ...each }) => each);
  return { kept: kept.slice(from), slot: slotOf("evidence", tokensMax, { items, leftOut: told }) };
}

function extractOf(call: Exchange["calls"][number]): Exchange["calls"][number] {
  if (call.answer.length <= extractChars) return call;
  const begin = call.answer.slice(0, extractChars).replaceAll(/\s+/gu, " ");
  return { ...call, answer: `${begin} … (an extract; call ${call.name} again for the rest)` };
}

function messagesOf({ said, calls }: Exchange): readonly Message[] {
  const toolCalls = calls.map(({ id, name, argumentsText }) => ({ id, name, argumentsText }));
  return [
    { role: "assistant", text: said, toolCalls },
    ...calls.map(({ id, source, answer }) => ({
      role: "tool" as const,
      text: `${source}\n${answer}`,
      toolCallId: id,
    })),
  ];
}
