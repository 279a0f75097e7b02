/** A wrapper's session with a hub, over whichever way the command line found to it. */
import { Answer, Deliver, Open, type Put, Relay, See } from "../domains/mcp/contract.ts";
import { CallFailed, type Transport } from "../surfaces/cli/port.ts";
import { type HubSession, Refused, type Reply, type SessionEnd } from "../surfaces/mcp/port.ts";
import type { Static } from "../contract/schema.ts";

export interface SessionOptions {
  readonly transport: Transport;
  readonly server: string;
  /** Digest of the command that runs. */
  readonly command: string;
  readonly agent?: string;
  /** Of a server that is reached by its address. */
  readonly url?: string;
  /** Its person wants to be asked in the window of their agent. */
  readonly asksInClient?: boolean;
  /** One line for the person who looks at the client's log. */
  readonly say: (text: string) => void;
}

/** A hub that takes a connection and then says nothing is none. */
const openMsMax = 30_000;

export type OpenedSession = HubSession & { readonly id: string; readonly transport: Transport };

/** Rejects with `Refused`, or with what the transport says when no hub answers. */
export async function openSession({ transport, say, ...given }: SessionOptions): Promise<OpenedSession> {
  const leave = new AbortController();
  const late = setTimeout(() => leave.abort(new TypeError("the hub does not answer")), openMsMax);
  const items = transport.stream(Open.id, given, leave.signal)[Symbol.asyncIterator]() as AsyncIterator<
    Static<typeof Open.output>
  >;
  const first = await asked(items.next())
    .catch(async (error: unknown) => {
      await transport[Symbol.asyncDispose]();
      throw error;
    })
    .finally(() => clearTimeout(late));
  if (first.done === true || first.value.kind !== "opened") throw new TypeError("a session begins with its id");
  const { session, asksInClient } = first.value;
  if (given.asksInClient === true && asksInClient !== true)
    say("questions stay with the hub: the token that this wrapper was given is no person's sign-in");
  const { signal } = leave;
  return {
    id: session,
    transport,
    ended: reasonOf(items, leave.signal),
    async see(tools, limit) {
      const result = await asked(transport.call(See.id, { session, tools }, AbortSignal.any([signal, limit])));
      return result.kind === "answer" ? (result.output as Static<typeof See.output>).held : [];
    },
    relay: ({ signal: left, ...call }) =>
      relayed({ ...call, transport, session, say, signal: AbortSignal.any([signal, left]) }),
    async [Symbol.asyncDispose]() {
      leave.abort();
      await transport[Symbol.asyncDispose]();
    },
  };
}

/** The stream says why it ends; one that only breaks off means that the hub is gone. */
async function reasonOf(items: AsyncIterator<Static<typeof Open.output>>, signal: AbortSignal): Promise<SessionEnd> {
  try {
    const next = await items.next();
    if (next.done !== true && next.value.kind === "ended") return { reason: next.value.reason, isHubGone: false };
    return { reason: "the hub stopped", isHubGone: true };
  } catch (error) {
    // Whoever leaves is told nothing of it.
    if (signal.aborted) return await new Promise<never>(() => undefined);
    const reason = error instanceof CallFailed ? error.document.detail : "the hub does not answer any more";
    return { reason, isHubGone: true };
  }
}

async function relayed(
  call: Parameters<HubSession["relay"]>[0] & Pick<SessionOptions, "transport" | "say"> & { readonly session: string },
): Promise<Reply> {
  const { transport, session, tool, params, signal, carryOut } = call;
  const items = transport.stream(Relay.id, { session, tool, params }, signal);
  // Whatever the hub says next, nobody waits for the answer to the question before.
  let closeQuestion = (): void => undefined;
  try {
    for await (const item of items as AsyncIterable<Static<typeof Relay.output>>) {
      closeQuestion();
      if (item.kind === "answer") return item;
      if (item.kind === "ask") closeQuestion = put(item, call);
      else void deliver({ transport, session, signal }, item.call, carryOut(item.params));
    }
  } catch (error) {
    throw refusedOf(error);
  } finally {
    closeQuestion();
  }
  throw new TypeError("the hub left without an answer");
}

/** Puts a question in the window of the agent, and brings its answer; answers how to take the question back. */
function put(question: Put, { transport, session, signal, ask, say }: Parameters<typeof relayed>[0]): () => void {
  const stop = new AbortController();
  const { kind: _item, ...asked } = question;
  const bring = async (): Promise<void> => {
    const decision = await ask(asked, AbortSignal.any([signal, stop.signal]));
    if (decision === null) return;
    await transport.call(Answer.id, { session, approvalId: question.approvalId, decision }, signal);
  };
  void bring().catch((error: unknown) => {
    // Answered elsewhere meanwhile, or the hub is gone: the call's own stream says so.
    if (error instanceof CallFailed && !signal.aborted) say(`an answer was not taken: ${error.document.detail}`);
  });
  return () => stop.abort();
}

type Delivery = Pick<SessionOptions, "transport"> & { readonly session: string; readonly signal: AbortSignal };

/** What the hub cannot take, such as an answer nested too deep, it is told of, so that the call ends. */
async function deliver({ transport, session, signal }: Delivery, call: string, reply: Promise<Reply>): Promise<void> {
  try {
    await transport.call(Deliver.id, { session, call, ...(await reply) }, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof CallFailed)) return;
    const said = { code: -32_000, message: `ARW could not take the answer: ${error.document.detail}` };
    // When this fails, too, the hub is gone, and the stream of the call says so.
    await transport.call(Deliver.id, { session, call, error: said }, signal).catch(() => undefined);
  }
}

async function asked<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw refusedOf(error);
  }
}

const refusedOf = (error: unknown): unknown => (error instanceof CallFailed ? new Refused(error.document) : error);

export interface Reopening extends AsyncDisposable {
  /** The session that now holds. */
  now(): OpenedSession;
  /** Another one in its place. */
  reopen(): Promise<OpenedSession>;
}

/** A session that is opened anew where its hub went and came back; `open` finds the hub each time. */
export async function createReopening(open: () => Promise<OpenedSession>): Promise<Reopening> {
  let held = await open();
  return {
    now: () => held,
    async reopen() {
      const gone = held;
      held = await open();
      await gone[Symbol.asyncDispose]();
      return held;
    },
    [Symbol.asyncDispose]: async () => held[Symbol.asyncDispose](),
  };
}
