/** Model servers that speak the OpenAI-compatible protocol: llama-server, vLLM, LM Studio, Ollama, OpenAI and others. */
import { Problem } from "../../contract/problem.ts";
import type {
  ChatRequest,
  CompleteRequest,
  ModelInfo,
  ModelRuntime,
  Part,
  RuntimeCall,
} from "../../domains/models/port.ts";
import { BadAnswer, NotAble } from "../../domains/models/port.ts";
import { requestBodyOf } from "./request.ts";
import { isObject, listIn, numberIn, problemOf, textIn, usageOf } from "./answer.ts";
import { type Request, streamed } from "./stream.ts";

/** What a server can do beside the common ground. */
export const flavours = ["openai", "llama-server", "vllm", "ollama", "lm-studio"] as const;
export type Flavour = (typeof flavours)[number];

export interface OpenAiOptions {
  /** With the path before `/chat/completions`: `http://127.0.0.1:8080/v1`. */
  readonly url: string;
  readonly flavour: Flavour;
  /** Headers for each request; `secret:NAME` in a value is put in on the way out. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Servers that name tokens and rank documents do so outside of what they share with the others. */
const hasExtras = (flavour: Flavour): boolean => flavour === "llama-server" || flavour === "vllm";

export function createOpenAiRuntime(options: OpenAiOptions): ModelRuntime {
  const base = options.url.replace(/\/+$/, "");
  const root = base.replace(/\/v1$/, "");
  const { flavour } = options;
  const at = createTalk(options.headers ?? {});
  // Newer models of OpenAI refuse the old name of the limit, older servers do not know the new one.
  let tokensField: "max_tokens" | "max_completion_tokens" = "max_tokens";
  const body = (request: ChatRequest | CompleteRequest) => requestBodyOf(request, tokensField);
  const stream = (url: string, request: ChatRequest | CompleteRequest, call: RuntimeCall): AsyncIterable<Part> =>
    at.parts(url, body(request), {
      ...call,
      again(refusal) {
        if (!wantsOtherField(refusal, tokensField)) return null;
        tokensField = "max_completion_tokens";
        return body(request);
      },
    });
  return {
    abilities: {
      chat: true,
      complete: true,
      embed: true,
      rerank: hasExtras(flavour),
      tokenize: hasExtras(flavour),
      isScripted: false,
    },
    models: async (call) => modelsIn(await at.ask(`GET ${base}/models`, null, call)),
    async health(call) {
      if (flavour === "llama-server") await at.ask(`GET ${root}/health`, null, call);
      else modelsIn(await at.ask(`GET ${base}/models`, null, call));
    },
    chat: (request, call) => stream(`${base}/chat/completions`, request, call),
    complete: (request, call) => stream(`${base}/completions`, request, call),
    async embed({ model, texts }, call) {
      const answer = await at.ask(`POST ${base}/embeddings`, { model, input: texts, encoding_format: "float" }, call);
      return { vectors: vectorsIn(answer, texts.length), usage: usageOf(answer["usage"]) };
    },
    async rerank({ model, query, documents }, call) {
      if (!hasExtras(flavour)) throw notAble("rerank", flavour);
      const answer = await at.ask(`POST ${base}/rerank`, { model, query, documents }, call);
      return { scores: scoresIn(answer, documents.length), usage: usageOf(answer["usage"]) };
    },
    async tokenize({ model, text }, call) {
      if (!hasExtras(flavour)) throw notAble("tokenize", flavour);
      const given = flavour === "vllm" ? { model, prompt: text } : { content: text };
      return { tokens: tokensIn(await at.ask(`POST ${root}/tokenize`, given, call)) };
    },
  };
}

const notAble = (ability: string, flavour: Flavour): Problem =>
  new Problem(NotAble, `a server of the kind ${flavour} cannot ${ability}`, { ability });

const wantsOtherField = ({ message }: Problem, field: string): boolean =>
  field === "max_tokens" && message.includes("max_completion_tokens");

/** Asks, and reads what is answered. */
function createTalk(own: Readonly<Record<string, string>>) {
  const headersOf = (accept: string, body: unknown) => ({
    accept,
    "user-agent": "arw",
    ...(body === null ? {} : { "content-type": "application/json" }),
    ...own,
  });
  const bytesOf = (body: unknown) => (body === null ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) });
  return {
    async ask(what: `${"GET" | "POST"} ${string}`, body: unknown, call: RuntimeCall): Promise<Record<string, unknown>> {
      const [method, url] = what.split(" ") as ["GET" | "POST", string];
      const reply = await call.send({ method, url, headers: headersOf("application/json", body), ...bytesOf(body) });
      const text = new TextDecoder().decode(reply.body);
      if (reply.status >= 400) throw problemOf({ ...reply, text });
      if (reply.isCut) throw new Problem(BadAnswer, "the answer is longer than the hub reads", { reason: "too long" });
      const value = parsed(text);
      if (!isObject(value)) throw new Problem(BadAnswer, "the answer is no JSON object", { reason: "no JSON" });
      return value;
    },
    parts(url: string, body: unknown, { again, ...call }: Streaming): AsyncIterable<Part> {
      const requestOf = (given: unknown): Request => ({
        method: "POST",
        url,
        headers: headersOf("text/event-stream", given),
        ...bytesOf(given),
      });
      return streamed(requestOf(body), call, (refusal) => {
        const other = again(refusal);
        return other === null ? null : requestOf(other);
      });
    },
  };
}

interface Streaming extends RuntimeCall {
  /** What to ask in place of what was refused, if there is such a thing. */
  readonly again: (refusal: Problem) => unknown;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const bad = (reason: string): Problem => new Problem(BadAnswer, `the server's answer ${reason}`, { reason });

/** Longer lists are no list of models that somebody serves. */
const modelsMax = 2000;

function modelsIn(answer: Record<string, unknown>): readonly ModelInfo[] {
  const list = answer["data"];
  if (!Array.isArray(list)) throw bad("has no list of models");
  return list.slice(0, modelsMax).flatMap((each: unknown) => {
    const id = isObject(each) ? textIn(each, "id") : null;
    if (id === null || !isObject(each)) return [];
    const meta = isObject(each["meta"]) ? numberIn(each["meta"], "n_ctx_train") : null;
    const contextTokens = numberIn(each, "max_model_len") ?? numberIn(each, "context_length") ?? meta;
    return [{ model: id, contextTokens, owner: textIn(each, "owned_by") }];
  });
}

function vectorsIn(answer: Record<string, unknown>, count: number): readonly (readonly number[])[] {
  const list = listIn(answer, "data").filter(isObject);
  const vectors = Array.from({ length: count }, (_, index) => {
    const row = list.find((each, place) => (numberIn(each, "index") ?? place) === index);
    const vector = row?.["embedding"];
    if (!Array.isArray(vector) || vector.length === 0) throw bad(`has no vector for text ${index}`);
    return unit(vector as unknown[]);
  });
  if (vectors.some((each) => each.length !== vectors[0]?.length)) throw bad("has vectors of different lengths");
  return vectors;
}

/** Servers differ in whether they scale; what is stored here has length 1, so that an angle is a product. */
function unit(vector: readonly unknown[]): readonly number[] {
  const numbers = vector.map((each) => (typeof each === "number" && Number.isFinite(each) ? each : Number.NaN));
  const length = Math.hypot(...numbers);
  if (!(length > 0)) throw bad("has a vector that is none");
  return numbers.map((each) => each / length);
}

function scoresIn(answer: Record<string, unknown>, count: number): readonly number[] {
  const rows = listIn(answer, "results").filter(isObject);
  return Array.from({ length: count }, (_, index) => {
    const row = rows.find((each) => numberIn(each, "index") === index);
    const score = row === undefined ? null : (numberIn(row, "relevance_score") ?? numberIn(row, "score"));
    if (score === null) throw bad(`has no score for document ${index}`);
    return score;
  });
}

function tokensIn(answer: Record<string, unknown>): readonly number[] {
  const tokens = answer["tokens"];
  if (!Array.isArray(tokens) || tokens.some((each) => !Number.isInteger(each))) throw bad("has no tokens");
  return tokens as number[];
}
