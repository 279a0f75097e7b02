/** A server that is reached by its address, as lines: each message goes by way of the hub, and what comes back is read as if it had been written. */
import type { StartedServer } from "../adapters/mcp/child.ts";
import { createBoundedQueue } from "../base/bounded-queue.ts";
import type { Static } from "../contract/schema.ts";
import { Send } from "../domains/mcp/contract.ts";
import { CallFailed, type Transport } from "../surfaces/cli/port.ts";
import { codes, errorText, type Message, readMessage } from "../surfaces/mcp/messages.ts";
import { revisionOf } from "../surfaces/mcp/serve.ts";

export interface FarServerOptions {
  /** The session that now holds, and the way to its hub. */
  readonly hub: () => { readonly transport: Transport; readonly session: string };
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers that the client has not read yet. */
const waitingMax = 10_000;

export function createFarServer({ hub, headers }: FarServerOptions): StartedServer {
  const queue = createBoundedQueue<string | null>({ capacity: waitingMax, overflow: "refuse" });
  const leave = new AbortController();
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const known = { serverSession: "", revision: "" };

  const post = async (message: Exclude<Message, { kind: "fault" }>): Promise<void> => {
    try {
      const { transport, session } = hub();
      const input = { session, message: message.all, headers: { ...headers, ...headersOf(message, known) } };
      const result = await transport.call(Send.id, input, leave.signal);
      const { status, serverSession, messages } = (result.kind === "answer" ? result.output : noAnswer) as Sent;
      known.serverSession = serverSession ?? known.serverSession;
      for (const each of messages) take(each);
      if (messages.length === 0 && message.kind === "request")
        fail(message, `the server answered with status ${status}`);
    } catch (error) {
      if (leave.signal.aborted) return;
      if (message.kind === "request")
        fail(message, error instanceof CallFailed ? error.document.detail : String(error));
    }
  };
  const take = (message: unknown): void => {
    const text = JSON.stringify(message);
    const { result } = Object(message) as { readonly result?: { readonly protocolVersion?: unknown } };
    if (typeof result?.protocolVersion === "string") known.revision = result.protocolVersion;
    queue.push(text);
  };
  const fail = ({ id }: Extract<Message, { kind: "request" }>, reason: string): void =>
    void queue.push(errorText(id, { code: codes.unreachable, message: `ARW: ${reason}` }));

  let last = Promise.resolve();
  return {
    lines: queue,
    ended,
    async write(line) {
      const message = readMessage(line);
      if (message.kind === "fault") return;
      // Requests wait for the notifications before them, and for no request.
      if (message.kind === "request") void last.then(() => post(message));
      else last = last.then(() => post(message));
    },
    async close() {
      leave.abort();
      queue.close();
      resolve("the session ended");
    },
  };
}

type Sent = Static<typeof Send.output>;
const noAnswer: Sent = { status: 0, messages: [] };

/** What the protocol wants said beside the body: the session in the older era, the body's own words in the newer. */
function headersOf(
  message: Exclude<Message, { kind: "fault" }>,
  { serverSession, revision }: { readonly serverSession: string; readonly revision: string },
): Readonly<Record<string, string>> {
  const named = message.kind === "response" ? null : revisionOf(message.params);
  if (named === null || message.kind === "response")
    return {
      ...(serverSession === "" ? {} : { "mcp-session-id": serverSession }),
      ...(revision === "" ? {} : { "mcp-protocol-version": revision }),
    };
  const { name, uri } = message.params;
  const about = typeof name === "string" ? name : uri;
  return {
    "mcp-protocol-version": named,
    "mcp-method": message.method,
    ...(typeof about === "string" ? { "mcp-name": about } : {}),
  };
}
