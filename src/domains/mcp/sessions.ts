/** Open sessions of wrappers, and the calls that wait in them. What ends a session ends its calls. */
import { digestOf } from "../../base/canonical-json.ts";
import { type Caller, callerName } from "../../contract/caller.ts";
import { Problem } from "../../contract/problem.ts";
import { Cancelled } from "../../contract/standard-problems.ts";
import { NoSession, type Put, TooMany } from "./contract.ts";

/** Programs on one machine with a handful of servers each. */
const sessionsMax = 200;
/** A model asks for a few tools at a time; above this something loops. */
const exchangesMax = 64;

/** A program that makes the same call once more after this many learns nothing new from it: it loops. */
const sameCallsMax = 3;
/**
 * Calls without a question to anybody. Sessions of programs at a desk last for days and make some dozens of calls an hour; one that
 * nobody watches makes as many in a minute. Answering any question of the session starts the count anew.
 */
const unseenMax = 200;

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
  /** What the corridor asks about from here on is asked for this call. */
  isAbout(input: unknown): void;
}

/** What a call goes over, and what was done until then since a person last looked. */
export interface Ceiling {
  /** In words. */
  readonly reached: string;
  readonly steps: number;
  readonly sinceMs: number;
  /** What a person's no ended this with before; null when nobody was asked yet. */
  readonly no: Error | null;
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
  /** Its person chose that the agent's own program puts the questions to them. */
  readonly asksInClient: boolean;
  /** Whether this question was put there. */
  wasPut(approvalId: string): boolean;
  /** Steps of the episode so far. */
  nextStep(): number;
  /** Counts a call that begins; says which ceiling it goes over, if any. */
  over(call: { readonly tool: string; readonly params: Params }, nowMs: number): Ceiling | null;
  /** Nobody said that it goes on: as long as it goes over the same ceiling, nobody is asked again. */
  stays(no: Error): void;
  begin(call: {
    readonly callId: string;
    readonly tool: string;
    readonly params: Params;
    readonly put: (question: Put) => void;
  }): Exchange & Disposable;
  exchange(callId: string): Exchange | undefined;
  /** Takes one call that was let pass and has not left yet; false when there is none like it. */
  depart(call: { readonly tool: string; readonly params: Params }): boolean;
}

type Facts = Pick<Session, "id" | "server" | "command" | "agent" | "url" | "asksInClient">;

export interface Sessions {
  begin(session: Facts & { readonly opener: Caller }): Session;
  /** Throws `NoSession` also for the session of somebody else. */
  of(id: string, caller: Caller): Session;
  /** Digest of the command that runs in this session; undefined when none of this id is open. */
  commandOf(id: string): string | undefined;
  /** A person answered a question of this session: from here on is counted anew. */
  looked(id: string): void;
  /** A question waits: it is put to whoever made the call that it is about, where the session asks there. */
  put(id: string, argsDigest: string, question: Omit<Put, "kind" | "agent">): void;
  /** Of the session that this episode is. */
  urlOf(id: string): string | undefined;
  /** The call of this session that the corridor is letting pass. */
  claim(id: string, call: { readonly tool: string; readonly params: Params }): Exchange | undefined;
  end(id: string, reason: string): void;
  endAll(reason: string): void;
}

interface Waiting extends Exchange {
  isReleased: boolean;
  allowed: string | null;
  /** Digest of what the corridor may ask about. */
  about: string | null;
  readonly put: (question: Put) => void;
}

interface Held extends Session {
  readonly opener: string;
  looked(): void;
  readonly waiting: Map<string, Waiting>;
  readonly asked: Set<string>;
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
    looked: (id) => open.get(id)?.looked(),
    put(id, argsDigest, question) {
      const held = open.get(id);
      if (held?.asksInClient !== true) return;
      const meant = [...held.waiting.values()].find(({ about }) => about === argsDigest);
      if (meant === undefined) return;
      // Of two calls alike the next question is the other one's.
      meant.about = null;
      held.asked.add(question.approvalId);
      meant.put({ kind: "ask", agent: held.agent.id, ...question });
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

function createHeld(facts: Facts, opener: string): Held {
  const controller = new AbortController();
  const waiting: Held["waiting"] = new Map();
  const asked: Held["asked"] = new Set();
  let steps = 0;
  return {
    ...facts,
    opener,
    waiting,
    asked,
    wasPut: (approvalId) => asked.has(approvalId),
    controller,
    signal: controller.signal,
    nextStep: () => (steps += 1),
    ...createCount(),
    exchange: (callId) => waiting.get(callId),
    depart({ tool, params }) {
      const digest = digestOf(params);
      const going = [...waiting.values()].find((each) => each.tool === tool && each.allowed === digest);
      if (going === undefined) return false;
      going.allowed = null;
      return true;
    },
    begin({ callId, tool, params, put }) {
      if (waiting.size >= exchangesMax) throw new Problem(TooMany, `${exchangesMax} calls of this session are open`);
      const stop = new AbortController();
      const exchange: Waiting & Disposable = {
        callId,
        tool,
        params,
        put,
        about: null,
        isAbout(input) {
          exchange.about = digestOf(input);
        },
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

function createCount(): Pick<Held, "over" | "stays" | "looked"> {
  let last = "";
  let sameCalls = 0;
  let unseen = 0;
  let sinceMs: number | null = null;
  let no: Error | null = null;
  return {
    stays(heard) {
      no = heard;
    },
    over(call, nowMs) {
      const digest = digestOf(call);
      sameCalls = digest === last ? sameCalls + 1 : 1;
      last = digest;
      unseen += 1;
      sinceMs ??= nowMs;
      const reached =
        sameCalls > sameCallsMax
          ? `the same call ${sameCalls - 1} times in a row`
          : unseen > unseenMax && `${unseenMax} calls since anybody looked`;
      if (reached === false) no = null;
      return reached === false ? null : { reached, steps: unseen - 1, sinceMs, no };
    },
    looked() {
      sameCalls = 0;
      unseen = 0;
      sinceMs = null;
      no = null;
    },
  };
}
