/** Stands between somebody else's agent and somebody else's MCP server: sessions, calls of tools, and what servers say of them. */
import { abortable } from "../../base/async.ts";
import { createBoundedQueue } from "../../base/bounded-queue.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Redactor } from "../../kernel/ports.ts";
import { RunCancelled, RunFinished, RunStarted } from "../agents/contract.ts";
import { ApprovalGranted, ApprovalRequested, Decide } from "../approvals/contract.ts";
import { keptValue } from "../episodes/contract.ts";
import {
  Accept,
  Allow,
  Answer,
  Call,
  Carry,
  Deliver,
  Disallow,
  Open,
  Read,
  Relay,
  See,
  Send,
  ServerSeen,
  SessionClosed,
  SessionListed,
  SessionOpened,
  Show,
  ToolAccepted,
  ToolAllowed,
  ToolChanged,
  ToolDisallowed,
  ToolRestored,
  Tools,
  ToolSeen,
} from "./contract.ts";
import { carry, send } from "./far.ts";
import { createDepartures } from "./far-link.ts";
import { createLinks, type Links, wordless } from "./links.ts";
import { ownServerOperations, refuseUnallowed, refuseUnready } from "./keeping.ts";
import { ServerAdded, ServerRemoved } from "./own-servers.ts";
import type { Courier, ServerStarter } from "./port.ts";
import { createSessions, type Session, type Sessions } from "./sessions.ts";
import { type Recording, summaryOf, takeStep } from "./steps.ts";
import { createTools } from "./tools.ts";
import { openMax, openSessions, ownServers, servers, tools } from "./views.ts";

export interface Mcp {
  readonly domain: Domain;
  /** The emergency stop ends every session and every server of the hub's own; a wrapper then ends its server. */
  endAll(reason: string): Promise<void>;
}

export interface McpDeps {
  readonly parts: KernelParts;
  /** Without it servers that are reached by their address cannot be wrapped. */
  readonly courier?: Courier;
  /** Without it the hub keeps no connections to programs. */
  readonly starter?: ServerStarter;
  readonly clock: Clock;
  /** Cuts secrets out of what is recorded of the calls; nothing without it. */
  readonly redactor?: Pick<Redactor, "value">;
}

export function createMcp({ parts, courier, starter, clock, redactor = plain }: McpDeps): Mcp {
  const sessions = createSessions();
  const shelf = createTools(parts);
  const departures = createDepartures();
  const links = createLinks({ parts, clock, starter, departures, shelf });
  const lists: Lists = new WeakMap();
  return {
    async endAll(reason) {
      sessions.endAll(reason);
      await links.endAll(reason);
    },
    domain: {
      name: "mcp",
      operations: [
        bind(Open, (input, ctx) => open(input, { ctx, parts, sessions })),
        bind(See, async ({ session, tools: listed }, ctx) => {
          const held = sessions.of(session, ctx.caller);
          await noteListed(held, listed, { parts, redactor, known: lists });
          return { held: await shelf.see(held.server, listed, ctx) };
        }),
        bind(Relay, (input, ctx) => relay(input, { ctx, parts, sessions, redactor })),
        bind(Deliver, ({ session, call, ...reply }, ctx) => {
          const exchange = sessions.of(session, ctx.caller).exchange(call);
          exchange?.reply.resolve(reply);
          return { isTaken: exchange !== undefined };
        }),
        bind(Answer, (input, ctx) => answer(input, { ctx, sessions })),
        bind(Send, (input, ctx) => send(input, { ctx, parts, sessions })),
        bind(Carry, (input, ctx) =>
          carry(input, { ctx, courier, urlOf: (id) => sessions.urlOf(id) ?? departures.urlOf(id) }),
        ),
        ...ownServerOperations({ parts, links, starter }),
        ...[Call, Read].map((operation) =>
          bind(operation, (input, ctx) => carriedOut(operation.id, { input, ctx, parts, sessions, links }), {
            async preview({ server, tool, params }, ctx) {
              if (sessions.commandOf(ctx.corrId) === undefined)
                refuseUnready(operation.id, { server, tool, ctx, parts, links });
              return { summary: summaryOf(server, tool, params), canUndo: false };
            },
          }),
        ),
        bind(Tools, ({ server }) => ({ tools: shelf.list(server) })),
        bind(Show, (named) => shelf.show(named)),
        bind(Accept, (named, ctx) => shelf.accept(named, ctx)),
        bind(Allow, (named, ctx) => shelf.allow(named, ctx)),
        bind(Disallow, (named, ctx) => shelf.disallow(named, ctx)),
      ],
      events: [
        SessionOpened,
        SessionListed,
        SessionClosed,
        ServerSeen,
        ServerAdded,
        ServerRemoved,
        ToolSeen,
        ToolChanged,
        ToolRestored,
        ToolAccepted,
        ToolAllowed,
        ToolDisallowed,
      ],
      views: [tools, servers, ownServers, openSessions],
      start: () => begin(parts, sessions),
    },
  };
}

async function begin(parts: KernelParts, sessions: Sessions): Promise<void> {
  await closeLeftOpen(parts);
  // A person who stops the episode stops the session.
  parts.bus.listen([RunCancelled.kind], ({ corrId, data }) =>
    sessions.end(corrId, (data as Static<typeof RunCancelled.data>).reason),
  );
  parts.bus.listen([ApprovalGranted.kind], ({ corrId, data }) => {
    // What an earlier answer let pass nobody looked at.
    if ((data as Static<typeof ApprovalGranted.data>).coveredBy === undefined) sessions.looked(corrId);
  });
  parts.bus.listen([ApprovalRequested.kind], ({ corrId, data }) => {
    const { approvalId, argsDigest, summary, why = "", rule } = data as Static<typeof ApprovalRequested.data>;
    sessions.put(corrId, argsDigest, { approvalId, summary, why, rule });
  });
}

/** What the end of the hub cut off cannot go on: its server ended with its wrapper. Before agents look for what can. */
async function closeLeftOpen(parts: KernelParts): Promise<void> {
  const reason = "The hub ended while the session was open";
  for (const { row } of parts.kernel.views.list(openSessions, { limit: openMax }).rows) {
    const { session, agent } = row;
    const actor = parts.act({ caller: { kind: "system", id: "hub" }, corrId: session });
    await actor.emit(SessionClosed, { reason });
    await actor.emit(RunFinished, { agent, outcome: reason, notDone: [] });
  }
}

/** Digest of what each session was told last of its tools. */
type Lists = WeakMap<Session, string>;

/** Once for each list: what an agent was offered belongs to the record of what it did. */
async function noteListed(
  session: Session,
  listed: Static<typeof See.input>["tools"],
  { parts, redactor, known }: Recording & { readonly known: Lists },
): Promise<void> {
  const { id, server, agent } = session;
  const kept = keptValue(await parts.recorder.keep(redactor.value(listed)));
  if (known.get(session) === kept.digest) return;
  known.set(session, kept.digest);
  const actor = parts.act({ caller: agent, corrId: id });
  await actor.emit(SessionListed, { server, agent: agent.id, tools: listed.length, listed: kept });
}

const plain: Pick<Redactor, "value"> = { value: (value) => value };

interface Deps {
  readonly ctx: Context;
  readonly parts: KernelParts;
  readonly sessions: Sessions;
}

type Opened = Static<typeof Open.output>;

async function* open(input: Static<typeof Open.input>, { ctx, parts, sessions }: Deps): AsyncGenerator<Opened> {
  const { server, command, title, url } = input;
  const agent = agentOf(input, ctx);
  const id = ctx.id();
  // Whoever came by a program's token has no person's answer to bring.
  const asksInClient = input.asksInClient === true && ctx.caller.kind === "person";
  const session = sessions.begin({ id, server, command, agent, url, asksInClient, opener: ctx.caller });
  const actor = parts.act({ caller: agent, corrId: id });
  try {
    if (parts.kernel.views.get(servers, server)?.command !== command) await actor.emit(ServerSeen, { server, command });
    await actor.emit(RunStarted, {
      agent: agent.id,
      model: "unknown",
      title: `Tools of ${server}${title === undefined ? "" : ` for ${title}`}`,
      input: { server, command },
      grants: [],
    });
    const asking = asksInClient ? { asksInClient } : {};
    await actor.emit(SessionOpened, { server, agent: agent.id, command, ...asking });
    yield { kind: "opened", session: id, agent: agent.id, ...asking };
    yield { kind: "ended", reason: await endOf(session, ctx) };
  } finally {
    const isCancelled = session.signal.aborted;
    sessions.end(id, "the wrapper left");
    await actor.emit(SessionClosed, { reason: isCancelled ? reasonOf(session.signal) : "The wrapper left" });
    // Who stopped the episode has said so already.
    if (!isCancelled) await actor.emit(RunFinished, { agent: agent.id, outcome: "The session ended", notDone: [] });
  }
}

/** Named by its token, or by the person who lets it in; it never has more rights than an agent. */
function agentOf({ agent, server }: Static<typeof Open.input>, { caller }: Context): Caller {
  const { kind, id, reach } = caller;
  const held = reach === undefined ? {} : { reach };
  return kind === "person" ? { kind: "agent", id: agent ?? `mcp-${server}`, ...held } : { kind, id, ...held };
}

const reasonOf = ({ reason }: AbortSignal): string =>
  reason instanceof Error ? reason.message.slice(0, 500) : "ended";

/** Ends when somebody ended the session; throws when whoever opened it leaves. */
function endOf({ signal }: Session, ctx: Context): Promise<string> {
  const ended = new Promise<string>((resolve) => {
    const tell = (): void => resolve(reasonOf(signal));
    if (signal.aborted) tell();
    else signal.addEventListener("abort", tell, { once: true });
  });
  return abortable(ended, ctx.signal);
}

type Relayed = Static<typeof Relay.output>;
/** Of one call: a question whether it goes on, one about the call itself, and that it may be made. */
const itemsMax = 8;

async function* relay(
  { session: id, tool, params }: Static<typeof Relay.input>,
  { ctx, parts, sessions, redactor }: Deps & Pick<Recording, "redactor">,
): AsyncGenerator<Relayed> {
  const session = sessions.of(id, ctx.caller);
  const items = createBoundedQueue<Relayed>({ capacity: itemsMax, overflow: "refuse", signal: ctx.signal });
  using exchange = session.begin({ callId: ctx.id(), tool, params, put: (question) => void items.push(question) });
  const done = takeStep(session, exchange, { parts, redactor });
  void exchange.released.promise.then((go) => items.push({ kind: "go", call: exchange.callId, params: go }));
  void done.then(items.close, items.close);
  yield* items;
  yield { kind: "answer", ...(await abortable(done, ctx.signal)) };
}

/** Of the person who opened the session, and to what was put there alone; once, and for nothing beyond that one call. */
async function answer(
  { session: id, approvalId, decision }: Static<typeof Answer.input>,
  { ctx, sessions }: Pick<Deps, "ctx" | "sessions">,
): Promise<Static<typeof Answer.output>> {
  const session = sessions.of(id, ctx.caller);
  if (!session.wasPut(approvalId)) throw new Problem(NotFound, `no question ${approvalId} was put in this session`);
  const reason = `answered in the window of ${session.agent.id}`;
  await ctx.call(Decide, { approvalId, decision, reason, via: "elicitation" });
  return { isTaken: true };
}

interface CarryingOut {
  readonly input: Static<typeof Call.input>;
  readonly ctx: Context;
  readonly parts: KernelParts;
  readonly sessions: Sessions;
  readonly links: Links;
}

/** The corridor let the call pass: the wrapper may make it now, or the hub itself, and what comes back is the answer. */
async function carriedOut(
  operationId: string,
  { input, ctx, parts, sessions, links }: CarryingOut,
): Promise<Static<typeof Call.output>> {
  const { server, tool, params } = input;
  const command = sessions.commandOf(ctx.corrId);
  if (operationId === Read.id && command !== undefined) refuseUnallowed({ server, tool, command, parts });
  const exchange = sessions.claim(ctx.corrId, { tool, params });
  if (exchange !== undefined) {
    exchange.released.resolve(params);
    return { ...(await abortable(exchange.reply.promise, ctx.signal)), label: "tool" };
  }
  refuseUnready(operationId, { server, tool, ctx, parts, links });
  // What a call is built from was asked about; what a tool is told that only reads was not, and leaves only as the rules have it.
  const reply = await links.call(input, operationId === Call.id ? wordless(ctx, { parts }) : ctx);
  return { ...reply, label: "tool" };
}
