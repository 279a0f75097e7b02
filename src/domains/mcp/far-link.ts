/** The same to a server that is reached by its address: each request leaves by the hub's own way out, as whoever calls. */
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { Carry } from "./contract.ts";
import { ServerFailed } from "./own-servers.ts";
import type { Params, Reply } from "./sessions.ts";

export interface FarLinkOptions {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Messages that are on their way, by the episode that they belong to: nobody else may send there. */
export interface Departures {
  leaving(corrId: string, url: string): Disposable;
  urlOf(corrId: string): string | undefined;
}

export function createDepartures(): Departures {
  const open = new Map<string, { readonly url: string; count: number }>();
  return {
    leaving(corrId, url) {
      const held = open.get(corrId) ?? { url, count: 0 };
      if (held.url !== url) throw new Problem(ServerFailed, "another server is asked in this episode just now");
      held.count += 1;
      open.set(corrId, held);
      return {
        [Symbol.dispose]() {
          held.count -= 1;
          if (held.count === 0) open.delete(corrId);
        },
      };
    },
    urlOf: (corrId) => open.get(corrId)?.url,
  };
}

export interface FarLink {
  request(method: string, params: Params, ctx: Context): Promise<Reply>;
  notify(method: string, params: Params, ctx: Context): Promise<void>;
}

export function createFarLink({ name, url, headers }: FarLinkOptions, departures: Departures): FarLink {
  const known = { session: "", revision: "" };
  let ids = 0;
  const post = async (message: Said & { readonly id?: number }, ctx: Context) => {
    using _leaving = departures.leaving(ctx.corrId, url);
    const { status, serverSession, messages } = await ctx.call(Carry, {
      url,
      body: JSON.stringify({ jsonrpc: "2.0", ...message }),
      headers: {
        ...headers,
        ...(known.session === "" ? {} : { "mcp-session-id": known.session }),
        ...(known.revision === "" ? {} : { "mcp-protocol-version": known.revision }),
        ...saidBeside(message),
      },
    });
    known.session = serverSession ?? known.session;
    return { status, messages };
  };
  return {
    async request(method, params, ctx) {
      const id = (ids += 1);
      const { status, messages } = await post({ id, method, params }, ctx);
      // One that refuses before it has read the id answers without it; nothing else was asked by this message.
      const answer = (messages.find((each) => Object(each).id === id) ??
        messages.find((each) => Object(each).id === null && Object(each).error !== undefined)) as Params | undefined;
      if (answer === undefined)
        throw new Problem(ServerFailed, `${name}: it answered with status ${status} and no message of that id`);
      const { result, error } = answer;
      const revision: unknown = Object(result).protocolVersion;
      if (method === "initialize" && typeof revision === "string") known.revision = revision.slice(0, 40);
      return error === undefined ? { result: result ?? null } : { error };
    },
    async notify(method, params, ctx) {
      await post({ method, params }, ctx);
    },
  };
}

interface Said {
  readonly method: string;
  readonly params: Params;
}

/** From 2026-07-28 on header lines say what the body says, so that whoever stands between need not read it. */
function saidBeside({ method, params }: Said): Readonly<Record<string, string>> {
  const meta = params["_meta"] as Readonly<Record<string, unknown>> | undefined;
  const revision = meta?.["io.modelcontextprotocol/protocolVersion"];
  if (typeof revision !== "string") return {};
  const name = params["name"];
  return {
    "mcp-protocol-version": revision,
    "mcp-method": method,
    ...(typeof name === "string" ? { "mcp-name": name } : {}),
  };
}
