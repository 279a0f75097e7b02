/** What a call to a model can take at most, what it took, and what it took when nothing came of it. Pure. */
import { isOnThisMachine, parseModelName } from "../../base/model-name.ts";
import type { Cost } from "../../contract/operation.ts";
import type { Problem } from "../../contract/problem.ts";
import { NotReached } from "../egress/contract.ts";
import { tokensMaxDefault } from "./messages.ts";
import { KeyRefused, ModelBusy, ModelRefused, NoSuchModel, NotAble, type Usage } from "./port.ts";

/** A token is at least one byte of text, and so much comes from templates around each message. */
const tokensAround = 16;
/** Quotes and other marks are written as two bytes; this much is headers and the names of fields. */
const bytesAround = 20_000;
const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

export interface Priced {
  readonly model: string;
  readonly tokensMax?: number;
}

/** The most it can be: no tokenizer makes more tokens than there are bytes. */
export const costOf = ({ model, tokensMax = tokensMaxDefault }: Priced, said: string, messages: number): Cost => {
  const name = parseModelName(model);
  // A role costs nothing by itself: the model that it stands for is a call of its own.
  if (name === null) return {};
  const bytes = bytesOf(said);
  return {
    tokens: { input: bytes + tokensAround * (messages + 1), output: tokensMax },
    ...(isOnThisMachine(name.server) ? { microUsd: 0 } : { bytesOut: 2 * bytes + bytesAround }),
  };
};

/** What the server counted; where it did not, all that was set aside stays taken. What was sent stays taken in any case. */
export const spentOf = ({ inputTokens, outputTokens, cachedTokens }: Usage, most: Cost): Cost | null => {
  if (most.tokens === undefined) return {};
  if (inputTokens === null || outputTokens === null) return null;
  const cached = cachedTokens === null ? {} : { cachedInput: cachedTokens };
  return { ...most, tokens: { input: inputTokens, output: outputTokens, ...cached } };
};

/** Answers in place of which no model began to work. */
const refusals: ReadonlySet<string> = new Set(
  [NotAble, NoSuchModel, ModelRefused, ModelBusy, KeyRefused].map(({ code }) => code),
);
/** Faults of a connection over which nothing was sent. */
const unsent: ReadonlySet<unknown> = new Set(["address", "name", "connect", "encryption"]);

/** A model that never began to work took no tokens, so that the next one in its place is not paid for twice. */
export const spentInVain = ({ definition, extra }: Problem, most: Cost): Cost | null => {
  if (definition.code === NotReached.code && unsent.has(extra["fault"])) return {};
  return refusals.has(definition.code) && most.tokens !== undefined
    ? { ...most, tokens: { input: 0, output: 0 } }
    : null;
};

export const scopeOf = ({ model }: Priced) => (parseModelName(model) === null ? {} : { model });
