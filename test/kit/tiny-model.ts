/**
 * The smallest model that llama.cpp runs, made here and the same each time. It has learned nothing: each of its tokens leads
 * to one other, so it says one text whatever it is asked, and goes on for ever where a prompt ends with a word of `round`.
 */
import { Buffer } from "node:buffer";

/** What it answers: letters of several writings, and some that are cut into bytes on the way. */
export const tinySays = "Grüße, 世界 — 🌱 \n\n data: no frame";
/** Said in a circle, once one of them was said last. */
export const round = ["tick;", "tock;"] as const;

const layers = 1;
const headSize = 64;
const trainedTokens = 4096;
const kindOf = { normal: 1, unknown: 2, control: 3, whole: 4, byte: 6 } as const;

interface Token {
  readonly text: string;
  readonly kind: number;
}

/** Pieces of `tinySays` as tokens. A sign that no token has is said in its bytes. */
const pieces = ["Gr", "ü", "ße", ",▁", "世", "界", "▁—▁", "🌱", "▁", "\n\n", "▁data", ":▁", "no▁", "frame"];
const saidInBytes: ReadonlySet<string> = new Set(["ü", "🌱"]);

const byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

/** Said where it may not end yet, because a tool has to be called: from there on the form of a call leaves it no choice. */
const toolMark = "<tool_call>\n";
/** Said only where nothing else may be said: blanks and further calls, of which a form allows many. */
const dullBytes = [0x20, 0x0a, 0x09, 0x2c];
const dull: ReadonlySet<string> = new Set(["▁", "\n\n", ",▁", ":▁", ...dullBytes.map(byteToken)]);

/** How much it wants to say what: far enough from each other that no temperature changes it. */
const wants = { successor: 4, toolMark: 3, end: 1, dull: -2 } as const;

const begin = "<s>";
const end = "</s>";

function vocabulary(): readonly Token[] {
  const bytes = Array.from({ length: 256 }, (_, byte) => ({ text: byteToken(byte), kind: kindOf.byte }));
  const words = pieces.filter((each) => !saidInBytes.has(each)).map((text) => ({ text, kind: kindOf.normal }));
  const tokens = [
    { text: "<unk>", kind: kindOf.unknown },
    { text: begin, kind: kindOf.control },
    { text: end, kind: kindOf.control },
    ...bytes,
    ...words,
    // Found in a prompt as they stand; all others are read byte by byte.
    ...[...round, toolMark].map((text) => ({ text, kind: kindOf.whole })),
  ];
  const missing = (headSize - (tokens.length % headSize)) % headSize;
  const spare = Array.from({ length: missing }, (_, place) => ({ text: `<spare${place}>`, kind: kindOf.control }));
  return [...tokens, ...spare];
}

function placesIn(tokens: readonly Token[]): (text: string) => number {
  const places = new Map(tokens.map(({ text }, place) => [text, place]));
  return (text) => places.get(text) ?? 0;
}

/** Where each token leads: from one of the text to the next, in the circle around, and from any other to the beginning. */
function successors(tokens: readonly Token[]): readonly number[] {
  const placeOf = placesIn(tokens);
  const spoken = pieces.flatMap((each) =>
    saidInBytes.has(each) ? [...Buffer.from(each)].map((byte) => placeOf(byteToken(byte))) : [placeOf(each)],
  );
  const next = tokens.map(() => spoken[0] ?? 0);
  for (const [place, token] of spoken.entries()) next[token] = spoken[place + 1] ?? placeOf(end);
  for (const [place, text] of round.entries()) next[placeOf(text)] = placeOf(round[(place + 1) % round.length] ?? text);
  return next;
}

/** The file as llama.cpp reads it: GGUF, version 3. */
export function tinyModel(): Buffer {
  const tokens = vocabulary();
  const width = tokens.length;
  return gguf(settingsOf(tokens, width), tensorsOf(tokens, width));
}

type Setting = readonly [name: string, value: Value];
type NumberValue = { readonly kind: "count" | "real" | "flag"; readonly value: number };
type Value =
  | NumberValue
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "texts"; readonly value: readonly string[] }
  | { readonly kind: "reals" | "integers"; readonly value: readonly number[] };

const count = (value: number): Value => ({ kind: "count", value });
const text = (value: string): Value => ({ kind: "text", value });
const flag = (value: boolean): Value => ({ kind: "flag", value: Number(value) });

/** Each message on a line of its own, with the tools in front and calls between marks: by these a server knows the form of calls. */
const template = [
  "{% for tool in tools %}{{ 'tool: ' + (tool | tojson) + '\n' }}{% endfor %}",
  "{% for message in messages %}",
  "{{ message['role'] + ': ' }}",
  "{% if message['content'] %}{{ message['content'] }}{% endif %}",
  "{% for call in message['tool_calls'] %}",
  "{{ '<tool_call>\n' + ({'name': call['function']['name'], 'arguments': call['function']['arguments']} | tojson) + '\n</tool_call>' }}",
  "{% endfor %}",
  "{{ '\n' }}",
  "{% endfor %}",
  "{% if add_generation_prompt %}{{ 'assistant:\n' }}{% endif %}",
].join("");

function settingsOf(tokens: readonly Token[], width: number): readonly Setting[] {
  const placeOf = placesIn(tokens);
  return [
    ["general.architecture", text("llama")],
    ["general.name", text("tiny")],
    ["llama.vocab_size", count(tokens.length)],
    ["llama.context_length", count(trainedTokens)],
    ["llama.embedding_length", count(width)],
    ["llama.block_count", count(layers)],
    ["llama.feed_forward_length", count(headSize)],
    ["llama.attention.head_count", count(width / headSize)],
    ["llama.attention.head_count_kv", count(1)],
    ["llama.rope.dimension_count", count(headSize)],
    ["llama.attention.layer_norm_rms_epsilon", { kind: "real", value: 1e-5 }],
    ["tokenizer.ggml.model", text("llama")],
    ["tokenizer.ggml.tokens", { kind: "texts", value: tokens.map((token) => token.text) }],
    ["tokenizer.ggml.scores", { kind: "reals", value: tokens.map(({ text: { length } }) => length) }],
    ["tokenizer.ggml.token_type", { kind: "integers", value: tokens.map(({ kind }) => kind) }],
    ["tokenizer.ggml.bos_token_id", count(placeOf(begin))],
    ["tokenizer.ggml.eos_token_id", count(placeOf(end))],
    ["tokenizer.ggml.unknown_token_id", count(0)],
    ["tokenizer.ggml.add_bos_token", flag(true)],
    ["tokenizer.ggml.add_eos_token", flag(false)],
    // With a blank in front, an answer that has to fit a form would not begin where the form begins.
    ["tokenizer.ggml.add_space_prefix", flag(false)],
    ["tokenizer.chat_template", text(template)],
  ];
}

interface Tensor {
  readonly name: string;
  /** The dimension that lies together in the file first. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Nothing is attended to and nothing is thought: what goes in at the bottom comes out at the top, and names its successor. */
function tensorsOf(tokens: readonly Token[], width: number): readonly Tensor[] {
  const next = successors(tokens);
  const placeOf = placesIn(tokens);
  const zeros = (...shape: readonly number[]) => ({ shape, values: new Float32Array(shape.reduce((a, b) => a * b)) });
  const ones = (...shape: readonly number[]) => ({ shape, values: zeros(...shape).values.fill(1) });
  const identity = zeros(width, next.length);
  const following = zeros(width, next.length);
  for (const [token, successor] of next.entries()) {
    identity.values[token * width + token] = 1;
    const want = (text: string, wish: number): void => {
      following.values[placeOf(text) * width + token] = wish;
    };
    for (const text of dull) want(text, wants.dull);
    want(end, wants.end);
    if (successor === placeOf(end)) want(toolMark, wants.toolMark);
    following.values[successor * width + token] = wants.successor;
  }
  const named = (name: string, tensor: Omit<Tensor, "name">): Tensor => ({ name: `${name}.weight`, ...tensor });
  const block = Array.from({ length: layers }, (_, layer) => [
    named(`blk.${layer}.attn_norm`, ones(width)),
    named(`blk.${layer}.attn_q`, zeros(width, width)),
    named(`blk.${layer}.attn_k`, zeros(width, headSize)),
    named(`blk.${layer}.attn_v`, zeros(width, headSize)),
    named(`blk.${layer}.attn_output`, zeros(width, width)),
    named(`blk.${layer}.ffn_norm`, ones(width)),
    named(`blk.${layer}.ffn_gate`, zeros(width, headSize)),
    named(`blk.${layer}.ffn_up`, zeros(width, headSize)),
    named(`blk.${layer}.ffn_down`, zeros(headSize, width)),
  ]).flat();
  return [named("token_embd", identity), ...block, named("output_norm", ones(width)), named("output", following)];
}

const formatVersion = 3;
const alignment = 32;
const kinds = { count: 4, integer: 5, real: 6, flag: 7, text: 8, list: 9 } as const;
const float32 = 0;

function gguf(settings: readonly Setting[], tensors: readonly Tensor[]): Buffer {
  const head = createBytes();
  head.raw(Buffer.from("GGUF"));
  head.uint32(formatVersion);
  head.uint64(tensors.length);
  head.uint64(settings.length);
  for (const [name, value] of settings) {
    head.text(name);
    writeValue(value, head);
  }
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    head.text(name);
    head.uint32(shape.length);
    for (const size of shape) head.uint64(size);
    head.uint32(float32);
    head.uint64(offset);
    offset += aligned(values.byteLength);
  }
  const bodies = tensors.map(({ values }) => padded(Buffer.from(values.buffer)));
  return Buffer.concat([padded(head.whole()), ...bodies]);
}

const aligned = (sizeBytes: number): number => Math.ceil(sizeBytes / alignment) * alignment;
const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc(aligned(bytes.byteLength) - bytes.byteLength)]);

type Bytes = ReturnType<typeof createBytes>;

function writeValue(value: Value, to: Bytes): void {
  if (value.kind === "text") {
    to.uint32(kinds.text);
    return to.text(value.value);
  }
  if (isNumber(value)) {
    to.uint32(kinds[value.kind]);
    return writers[value.kind](value.value, to);
  }
  to.uint32(kinds.list);
  if (value.kind === "texts") return writeList("text", value.value, to);
  return writeList(value.kind === "reals" ? "real" : "integer", value.value, to);
}

const isNumber = (value: Value): value is NumberValue => typeof value.value === "number";

function writeList<V extends number | string>(
  kind: "text" | "real" | "integer",
  values: readonly V[],
  to: Bytes,
): void {
  to.uint32(kinds[kind]);
  to.uint64(values.length);
  for (const each of values) {
    if (typeof each === "string") to.text(each);
    else writers[kind === "real" ? "real" : "integer"](each, to);
  }
}

const writers: Readonly<Record<"count" | "integer" | "real" | "flag", (value: number, to: Bytes) => void>> = {
  count: (value, to) => to.uint32(value),
  integer: (value, to) => to.uint32(value),
  real: (value, to) => to.real(value),
  flag: (value, to) => to.raw(Buffer.from([value])),
};

function createBytes() {
  const chunks: Buffer[] = [];
  const filled = (sizeBytes: number, fill: (bytes: Buffer) => void): void => {
    const bytes = Buffer.alloc(sizeBytes);
    fill(bytes);
    chunks.push(bytes);
  };
  const uint64 = (value: number): void => filled(8, (bytes) => void bytes.writeBigUInt64LE(BigInt(value)));
  return {
    raw: (bytes: Buffer): void => void chunks.push(bytes),
    uint32: (value: number): void => filled(4, (bytes) => void bytes.writeUInt32LE(value)),
    uint64,
    real: (value: number): void => filled(4, (bytes) => void bytes.writeFloatLE(value)),
    text(value: string): void {
      const bytes = Buffer.from(value);
      uint64(bytes.byteLength);
      chunks.push(bytes);
    },
    whole: (): Buffer => Buffer.concat(chunks),
  };
}
