/** What a chat would take at most, before it is asked. */
import { isOnThisMachine, parseModelName } from "../../base/model-name.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { Chat, chatCost, type ChatInput, type Preview } from "./contract.ts";
import { scopeOf } from "./costs.ts";
import type { Meter } from "./port.ts";
import type { Servers } from "./servers.ts";

interface Previewing {
  readonly ctx: Context;
  readonly servers: Pick<Servers, "role">;
  readonly meter: Meter;
}

type Input = Static<typeof Preview.input>;
type Line = Static<typeof Preview.output>["models"][number];

export function preview(input: Input, { ctx, servers, meter }: Previewing): Static<typeof Preview.output> {
  return { models: modelsOf(input.model, servers).map((model) => lineOf({ ...input, model }, ctx, meter)) };
}

function modelsOf(name: string, servers: Pick<Servers, "role">): readonly string[] {
  if (parseModelName(name) !== null) return [name];
  const role = servers.role(name);
  if (role !== undefined) return role.models;
  throw new Problem(NotFound, `there is no role ${name}; set it with \`arw models role ${name} SERVER/MODEL\``);
}

function lineOf(input: Input, ctx: Context, meter: Meter): Line {
  const { model } = input;
  const cost = chatCost({ ...input, messages: messagesIn(input) });
  const { caller, corrId } = ctx;
  const read = meter.read({ operation: Chat, caller, corrId, scope: scopeOf({ model }), cost, atMs: ctx.now() });
  return {
    model,
    isLocal: isOnThisMachine(parseModelName(model)?.server ?? ""),
    inputTokensMax: cost.tokens?.input ?? 0,
    outputTokensMax: cost.tokens?.output ?? 0,
    microUsdMax: read.microUsd,
    price: read.price,
    allowances: [...read.allowances],
  };
}

const messagesIn = ({ messages = [], text }: Input): ChatInput["messages"] =>
  text === undefined ? messages : [...messages, { role: "user", content: [{ kind: "text", text }] }];
