/** Connections of the hub to servers of others: opened at the first call, ended when nobody calls, at a halt, or by a person. */
import { abortable } from "../../base/async.ts";
import { digestOf } from "../../base/canonical-json.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock } from "../../kernel/ports.ts";
import { ServerSeen, TooMany } from "./contract.ts";
import { createFarLink, type Departures } from "./far-link.ts";
import { createLink } from "./link.ts";
import { type OwnServer, ServerFailed } from "./own-servers.ts";
import type { ServerStarter } from "./port.ts";
import type { Params, Reply } from "./sessions.ts";
import type { createTools } from "./tools.ts";
import { refuseHeld } from "./refusals.ts";
import { ownServers, servers, toolKey, tools } from "./views.ts";

/** A server that nobody called for so long is ended; the next call starts it again. */
const idleMs = 600_000;
/** A greeting, and a list of tools. A program that is fetched first must be fetched before. */
const greetMs = 60_000;
/** Pages of one list of tools; a server with more would go on for ever. */
const pagesMax = 20;
const listedMax = 1_000;
/** Calls of one server at once: a model asks for a few at a time. */
const callsMax = 32;
const revision = "2025-11-25";
/** Servers from here on may know no greeting: each request says all there is. */
const modernRevision = "2026-07-28";
const clientInfo = { name: "arw", version: "1" };
const modernMeta = {
  "io.modelcontextprotocol/protocolVersion": modernRevision,
  "io.modelcontextprotocol/clientInfo": clientInfo,
  "io.modelcontextprotocol/clientCapabilities": {},
};

export interface LinksDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
  /** Null where this hub starts no programs. */
  readonly starter: ServerStarter | undefined;
  readonly departures: Departures;
  readonly shelf: ReturnType<typeof createTools>;
}

export interface Links {
  has(server: string): boolean;
  isRunning(server: string): boolean;
  call(call: { readonly server: string; readonly tool: string; readonly params: Params }, ctx: Context): Promise<Reply>;
  /** Connects, unless it is, and answers how many tools it offers. */
  look(server: string, ctx: Context): Promise<number>;
  end(server: string, reason: string): Promise<void>;
  endAll(reason: string): Promise<void>;
}

interface Line {
  request(method: string, params: Params, ctx: Context): Promise<Reply>;
  notify(method: string, params: Params, ctx: Context): Promise<void>;
  close(reason: string): Promise<void>;
  isOpen(): boolean;
}
interface Open {
  readonly line: Line;
  tools: ReadonlySet<string>;
  isStale: boolean;
  calls: number;
  stopIdle: () => void;
}

export function createLinks(deps: LinksDeps): Links {
  const open = new Map<string, Promise<Open>>();
  const running = new Map<string, Open>();
  /** How often each was ended: a start that such an end overtook must not go on. */
  const ends = new Map<string, number>();
  const rowOf = (server: string): OwnServer => {
    const row = deps.parts.kernel.views.get(ownServers, server);
    if (row === undefined) throw new Problem(NotFound, `the hub is connected to no server ${server}`);
    return row;
  };
  const end = async (server: string, reason: string): Promise<void> => {
    const held = running.get(server);
    ends.set(server, (ends.get(server) ?? 0) + 1);
    open.delete(server);
    running.delete(server);
    held?.stopIdle();
    await held?.line.close(reason);
  };
  const idle = (held: Open, server: string): void => {
    held.stopIdle = deps.clock.after(idleMs, () => void end(server, "nobody called it"));
  };
  const settle = async (server: string, connecting: Promise<Open>): Promise<Open> => {
    const before = ends.get(server);
    const held = await connecting;
    if (ends.get(server) !== before) {
      await held.line.close("it was ended");
      throw new Problem(ServerFailed, `${server} was ended while it started`);
    }
    running.set(server, held);
    idle(held, server);
    return held;
  };
  const opened = async (server: string, ctx: Context): Promise<Open> => {
    if (running.get(server)?.line.isOpen() === false) await end(server, "it ended");
    const known = open.get(server);
    if (known !== undefined) return abortable(known, ctx.signal);
    const opening = settle(server, connect(rowOf(server), { ...deps, ctx: wordless(ctx, deps) }));
    open.set(server, opening);
    opening.catch(() => {
      if (open.get(server) === opening) open.delete(server);
    });
    return abortable(opening, ctx.signal);
  };
  const ready = async (server: string, ctx: Context): Promise<Open> => {
    const held = await opened(server, ctx);
    if (held.isStale) await list(held, server, { ...deps, ctx: wordless(ctx, deps) });
    return held;
  };
  return {
    has: (server) => deps.parts.kernel.views.get(ownServers, server) !== undefined,
    isRunning: (server) => running.get(server)?.line.isOpen() === true,
    look: async (server, ctx) => (await ready(server, ctx)).tools.size,
    async call(called, ctx) {
      const { server } = called;
      const held = await ready(server, ctx);
      held.stopIdle();
      try {
        return await callOf(held, called, { ...deps, ctx });
      } finally {
        if (held.calls === 0 && running.get(server) === held) idle(held, server);
      }
    },
    end,
    async endAll(reason) {
      await Promise.all([...open.keys()].map((server) => end(server, reason)));
    },
  };
}

/** For what is built from nothing that anybody read: a greeting, a list, and what a person was asked about before. */
export const wordless = ({ caller, corrId, signal }: Context, { parts }: Pick<LinksDeps, "parts">): Context =>
  parts.act({ caller: { ...caller, labels: ["user"] }, corrId, signal });

type Called = Parameters<Links["call"]>[0];

async function callOf(held: Open, { server, tool, params }: Called, { parts, ctx }: Connecting): Promise<Reply> {
  if (!held.tools.has(tool)) throw new Problem(NotFound, `${server} offers no tool ${tool}`);
  refuseHeld(parts.kernel.views.get(tools, toolKey({ server, tool })));
  if (held.calls >= callsMax) throw new Problem(TooMany, `${callsMax} calls of ${server} are open`);
  held.calls += 1;
  try {
    return await held.line.request("tools/call", { ...params, name: tool }, ctx);
  } finally {
    held.calls -= 1;
  }
}

interface Connecting extends LinksDeps {
  readonly ctx: Context;
}

async function connect(row: OwnServer, deps: Connecting): Promise<Open> {
  const { server, digest } = row;
  const { parts, ctx } = deps;
  const held: { open?: Open } = {};
  const line = await lineTo(row, deps, () => {
    if (held.open !== undefined) held.open.isStale = true;
  });
  try {
    const open: Open = {
      line: await greeted(line, server, ctx),
      tools: new Set(),
      isStale: true,
      calls: 0,
      stopIdle: () => undefined,
    };
    held.open = open;
    if (parts.kernel.views.get(servers, server)?.command !== digest)
      await hubOf(deps).emit(ServerSeen, { server, command: digest });
    await list(open, server, deps);
    return open;
  } catch (error) {
    await line.close("it did not answer");
    throw error;
  }
}

/** By a greeting; one that knows none is asked what it is, and from then on each request says who asks. */
async function greeted(line: Line, server: string, ctx: Context): Promise<Line> {
  const { error } = await line.request("initialize", { protocolVersion: revision, capabilities: {}, clientInfo }, ctx);
  if (error === undefined) {
    await line.notify("notifications/initialized", {}, ctx);
    return line;
  }
  const modern: Line = {
    ...line,
    isOpen: () => line.isOpen(),
    request: (method, params, own) =>
      line.request(method, { ...params, _meta: { ...Object(params["_meta"]), ...modernMeta } }, own),
  };
  const { result } = await modern.request("server/discover", {}, ctx);
  const { supportedVersions } = Object(result) as { readonly supportedVersions?: unknown };
  if (Array.isArray(supportedVersions) && supportedVersions.includes(modernRevision)) return modern;
  throw new Problem(ServerFailed, `${server} does not greet: ${wordsOf(error)}`);
}

/** Tools that changed are held from here on, as with wrapped servers. */
async function list(open: Open, server: string, deps: Connecting): Promise<void> {
  open.isStale = false;
  const found = new Map<string, unknown>();
  let cursor: unknown;
  let freshMs: unknown;
  for (let pages = 0; pages < pagesMax && found.size < listedMax; pages += 1) {
    const params = typeof cursor === "string" ? { cursor } : {};
    const { result, error } = await open.line.request("tools/list", params, deps.ctx);
    if (error !== undefined) throw new Problem(ServerFailed, `${server} lists no tools: ${wordsOf(error)}`);
    const { tools: page = [], nextCursor, ttlMs } = Object(result) as Readonly<Record<string, unknown>>;
    for (const each of Array.isArray(page) ? page : []) {
      const name: unknown = Object(each).name;
      if (typeof name === "string" && name !== "" && name.length <= nameMax) found.set(name, each);
    }
    [cursor, freshMs] = [nextCursor, ttlMs];
    if (typeof cursor !== "string") break;
  }
  const listed = [...found].slice(0, listedMax).map(([tool, definition]) => ({ tool, definition }));
  await deps.shelf.see(server, listed, hubOf(deps));
  open.tools = new Set(listed.map(({ tool }) => tool));
  // A server that does not tell of changes says how long its list is good for.
  if (typeof freshMs === "number" && freshMs >= 0)
    deps.clock.after(Math.min(freshMs, idleMs), () => {
      open.isStale = true;
    });
}

const nameMax = 200;

/** What servers say of themselves is told to the hub; whoever called first has no part in it. */
const hubOf = ({ parts, ctx }: Connecting): Context =>
  parts.act({ caller: { kind: "system", id: "hub" }, corrId: ctx.corrId });

const wordsOf = (error: unknown): string => {
  const { message } = Object(error) as { message?: unknown };
  return typeof message === "string" ? message.slice(0, 300) : "no reason given";
};

async function lineTo(row: OwnServer, deps: Connecting, onToolsChanged: () => void): Promise<Line> {
  const { server, command, url, headers = {}, read = [], write = [], env = {} } = row;
  if (url !== undefined) {
    const far = createFarLink({ name: server, url, headers }, deps.departures);
    return { ...far, close: async () => undefined, isOpen: () => true };
  }
  if (deps.starter === undefined || command === undefined)
    throw new Problem(ServerFailed, `${server} is a program, and this hub starts none`);
  const stop = new AbortController();
  const started = await deps.starter.start({
    server,
    command,
    read,
    write,
    env,
    corrId: deps.ctx.corrId,
    signal: stop.signal,
  });
  const link = createLink({ name: server, server: started, clock: deps.clock, onToolsChanged });
  return {
    async request(method, params, { signal }) {
      if (method === "tools/call") return link.request(method, params, signal);
      // Everybody who calls waits for the greeting: it does not end with the one who came first.
      const late = new AbortController();
      const silence = new Problem(ServerFailed, `${server} says nothing`, { next: "arw mcp servers" });
      const cancel = deps.clock.after(greetMs, () => late.abort(silence));
      return link.request(method, params, late.signal).finally(cancel);
    },
    notify: (method, params) => link.notify(method, params),
    close: (reason) => link.close(reason),
    isOpen: () => link.isOpen,
  };
}

/** What a server is known by: another command under the same name has none of its permissions. */
export const digestOfWay = ({
  command,
  read,
  write,
  url,
}: Omit<OwnServer, "server" | "digest" | "addedAtMs">): string =>
  digestOf(url === undefined ? { command, read: read ?? [], write: write ?? [] } : [url]);
