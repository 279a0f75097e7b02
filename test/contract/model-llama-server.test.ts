/** The model contract on a real llama-server, where this machine has one. */
import { afterAll, beforeAll, describe, test } from "vitest";
import { createOpenAiRuntime } from "../../src/adapters/openai/runtime.ts";
import { llamaProgram, type LlamaServer, noLlama, startLlama } from "../kit/llama-server.ts";
import { plainSend } from "../kit/plain-send.ts";
import { modelContract } from "./model-suite.ts";

const program = llamaProgram();

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
