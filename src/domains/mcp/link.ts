/** One connection of the hub to a server of others that is a program: requests with ids of ours, and nothing taken on trust. */
import { createRateWindow } from "../../base/rate-window.ts";
import { Problem } from "../../contract/problem.ts";
import type { Clock } from "../../kernel/ports.ts";
import { ServerFailed } from "./own-servers.ts";
import type { LineServer } from "./port.ts";
import type { Params, Reply } from "./sessions.ts";

export interface Link {
  /** Rejects with `ServerFailed` when the server ends or cannot be understood, and with the signal's reason. */
  request(method: string, params: Params, signal: AbortSignal): Promise<Reply>;
  notify(method: string, params: Params): Promise<void>;
  close(reason: string): Promise<void>;
  readonly isOpen: boolean;
}

/** Messages within a second that answer nothing. A server that sends more of them floods, and is ended. */
const noiseMax = 500;
const noiseMs = 1_000;

export interface LinkOptions {
  readonly name: string;
  readonly server: LineServer;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** The server says that its list of tools is another one now. */
  readonly onToolsChanged: () => void;
}

type Waiting = PromiseWithResolvers<Reply>;
interface State extends LinkOptions {
  readonly waiting: Map<number, Waiting>;
  endedBy: string | null;
}

export function createLink(options: LinkOptions): Link {
  const state: State = { ...options, waiting: new Map(), endedBy: null };
  let ids = 0;
  void read(state);
  return {
    get isOpen() {
      return state.endedBy === null;
    },
    async request(method, params, signal) {
      signal.throwIfAborted();
      if (state.endedBy !== null) throw failed(state, state.endedBy);
      const id = (ids += 1);
      const answer = Promise.withResolvers<Reply>();
      state.waiting.set(id, answer);
      const leave = (): void => {
        void send(state, { method: "notifications/cancelled", params: { requestId: id } });
        answer.reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      try {
        // A program that does not read holds nobody up here longer than the caller waits.
        void send(state, { id, method, params });
        return await answer.promise;
      } finally {
        signal.removeEventListener("abort", leave);
        state.waiting.delete(id);
      }
    },
    notify: (method, params) => send(state, { method, params }),
    close: (reason) => end(state, reason),
  };
}

const send = ({ server }: State, message: object): Promise<void> =>
  server.write(JSON.stringify({ jsonrpc: "2.0", ...message }));

const failed = ({ name }: State, reason: string): Problem =>
  new Problem(ServerFailed, `${name}: ${reason}`, { next: `arw mcp servers` });

async function end(state: State, reason: string): Promise<void> {
  state.endedBy ??= reason;
  for (const answer of state.waiting.values()) answer.reject(failed(state, state.endedBy));
  await state.server.close();
}

async function read(state: State): Promise<void> {
  const noise = createRateWindow({ limit: noiseMax, windowMs: noiseMs, keysMax: 1 });
  for await (const line of state.server.lines) {
    // Which of the open requests it would have answered nobody can tell.
    if (line === null) return end(state, "it sent an answer that is too long to read");
    if (line.trim() === "" || take(state, line)) continue;
    if (!noise.take("all", state.clock.monotonicMs()).ok)
      return end(state, `it sent over ${noiseMax} messages within a second that answer nothing`);
  }
  await end(state, await state.server.ended);
}

/** Whether the line answered a question of ours. */
function take(state: State, line: string): boolean {
  const message = parsed(line);
  const { id, method, result, error } = message;
  if (typeof method === "string") {
    if (method === "notifications/tools/list_changed") state.onToolsChanged();
    if (typeof id === "string" || typeof id === "number") void send(state, { id, ...answerTo(method) });
    return false;
  }
  const answer = typeof id === "number" ? state.waiting.get(id) : undefined;
  if (answer === undefined) return false;
  answer.resolve(error === undefined ? { result: result ?? null } : { error });
  return true;
}

/** No model, folder or person is lent to a server. */
const answerTo = (method: string): object =>
  method === "ping" ? { result: {} } : { error: { code: -32_601, message: "this client offers nothing to servers" } };

function parsed(line: string): Params {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Params) : {};
  } catch {
    return {};
  }
}
