/** The model contract on a real llama-server, where this machine has one. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, test } from "vitest";
import { createOpenAiRuntime } from "../../src/adapters/openai/runtime.ts";
import { llamaProgram, type LlamaServer, noLlama, startLlama } from "../kit/llama-server.ts";
import { plainSend } from "../kit/plain-send.ts";
import { tinyModel } from "../kit/tiny-model.ts";
import { modelContract } from "./model-suite.ts";

const program = llamaProgram();

test("the model that is made for it is the same on every machine", () => {
  const digest = createHash("sha256").update(tinyModel()).digest("hex");
  assert.equal(digest, "4bea7af7b4a6ba6e451a2c9f9ede516cb4eaba47cb5e98af4bb70fdaf6de56ca");
});

if (program === null) test("llama-server", ({ skip }) => skip(noLlama));
else describe("llama-server", () => onLlama(program));

function onLlama(path: string): void {
  let chats: LlamaServer;
  let vectors: LlamaServer;
  beforeAll(async () => {
    chats = await startLlama(path, "chat");
    vectors = await startLlama(path, "vectors");
  });
  afterAll(async () => {
    await chats[Symbol.asyncDispose]();
    await vectors[Symbol.asyncDispose]();
  });

  modelContract(() => {
    const runtimeAt = ({ url }: LlamaServer) => createOpenAiRuntime({ url, flavour: "llama-server" });
    const { embed } = runtimeAt(vectors);
    return Promise.resolve({
      runtime: { ...runtimeAt(chats), embed },
      send: plainSend(new AbortController().signal),
      model: "tiny",
      open: chats.busy,
      lacks: ["names", "rerank"],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  });
}
