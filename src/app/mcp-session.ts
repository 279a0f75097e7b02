/** A wrapper's session with a hub, over whichever way the command line found to it. */
import { Deliver, Open, Relay, See } from "../domains/mcp/contract.ts";
import { CallFailed, type Transport } from "../surfaces/cli/port.ts";
import { type HubSession, Refused, type Reply } from "../surfaces/mcp/port.ts";
import type { Static } from "../contract/schema.ts";

export interface SessionOptions {
  readonly transport: Transport;
  readonly server: string;
  /** Digest of the command that runs. */
  readonly command: string;
  readonly agent?: string;
  /** Of a server that is reached by its address. */
  readonly url?: string;
}

/** Rejects with `Refused`, or with what the transport says when no hub answers. */
export async function openSession({
  transport,
  ...given
}: SessionOptions): Promise<HubSession & { readonly id: string }> {
  const leave = new AbortController();
  const items = transport.stream(Open.id, given, leave.signal)[Symbol.asyncIterator]() as AsyncIterator<
    Static<typeof Open.output>
  >;
  const first = await asked(items.next());
  if (first.done === true || first.value.kind !== "opened") throw new TypeError("a session begins with its id");
  const { session } = first.value;
  const { signal } = leave;
  return {
    id: session,
    ended: reasonOf(items, leave.signal),
    async see(tools, limit) {
      const result = await asked(transport.call(See.id, { session, tools }, AbortSignal.any([signal, limit])));
      return result.kind === "answer" ? (result.output as Static<typeof See.output>).held : [];
    },
    relay: ({ tool, params, signal: left, carryOut }) =>
      relayed({ transport, session, tool, params, signal: AbortSignal.any([signal, left]), carryOut }),
    async [Symbol.asyncDispose]() {
      leave.abort();
      await transport[Symbol.asyncDispose]();
    },
  };
}

/** The stream says why it ends; one that only breaks off means that the hub is gone. */
async function reasonOf(items: AsyncIterator<Static<typeof Open.output>>, signal: AbortSignal): Promise<string> {
  try {
    const next = await items.next();
    if (next.done !== true && next.value.kind === "ended") return next.value.reason;
    return "the hub stopped";
  } catch (error) {
    // Whoever leaves is told nothing of it.
    if (signal.aborted) return await new Promise<never>(() => undefined);
    return error instanceof CallFailed ? error.document.detail : "the hub does not answer any more";
  }
}

async function relayed(
  call: Parameters<HubSession["relay"]>[0] & Pick<SessionOptions, "transport"> & { readonly session: string },
): Promise<Reply> {
  const { transport, session, tool, params, signal, carryOut } = call;
  const items = transport.stream(Relay.id, { session, tool, params }, signal);
  try {
    for await (const item of items as AsyncIterable<Static<typeof Relay.output>>) {
      if (item.kind === "answer") return item;
      void deliver({ transport, session, signal }, item.call, carryOut(item.params));
    }
  } catch (error) {
    throw refusedOf(error);
  }
  throw new TypeError("the hub left without an answer");
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
