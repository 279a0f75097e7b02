/** Open sessions of wrappers, and the calls that wait in them. What ends a session ends its calls. */
import { digestOf } from "../../base/canonical-json.ts";
import { type Caller, callerName } from "../../contract/caller.ts";
import { Problem } from "../../contract/problem.ts";
import { Cancelled } from "../../contract/standard-problems.ts";
import { NoSession, TooMany } from "./contract.ts";

/** Programs on one machine with a handful of servers each. */
const sessionsMax = 200;
/** A model asks for a few tools at a time; above this something loops. */
const exchangesMax = 64;

export type Params = Readonly<Record<string, unknown>>;
/** What the server said: one of the two. */
export interface Reply {
  readonly result?: unknown;
  readonly error?: unknown;
}

/** One call of a tool, from the question whether it may be made to what the server answered. */
export interface Exchange {
  readonly callId: string;
  readonly tool: string;
  readonly params: Params;
  /** Resolves once the corridor let the call pass, with what it is made with. */
  readonly released: PromiseWithResolvers<Params>;
  readonly reply: PromiseWithResolvers<Reply>;
  /** Aborts when whoever asked left, or the session ended. */
  readonly signal: AbortSignal;
}

export interface Session {
  readonly id: string;
  readonly server: string;
  /** Digest of the command that the wrapper runs. */
  readonly command: string;
  readonly agent: Caller;
  /** Of a server that is reached by its address: what leaves goes there and nowhere else. */
  readonly url?: string | undefined;
  readonly signal: AbortSignal;
  /** Steps of the episode so far. */
  nextStep(): number;
  begin(call: { readonly callId: string; readonly tool: string; readonly params: Params }): Exchange & Disposable;
  exchange(callId: string): Exchange | undefined;
  /** Takes one call that was let pass and has not left yet; false when there is none like it. */
  depart(call: { readonly tool: string; readonly params: Params }): boolean;
}

export interface Sessions {
  begin(session: Pick<Session, "id" | "server" | "command" | "agent" | "url"> & { readonly opener: Caller }): Session;
  /** Throws `NoSession` also for the session of somebody else. */
  of(id: string, caller: Caller): Session;
  /** Digest of the command that runs in this session; undefined when none of this id is open. */
  commandOf(id: string): string | undefined;
  /** Of the session that this episode is. */
  urlOf(id: string): string | undefined;
  /** The call of this session that the corridor is letting pass. */
  claim(id: string, call: { readonly tool: string; readonly params: Params }): Exchange | undefined;
  end(id: string, reason: string): void;
  endAll(reason: string): void;
}

interface Held extends Session {
  readonly opener: string;
  readonly waiting: Map<string, Exchange & { isReleased: boolean; allowed: string | null }>;
  readonly controller: AbortController;
}

export function createSessions(): Sessions {
  const open = new Map<string, Held>();
  const end = (id: string, reason: string): void => {
    const held = open.get(id);
    open.delete(id);
    held?.controller.abort(new Problem(Cancelled, reason));
  };
  return {
    begin({ opener, ...facts }) {
      if (open.size >= sessionsMax) throw new Problem(TooMany, `${sessionsMax} sessions are open`);
      const held = createHeld(facts, callerName(opener));
      open.set(facts.id, held);
      return held;
    },
    of(id, caller) {
      const held = open.get(id);
      if (held === undefined || held.opener !== callerName(caller))
        throw new Problem(NoSession, `there is no session ${id}`);
      return held;
    },
    commandOf: (id) => open.get(id)?.command,
    urlOf: (id) => open.get(id)?.url,
    claim(id, call) {
      const waiting = [...(open.get(id)?.waiting.values() ?? [])].filter(
        (each) => !each.isReleased && each.tool === call.tool,
      );
      const digest = digestOf(call.params);
      // A person may have changed what it is called with; then only the one call of this tool can be meant.
      const meant =
        waiting.find((each) => digestOf(each.params) === digest) ?? (waiting.length === 1 ? waiting[0] : undefined);
      if (meant === undefined) return undefined;
      meant.isReleased = true;
      meant.allowed = digest;
      return meant;
    },
    end,
    endAll(reason) {
      for (const id of open.keys()) end(id, reason);
    },
  };
}

function createHeld(facts: Pick<Session, "id" | "server" | "command" | "agent" | "url">, opener: string): Held {
  const controller = new AbortController();
  const waiting: Held["waiting"] = new Map();
  let steps = 0;
  return {
    ...facts,
    opener,
    waiting,
    controller,
    signal: controller.signal,
    nextStep: () => (steps += 1),
    exchange: (callId) => waiting.get(callId),
    depart({ tool, params }) {
      const digest = digestOf(params);
      const going = [...waiting.values()].find((each) => each.tool === tool && each.allowed === digest);
      if (going === undefined) return false;
      going.allowed = null;
      return true;
    },
    begin({ callId, tool, params }) {
      if (waiting.size >= exchangesMax) throw new Problem(TooMany, `${exchangesMax} calls of this session are open`);
      const stop = new AbortController();
      const exchange = {
        callId,
        tool,
        params,
        released: Promise.withResolvers<Params>(),
        reply: Promise.withResolvers<Reply>(),
        signal: AbortSignal.any([controller.signal, stop.signal]),
        isReleased: false,
        allowed: null,
        [Symbol.dispose]() {
          waiting.delete(callId);
          stop.abort(new Problem(Cancelled, "the caller left before the call ended"));
        },
      };
      waiting.set(callId, exchange);
      return exchange;
    },
  };
}
