/** Messages to a server that is reached by its address: by the hub's own way out, as the agent, and nowhere but there. */
import { createSseParser } from "../../base/sse-parser.ts";
import { type Context, gateKey } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { Carry, NoSession, type Send } from "./contract.ts";
import type { Courier } from "./port.ts";
import type { Params, Session, Sessions } from "./sessions.ts";

/** As much as a wrapper takes from a server beside it. */
const limits = { bodyBytesMax: 4_500_000, firstByteMs: 590_000, wholeMs: 590_000 } as const;
const envelopeKeys: ReadonlySet<string> = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);

/** Some readers take `Name` for `name`. */
const callKeys: ReadonlySet<string> = new Set(["name", "arguments", "_meta", "task"]);

type Sent = Static<typeof Carry.output>;

export async function send(
  { session: id, message, headers }: Static<typeof Send.input>,
  { ctx, parts, sessions }: { readonly ctx: Context; readonly parts: KernelParts; readonly sessions: Sessions },
): Promise<Sent> {
  const session = sessions.of(id, ctx.caller);
  const { url, agent } = session;
  if (url === undefined) throw new Problem(NoSession, `the server of session ${id} is not reached by an address`);
  refuseUnasked(message, session);
  const signal = AbortSignal.any([session.signal, ctx.signal]);
  // What a call of a tool is built from was asked about before it was let go.
  const actor = parts.act({ caller: { ...agent, labels: ["user"] }, corrId: id, signal });
  return actor.call(Carry, { url, body: JSON.stringify(message), headers });
}

/** Whoever holds the session: a call of a tool leaves only after the corridor let exactly that call pass, and once. */
function refuseUnasked(message: Params, session: Session): void {
  if (Object.keys(message).some((key) => !envelopeKeys.has(key)))
    throw new Problem(NoSession, "a message has the fields of JSON-RPC and no other");
  if (message["method"] !== "tools/call") return;
  const { name, _meta, ...params } = (message["params"] ?? {}) as Params;
  const isTwofold = Object.keys(params).some(
    (key) => key !== "arguments" && callKeys.has(key.normalize("NFKC").toLowerCase()),
  );
  if (typeof name === "string" && !isTwofold && session.depart({ tool: name, params })) return;
  throw new Problem(NoSession, "no call of this tool with these arguments was let pass");
}

export async function carry(
  { url, body, headers }: Static<typeof Carry.input>,
  {
    ctx,
    urlOf,
    courier,
  }: {
    readonly ctx: Context;
    readonly courier: Courier | undefined;
    /** Where messages of this episode may go. */
    readonly urlOf: (corrId: string) => string | undefined;
  },
): Promise<Sent> {
  if (courier === undefined || urlOf(ctx.corrId) !== url)
    throw new Problem(NoSession, "no open session leads to this address");
  const answer = await courier.send(
    {
      operation: gateKey(Carry),
      url,
      method: "POST",
      headers: { ...headers, accept: "application/json, text/event-stream", "content-type": "application/json" },
      body: new TextEncoder().encode(body),
      limits,
    },
    ctx,
  );
  const { "mcp-session-id": serverSession, "content-type": type = "" } = answer.headers;
  return {
    status: answer.status,
    ...(serverSession === undefined ? {} : { serverSession }),
    messages: answer.isCut ? [] : messagesOf(type, answer.body),
  };
}

function messagesOf(type: string, body: Uint8Array): unknown[] {
  if (body.byteLength === 0) return [];
  const texts = type.startsWith("text/event-stream")
    ? [...createSseParser().push(body)].map((frame) => frame.data)
    : [new TextDecoder().decode(body)];
  return texts.flatMap((text) => {
    try {
      return [JSON.parse(text) as unknown];
    } catch {
      // A page of some proxy, a comment: nothing that the client could read.
      return [];
    }
  });
}
