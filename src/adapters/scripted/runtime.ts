/** Answers that were written beforehand, for tests and for replays. Everything it says is labelled as such. */
import { Problem } from "../../contract/problem.ts";
import {
  type ChatRequest,
  type CompleteRequest,
  type ModelRuntime,
  type Part,
  unknownUsage,
} from "../../domains/models/port.ts";
import { NoSuchModel } from "../../domains/models/port.ts";

export interface Script {
  readonly models: readonly string[];
  /** The parts of the next answer, without their end. Throws what the runtime is to throw. */
  answer(request: ChatRequest | CompleteRequest): readonly Exclude<Part, { kind: "end" }>[];
}

/** Vectors of a script are made of the letters: near texts are near each other, and nobody takes them for meaning. */
const dimensions = 32;

export function createScriptedRuntime({ models, answer }: Script): ModelRuntime {
  const known = (model: string): void => {
    if (!models.includes(model)) throw new Problem(NoSuchModel, `the script has no model ${model}`);
  };
  async function* tell(request: ChatRequest | CompleteRequest, signal: AbortSignal): AsyncGenerator<Part> {
    known(request.model);
    const parts = answer(request);
    for (const part of parts) {
      // A turn of the loop each, as pieces come from elsewhere.
      await Promise.resolve();
      signal.throwIfAborted();
      yield part;
    }
    const text = parts.map((part) => (part.kind === "tool" ? part.argumentsText : part.text)).join("");
    const usage = {
      inputTokens: tokensOf(inputText(request)).length,
      outputTokens: tokensOf(text).length,
      cachedTokens: null,
    };
    yield { kind: "end", finish: parts.some(({ kind }) => kind === "tool") ? "tools" : "stop", usage };
  }
  return {
    abilities: { chat: true, complete: true, embed: true, rerank: true, tokenize: true, isScripted: true },
    models: () => Promise.resolve(models.map((model) => ({ model, contextTokens: null, owner: null }))),
    health: () => Promise.resolve(),
    chat: (request, { signal }) => tell(request, signal),
    complete: (request, { signal }) => tell(request, signal),
    async embed({ model, texts }) {
      known(model);
      return { vectors: texts.map(vectorOf), usage: unknownUsage };
    },
    async rerank({ model, query, documents }) {
      known(model);
      const wanted = vectorOf(query);
      const scores = documents.map((each) => product(wanted, vectorOf(each)));
      return { scores, usage: unknownUsage };
    },
    async tokenize({ model, text }) {
      known(model);
      return { tokens: tokensOf(text) };
    },
  };
}

const inputText = (request: ChatRequest | CompleteRequest): string =>
  "prompt" in request
    ? request.prompt
    : request.messages
        .flatMap(({ content }) => content.map((each) => (each.kind === "text" ? each.text : "")))
        .join("");

const tokensOf = (text: string): readonly number[] => [...new TextEncoder().encode(text)];

function vectorOf(text: string): readonly number[] {
  const counts = Array.from({ length: dimensions }, () => 0);
  for (const token of tokensOf(text.toLowerCase())) counts[token % dimensions] = (counts[token % dimensions] ?? 0) + 1;
  // An empty text points somewhere, too: every vector has length 1.
  const length = Math.hypot(...counts);
  return length === 0 ? counts.map((_, place) => (place === 0 ? 1 : 0)) : counts.map((each) => each / length);
}

const product = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, each, place) => sum + each * (b[place] ?? 0), 0);
