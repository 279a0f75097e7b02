/** `/v1/embeddings` and `/v1/models`. */
import { Buffer } from "node:buffer";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { ForeignAnswer, ForeignRequest } from "../../kernel/kernel.ts";
import { answerIn, usageOf } from "./answering.ts";
import { textIn } from "./reading.ts";
import { unfit } from "./refusals.ts";

interface Vectors {
  readonly model: string;
  readonly vectors: readonly (readonly number[])[];
  readonly usage: Parameters<typeof usageOf>[0];
}

export async function embeddings({ body, call }: ForeignRequest): Promise<ForeignAnswer> {
  const given = body["input"];
  const texts = typeof given === "string" ? [given] : given;
  if (!Array.isArray(texts) || texts.some((each) => typeof each !== "string"))
    throw unfit(
      "input",
      "input must be a text or a list of texts; lists of tokens belong to one model and are not taken",
    );
  if (typeof body["dimensions"] === "number")
    throw unfit("dimensions", "vectors are given as the model makes them; leave dimensions out");
  const { output } = answerIn<Vectors>(await call("models.embed", { model: textIn(body, "model"), texts }));
  const isPacked = body["encoding_format"] === "base64";
  const data = output.vectors.map((vector, index) => ({
    object: "embedding",
    index,
    embedding: isPacked ? packed(vector) : vector,
  }));
  const { prompt_tokens, total_tokens } = usageOf(output.usage);
  return { kind: "json", body: { object: "list", model: output.model, data, usage: { prompt_tokens, total_tokens } } };
}

/** Four bytes a number, the smaller end first, as this protocol has it on every machine. */
function packed(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [place, each] of vector.entries()) bytes.writeFloatLE(each, place * 4);
  return bytes.toString("base64");
}

interface Listing {
  readonly models: readonly { readonly model: string; readonly server: string }[];
  readonly roles: readonly { readonly role: string; readonly setAtMs: number }[];
}

const listed = async ({ call }: ForeignRequest) => {
  const { output } = answerIn<Listing>(await call("models.list", {}));
  return [
    ...output.roles.map(({ role, setAtMs }) => ({
      id: role,
      object: "model",
      created: Math.floor(setAtMs / 1000),
      owned_by: "arw",
    })),
    ...output.models.map(({ model, server }) => ({ id: model, object: "model", created: 0, owned_by: server })),
  ];
};

export const models = async (request: ForeignRequest): Promise<ForeignAnswer> => ({
  kind: "json",
  body: { object: "list", data: await listed(request) },
});

export async function model(request: ForeignRequest): Promise<ForeignAnswer> {
  const wanted = request.rest;
  const found = (await listed(request)).find(({ id }) => id === wanted);
  if (found === undefined) throw new Problem(NotFound, `there is no model ${wanted.slice(0, 200)}`);
  return { kind: "json", body: found };
}
