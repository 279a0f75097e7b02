/** A kernel whose models are scripted: what they are asked is told, and what they answer is in the hands of the test. */
import assert from "node:assert/strict";
import { createManualClock } from "../../src/adapters/memory/clock.ts";
import { createScriptedRuntime, type Script } from "../../src/adapters/scripted/runtime.ts";
import { type Kit, type KitOptions, makeKernel, startMs } from "./kernel.ts";
import { isProblem } from "../../src/contract/problem.ts";
import type { Chat } from "../../src/domains/models/contract.ts";
import type { Courier } from "../../src/domains/models/port.ts";
import { createModels } from "../../src/domains/models/service.ts";
import type { Static } from "../../src/contract/schema.ts";

export const here = "localhost:11434";
export const there = "api.example.org";
export const hi = { messages: [{ role: "user", content: [{ kind: "text", text: "hi" }] }] } as const;

export const noWay: Courier = { send: () => Promise.reject(new TypeError("a script sends nothing")) };

interface Opening extends KitOptions {
  readonly answer?: (server: string, request: Parameters<Script["answer"]>[0]) => ReturnType<Script["answer"]>;
}

export async function openModels({ answer = () => [{ kind: "text", text: "hello" }], ...more }: Opening = {}) {
  const asked: string[] = [];
  const clock = createManualClock(startMs);
  const kit = await makeKernel({
    ...more,
    clock,
    domains: (parts, { meter }) => [
      createModels({
        parts,
        clock,
        courier: noWay,
        meter,
        environment: { has: () => false },
        runtimeOf: ({ server }) =>
          createScriptedRuntime({
            models: ["tiny", "small"],
            answer: (request) => (asked.push(`${server}/${request.model}`), answer(server, request)),
          }),
      }),
    ],
  });
  await kit.call("models.servers.add", { server: here });
  return { ...kit, asked };
}

export const answerOf = async <T>(call: ReturnType<Kit["call"]>): Promise<T> => {
  const { outcome } = await call;
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
};
export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );
export type ChatAnswer = Static<typeof Chat.output>;
