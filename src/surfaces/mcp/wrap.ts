/**
 * A wrapper between somebody else's agent and somebody else's MCP server. Everything passes but calls of tools: those go to
 * the hub first, and their answers come back by way of it. Without the hub nothing passes.
 */
import { createRateWindow } from "../../base/rate-window.ts";
import {
  codes,
  errorText,
  type Id,
  isRecord,
  type Message,
  notificationText,
  readMessage,
  refusalText,
  requestText,
  resultText,
} from "./messages.ts";
import { type CallTurn, type CallTurns, createCallTurns } from "./call-turn.ts";
import { createElicitor, type Elicitor } from "./elicit.ts";
import { type HubSession, type Lines, type ListedTool, type Params, Refused, type Reply, type Server } from "./port.ts";
import { tellNowAndThen } from "./waiting.ts";

export interface WrapParts {
  readonly client: Lines;
  readonly server: Server;
  readonly session: HubSession;
  /** Another session in place of one that went with its hub; rejects while no hub is back. */
  readonly reopen: () => Promise<HubSession>;
  readonly clock: { nowMs(): number; after(delayMs: number, run: () => void): () => void };
  /** One line for the person who looks at the client's log. */
  readonly say: (text: string) => void;
}

/** Open requests of either side. A client that asks for more at once loops. */
const pendingMax = 1_000;
/** Notifications of either side within a second; what comes faster is dropped and counted. Nobody reads faster. */
const notificationsMax = 500;
const notificationsMs = 1_000;
/** Characters of a tool's answer. What is longer fits into no model's context, and the hub reads all of it. */
const answerLengthMax = 4_000_000;

interface Pending {
  readonly method: string;
  /** Of a call that went to the hub: takes the server's answer. */
  readonly take?: (reply: Reply) => void;
  readonly abort?: AbortController;
  readonly turn?: CallTurn;
  isSent: boolean;
}

/** Resolves when one of the two is gone and everybody was told: a client whose server ended starts another wrapper. */
export async function runWrap(parts: WrapParts): Promise<"client left" | "server ended"> {
  const wrap = createWrap(parts);
  const fromClient = pump(parts.client, wrap.onClient).then(() => "client left" as const);
  const fromServer = pump(parts.server, wrap.onServer).then(async () => {
    await parts.server.close();
    const isOwnEnd = await wrap.end(await parts.server.ended);
    // What the hub ended stays: started again by the client, it would go on.
    return isOwnEnd ? await wrap.heard.then(() => "server ended" as const) : await fromClient;
  });
  const end = await Promise.race([fromClient, fromServer]);
  await wrap.end("the client left");
  await parts.server.close();
  if (end === "client left") await fromServer;
  return end;
}

async function pump({ lines }: Lines, take: (line: string | null) => Promise<void>): Promise<void> {
  for await (const line of lines) if (line === null || line.trim() !== "") await take(line);
}

type State = Omit<WrapParts, "session"> & {
  readonly elicitor: Elicitor;
  readonly turns: CallTurns;
  readonly pending: Map<string, Pending>;
  /** Requests of the server that the client has not answered. */
  readonly asked: Set<string>;
  /** The session that now holds. */
  session: HubSession;
  /** Why nothing passes until there is another session. */
  awayBy: string | null;
  /** Why nothing passes any more. */
  endedBy: string | null;
  dropped: number;
};

const keyOf = (id: Id): string => JSON.stringify(id);

function createWrap(parts: WrapParts) {
  const elicitor = createElicitor(parts.client);
  const pending: State["pending"] = new Map();
  const turns = createCallTurns({ client: parts.client, onRename: (turn, id) => rename(pending, turn, id) });
  const asked: State["asked"] = new Set();
  const state: State = { ...parts, elicitor, turns, pending, asked, awayBy: null, endedBy: null, dropped: 0 };
  const heard = Promise.withResolvers<void>();
  void watch(state);
  const rate = createRateWindow({ limit: notificationsMax, windowMs: notificationsMs, keysMax: 2 });
  const mayPass = (side: string): boolean => {
    if (rate.take(side, parts.clock.nowMs()).ok) return true;
    if (state.dropped === 0)
      parts.say(`the ${side} sends over ${notificationsMax} notifications a second; some are dropped`);
    state.dropped += 1;
    return false;
  };
  return {
    /** Resolves once the client has asked for anything. */
    heard: heard.promise,
    async onClient(line: string | null): Promise<void> {
      const message = line === null ? tooLong : readMessage(line);
      if (message.kind === "fault")
        return parts.client.write(errorText(message.id, { code: message.code, message: message.message }));
      if (message.kind === "request") {
        await (state.endedBy !== null || !(await hasSession(state))
          ? refuseEnded(message, state)
          : fromClient(message, state));
        return heard.resolve();
      }
      if (isShut(state)) return;
      if (message.kind === "response") return answered(message, state);
      if (message.method === "notifications/cancelled") return cancel(message, state);
      if (mayPass("client")) await pass(parts.server, message);
    },
    async onServer(line: string | null): Promise<void> {
      if (line === null) return failAll(state, "the server's answer is too long to read");
      const message = readMessage(line);
      if (isShut(state)) return;
      if (message.kind === "response") return fromServer(message, state, line);
      if (message.kind === "fault") {
        if (state.dropped === 0) parts.say("the server writes what is no message; it is dropped");
        state.dropped += 1;
        return;
      }
      if (!mayPass("server")) return;
      if (message.kind === "request") {
        // No server asks in the name of the hub.
        if (state.asked.size >= pendingMax || elicitor.owns(message.id)) return;
        state.asked.add(keyOf(message.id));
      }
      await parts.client.write(line);
    },
    /** Answers whether this is the first reason that nothing passes any more. */
    async end(reason: string): Promise<boolean> {
      const isFirst = state.endedBy === null;
      state.endedBy ??= reason;
      await failAll(state, state.endedBy);
      return isFirst;
    },
  };
}

const isShut = ({ awayBy, endedBy }: State): boolean => (awayBy ?? endedBy) !== null;

/** Without the hub nothing passes until it is back. A server whose session was ended is ended, too. */
async function watch(state: State): Promise<void> {
  const { reason, isHubGone } = await state.session.ended;
  if (state.endedBy !== null) return;
  const text = isHubGone ? reason : `the hub ended this session: ${reason}`;
  state.say(text);
  if (isHubGone) state.awayBy = text;
  else state.endedBy = text;
  await failAll(state, text);
  if (!isHubGone) await state.server.close();
}

/** What the client asks for is why another session is opened, where the last one went with its hub. */
async function hasSession(state: State): Promise<boolean> {
  if (state.awayBy === null) return true;
  try {
    state.session = await state.reopen();
  } catch (error) {
    state.awayBy = messageOf(error);
    return false;
  }
  state.awayBy = null;
  state.say("a hub is back; calls go through it again");
  void watch(state);
  // The server may have ended meanwhile.
  return state.endedBy === null;
}

/** What the client answers: to a question of the hub, or to one of the server's that it was asked. */
async function answered(message: Extract<Message, { kind: "response" }>, state: State): Promise<void> {
  const { id, all } = message;
  if (state.elicitor.owns(id)) return state.elicitor.take(id, all);
  if (state.asked.delete(keyOf(id))) await pass(state.server, message);
}

const tooLong: Message = { kind: "fault", code: codes.invalid, message: "the message is too long", id: null };

type Request = Extract<Message, { kind: "request" }>;

/** Sent as it was read: a key that stood twice does so no more. */
const pass = (to: Lines, message: Exclude<Message, { kind: "fault" }>): Promise<void> =>
  to.write(JSON.stringify(message.all));

async function refuseEnded(message: Request, { client, endedBy, awayBy }: State): Promise<void> {
  const reason = (endedBy ?? awayBy ?? "").replace(/\.$/u, "");
  await client.write(errorText(message.id, { code: codes.unreachable, message: `ARW: ${reason}. Nothing was done.` }));
}

/** Everybody who waits is told why nothing comes. */
async function failAll({ pending, client }: State, reason: string): Promise<void> {
  const waiting = [...pending];
  pending.clear();
  for (const [key, { abort }] of waiting) {
    abort?.abort();
    await client.write(errorText(JSON.parse(key) as Id, { code: codes.unreachable, message: `ARW: ${reason}.` }));
  }
}

async function fromClient(message: Request, state: State): Promise<void> {
  const { id, method } = message;
  const { pending, client } = state;
  if (pending.has(keyOf(id)) || pending.size >= pendingMax) {
    const why = pending.size >= pendingMax ? `${pendingMax} requests are open` : "this id is in use";
    await client.write(errorText(id, { code: codes.invalid, message: why }));
    return;
  }
  if (method === "tools/call") {
    // Others go on while this one waits for a person.
    void callTool(message, state);
    return;
  }
  if (method === "initialize") state.elicitor.greeted(message.params);
  pending.set(keyOf(id), { method, isSent: true });
  await pass(state.server, message);
}

async function fromServer(message: Extract<Message, { kind: "response" }>, state: State, line: string): Promise<void> {
  const key = keyOf(message.id);
  const waiting = state.pending.get(key);
  // What nobody asked for, or what answers a call before it was made, is no answer.
  if (waiting === undefined || !waiting.isSent) return;
  if (waiting.take !== undefined) {
    waiting.take(line.length > answerLengthMax ? { error: answerTooLong } : replyOf(message.all));
    return;
  }
  if (waiting.method === "tools/list") {
    // Held up here, the server's further messages would be, too.
    void showTools(message, state, line);
    return;
  }
  state.pending.delete(key);
  await state.client.write(line);
}

const answerTooLong = { code: codes.refused, message: `ARW: the answer is over ${answerLengthMax} characters long` };
const replyOf = ({ result, error }: Params): Reply => (error === undefined ? { result } : { error });

/** Tools of which the server says something else than before are not shown until a person has looked. */
async function showTools(
  { id, all }: Extract<Message, { kind: "response" }>,
  { session, client, pending, say }: State,
  line: string,
): Promise<void> {
  const { result } = all;
  const listed = isRecord(result) && Array.isArray(result["tools"]) ? (result["tools"] as readonly unknown[]) : null;
  const tellOnce = async (text: string): Promise<void> => {
    if (pending.delete(keyOf(id))) await client.write(text);
  };
  if (listed === null) return tellOnce(line);
  try {
    const held = new Set(await session.see(listed.flatMap(listedTool), AbortSignal.timeout(seeMsMax)));
    if (held.size > 0) say(`held until a person looks (arw mcp tools): ${[...held].join(", ")}`);
    const shown = listed.filter((tool) => !isRecord(tool) || !held.has(String(tool["name"])));
    await tellOnce(held.size === 0 ? line : resultText(id, { ...(result as Params), tools: shown }));
  } catch (error) {
    await tellOnce(errorText(id, { code: codes.refused, message: `ARW: ${messageOf(error)}` }));
  }
}

/** The hub only compares and writes down. */
const seeMsMax = 30_000;

const listedTool = (definition: unknown): ListedTool[] =>
  isRecord(definition) && typeof definition["name"] === "string" && definition["name"] !== ""
    ? [{ tool: definition["name"].slice(0, 200), definition }]
    : [];

/** Whoever comes back is known by the new id, too; the server knows the call by its first one. */
function rename(pending: State["pending"], turn: CallTurn, id: Id): void {
  const own = [...pending.values()].find((each) => each.turn === turn);
  if (own !== undefined) pending.set(keyOf(id), own);
}

async function callTool(message: Request, state: State): Promise<void> {
  const { id, params } = message;
  const { client, pending, turns } = state;
  const known = turns.resume(id, params);
  if (known === "resumed") return;
  if (known === "unknown") {
    await client.write(errorText(id, { code: codes.params, message: "ARW: nobody waits for this call; make it anew" }));
    return;
  }
  const { name, _meta, ...given } = params;
  if (typeof name !== "string" || name === "" || given["task"] !== undefined) {
    const why = given["task"] === undefined ? "a tool has a name" : "calls as tasks are not carried; call it without";
    await client.write(errorText(id, { code: codes.params, message: `ARW: ${why}` }));
    return;
  }
  const answer = Promise.withResolvers<Reply>();
  const abort = new AbortController();
  const turn = turns.begin(id, params);
  const own: Pending = { method: "tools/call", take: answer.resolve, abort, turn, isSent: false };
  pending.set(keyOf(id), own);
  const stopTelling = tellWaiting(state, { own, turn });
  const carryOut = async (allowed: Params): Promise<Reply> => {
    own.isSent = true;
    const meta = _meta === undefined ? {} : { _meta };
    await state.server.write(requestText(id, "tools/call", { ...allowed, name, ...meta }));
    return answer.promise;
  };
  const ask = state.elicitor.askFor(turn, params);
  const text = await state.session
    .relay({ tool: name, params: given, signal: abort.signal, carryOut, ask })
    .then(textOfReply, textOfFailure);
  stopTelling();
  // Whoever cancelled it, or was told that it ended, waits for nothing.
  const isWaited = pending.get(keyOf(turn.id ?? id)) === own;
  for (const [key, each] of pending) if (each === own) pending.delete(key);
  if (isWaited) await turn.finish(text);
}

type TextFor = (id: Id) => string;
const textOfReply =
  ({ result, error }: Reply): TextFor =>
  (id) =>
    result === undefined ? errorText(id, error) : resultText(id, result);

function textOfFailure(error: unknown): TextFor {
  if (error instanceof Refused) return (id) => refusalText(id, error.document);
  const message = `ARW: ${messageOf(error)}. Whether it was done is unknown.`;
  return (id) => errorText(id, { code: codes.unreachable, message });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Tells while the hub has not let the call go; from then on the server tells. */
function tellWaiting({ client, clock }: State, { own, turn }: { own: Pending; turn: CallTurn }): () => void {
  if (turn.token === null) return () => undefined;
  let progress = 0;
  return tellNowAndThen(clock, () => {
    const { id, token } = turn;
    if (own.isSent || id === null || token === null) return;
    progress += 1;
    const message = "ARW asks a person about this call; answer in its window or with `arw approvals`.";
    void client.write(
      notificationText("notifications/progress", { progressToken: token, progress: progress / 1e6, message }),
    );
  });
}

async function cancel(message: Extract<Message, { kind: "notification" }>, state: State): Promise<void> {
  const { requestId } = message.params;
  const key = JSON.stringify(requestId ?? null);
  const waiting = state.pending.get(key);
  if (waiting === undefined) return;
  state.pending.delete(key);
  waiting.abort?.abort();
  if (waiting.isSent) await pass(state.server, message);
}
