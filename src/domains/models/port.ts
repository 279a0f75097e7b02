/** What runs models, as the domain sees it: servers elsewhere, engines of the house, scripts in tests. */
import type { Caller, Scope } from "../../contract/caller.ts";
import type { Context, Cost, Operation, Tokens } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import type { units } from "../budgets/contract.ts";

export type Role = "system" | "user" | "assistant" | "tool";

/** A tool that the model asked for. `argumentsText` is what it wrote, which may be no JSON at all. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly argumentsText: string;
}

export type Content =
  | { readonly kind: "text"; readonly text: string }
  /** `data:` address of a picture; nothing else is fetched for a model. */
  | { readonly kind: "image"; readonly url: string };

export interface Message {
  readonly role: Role;
  readonly content: readonly Content[];
  /** Of an assistant. */
  readonly toolCalls?: readonly ToolCall[];
  /** Of a tool's answer: the call that it answers. */
  readonly toolCallId?: string;
}

export interface ToolOffer {
  readonly name: string;
  readonly about: string;
  /** JSON Schema of the arguments. */
  readonly input: unknown;
}

export type AnswerForm =
  | { readonly kind: "text" }
  | { readonly kind: "json" }
  | { readonly kind: "schema"; readonly name: string; readonly schema: unknown };

export interface Sampling {
  /** The most that the answer may have. Always sent: a reservation counts on it. */
  readonly tokensMax: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
}

export interface ChatRequest extends Sampling {
  /** As the server calls it. */
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools?: readonly ToolOffer[];
  readonly toolChoice?: "auto" | "none" | "required" | { readonly name: string };
  readonly form?: AnswerForm;
}

export interface CompleteRequest extends Sampling {
  readonly model: string;
  readonly prompt: string;
}

export const finishes = ["stop", "length", "tools", "filter"] as const;
export type Finish = (typeof finishes)[number];

/** As the runtime counted; null where it did not say. */
export interface Usage {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** Of the input, those that were in a cache. */
  readonly cachedTokens: number | null;
}

export type Part =
  | { readonly kind: "text"; readonly text: string }
  /** What a model says to itself before it answers. */
  | { readonly kind: "thought"; readonly text: string }
  /** A piece of a tool call; `id` and `name` come with the first piece of each `place`. */
  | {
      readonly kind: "tool";
      readonly place: number;
      readonly id?: string;
      readonly name?: string;
      readonly argumentsText: string;
    }
  | { readonly kind: "end"; readonly finish: Finish; readonly usage: Usage };

export interface ModelInfo {
  readonly model: string;
  /** How much fits, tokens; null where nobody says. */
  readonly contextTokens: number | null;
  /** Whose it is, as the server says; servers of one kind mostly say the same. Null where nothing is said. */
  readonly owner: string | null;
}

export interface Abilities {
  readonly chat: boolean;
  readonly complete: boolean;
  readonly embed: boolean;
  readonly rerank: boolean;
  readonly tokenize: boolean;
  /** The answers were written beforehand; said wherever they are shown. */
  readonly isScripted: boolean;
}

/** Sends one request; the way out of the hub, as whoever calls may use it. */
export type Send = (request: {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Takes the answer's body piece by piece, also that of a refusal; the status is known once all of it has come. */
  readonly sink?: (chunk: Uint8Array) => void | Promise<void>;
}) => Promise<{
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly isCut: boolean;
}>;

export interface RuntimeCall {
  readonly signal: AbortSignal;
  readonly send: Send;
}

/**
 * One source of model answers.
 * - `chat` and `complete` yield pieces as they come, and exactly one `end`, as the last. A stream that breaks off before its
 *   end throws; nothing is made up.
 * - What a runtime cannot do throws `NotAble`; `abilities` says so before.
 * - Problems of the contract (`NoSuchModel`, `ModelRefused`, `ModelBusy`, `BadAnswer`) are thrown as such; what `send` throws
 *   passes through unchanged.
 * - `signal` ends a call at once. Whoever stops reading a stream ends it, too.
 */
export interface ModelRuntime {
  readonly abilities: Abilities;
  models(call: RuntimeCall): Promise<readonly ModelInfo[]>;
  /** Resolves when the runtime answers; throws what is wrong with it. */
  health(call: RuntimeCall): Promise<void>;
  chat(request: ChatRequest, call: RuntimeCall): AsyncIterable<Part>;
  complete(request: CompleteRequest, call: RuntimeCall): AsyncIterable<Part>;
  /** One vector for each text, in their order, each of length 1. */
  embed(
    request: { readonly model: string; readonly texts: readonly string[] },
    call: RuntimeCall,
  ): Promise<{ readonly vectors: readonly (readonly number[])[]; readonly usage: Usage }>;
  /** How well each document answers the query, in the order of the documents; larger is better. */
  rerank(
    request: { readonly model: string; readonly query: string; readonly documents: readonly string[] },
    call: RuntimeCall,
  ): Promise<{ readonly scores: readonly number[]; readonly usage: Usage }>;
  tokenize(
    request: { readonly model: string; readonly text: string },
    call: RuntimeCall,
  ): Promise<{ readonly tokens: readonly number[] }>;
}

export const unknownUsage: Usage = { inputTokens: null, outputTokens: null, cachedTokens: null };

/** The way out of the hub. */
export interface Courier {
  send(
    request: Parameters<Send>[0] & {
      /** Gate key. */
      readonly operation: string;
      readonly limits: {
        readonly connectMs: number;
        readonly firstByteMs: number;
        readonly wholeMs: number;
        readonly bodyBytesMax: number;
      };
      readonly sentBytesMax: number;
      readonly signal: AbortSignal;
      /** Who named this address beforehand: it is open to this request. */
      readonly given: { readonly rule: string; readonly source: string };
    },
    ctx: Context,
  ): ReturnType<Send>;
}

/** Knows prices and allowances, and takes nothing. Money is in millionths of a USD; null where nobody knows a price. */
export interface Meter {
  /** What a call would take at most. */
  read(call: {
    readonly operation: Operation;
    readonly caller: Caller;
    readonly corrId: string;
    readonly scope: Scope;
    readonly cost: Cost;
    readonly atMs: number;
  }): {
    readonly microUsd: number | null;
    readonly price: string | null;
    readonly allowances: readonly {
      readonly allowanceId: string;
      readonly text: string;
      readonly unit: (typeof units)[number];
      readonly wanted: number | null;
      readonly left: number;
      readonly isEnough: boolean;
    }[];
  };
  /** Makes money of tokens by the price of this moment. */
  priced(model: string, atMs: number): (tokens: Tokens) => number | null;
}

/** Variables that hold keys, by their names; the values stay where they are. */
export interface Environment {
  has(variable: string): boolean;
}

export const NotAble = problem({
  code: "models.not-able",
  status: 501,
  title: "This server cannot do that",
  about: "The model server has no such ability. `ability` names it; `arw models` lists what each server can do.",
});
export const NoSuchModel = problem({
  code: "models.no-such-model",
  status: 404,
  title: "No such model",
  about: "No server of this hub has a model of this name. `arw models` lists those that there are.",
});
export const ModelRefused = problem({
  code: "models.refused",
  status: 422,
  title: "The model server refused the request",
  about: "The server answered that it does not take this request. `reason` has its words, `status` its number.",
});
export const ModelBusy = problem({
  code: "models.busy",
  status: 503,
  title: "The model server is busy",
  about:
    "The server has too much to do or a limit of its own is reached. `retryAfterMs` says when it asks to be tried again.",
});
export const BadAnswer = problem({
  code: "models.bad-answer",
  status: 502,
  title: "The model server's answer is unreadable",
  about: "The answer broke off or is no answer of such a server. What had come until then was passed on and counts.",
});
export const KeyRefused = problem({
  code: "models.key-refused",
  status: 502,
  title: "The model server refused the key",
  about:
    "The server wants a key, or another one. Store it with `arw secret set NAME`, bind it to the server's host, and name it when the server is added.",
});
export const runtimeProblems = [NotAble, NoSuchModel, ModelRefused, ModelBusy, BadAnswer, KeyRefused] as const;
