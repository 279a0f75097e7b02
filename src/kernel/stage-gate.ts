/**
 * The stages that ask the gate. What a call needs at both ends is known from its operation, so a rule that closes its way
 * out refuses it before its input is read: nothing is done, nothing is written, and there is nothing that could leak.
 */
import { egressKey, emitKey, ingressKey, taskKey } from "../contract/gate-keys.ts";
import { gateKey, type Operation } from "../contract/operation.ts";
import { Problem } from "../contract/problem.ts";
import { Denied, TooManyRequests } from "../contract/standard-problems.ts";
import type { Call } from "./call.ts";
import type { Journal } from "./kernel.ts";
import type { Denial, Gate } from "./ports.ts";
import { createQueue, type OwnedQueue, type QueueOptions } from "./queue.ts";

/** The keys of one operation, made once: for a call that runs at once, and for one that goes through the queue. */
export interface GuardedKeys {
  readonly direct: Ends;
  readonly queued: Ends;
}

interface Ends {
  readonly all: readonly string[];
  /** Those that stand between the answer and the world. */
  readonly exit: readonly string[];
}

export function guardedKeys(operation: Operation): GuardedKeys {
  const key = gateKey(operation);
  const inQueue = taskKey(key);
  // What cannot be told must not happen: a handler's effect and its durable events belong together.
  const emits = operation.emits.filter(({ isDurable }) => isDurable).map(({ kind }) => emitKey(kind));
  const exit = [egressKey(key), ...emits];
  const queuedExit = [egressKey(key), egressKey(inQueue), ...emits];
  return {
    direct: { exit, all: [key, ingressKey(key), ...exit] },
    queued: { exit: queuedExit, all: [key, ingressKey(key), inQueue, ingressKey(inQueue), ...queuedExit] },
  };
}

const endsOf = ({ prepared: { guards, operation }, request }: Call): Ends =>
  request.isTask === true || isForQueue(operation, request) ? guards.queued : guards.direct;

export const isForQueue = ({ mode }: Operation, { isInline }: Call["request"]): boolean =>
  mode === "job" && isInline !== true;

export function gate(call: Call, port: Gate): void {
  for (const key of endsOf(call).all) refuse(port.check(key, call.caller), key);
}

/**
 * The last question before a call runs: rules may have changed while a person was asked, and quotas count what really runs.
 * What goes into the queue is counted when a worker runs it.
 */
export function admit(call: Call, port: Gate): void | Promise<void> {
  if (isForQueue(call.prepared.operation, call.request)) return undefined;
  const answer = port.admit(endsOf(call).all, call.caller);
  if (answer instanceof Promise) return answer.then((denial) => refuse(denial, call.prepared.key));
  refuse(answer, call.prepared.key);
  return undefined;
}

/** Once more after it ran: a rule that came into force meanwhile keeps the answer in. */
export function leave(call: Call, port: Gate): void {
  for (const key of endsOf(call).exit) {
    const denial = port.check(key, call.caller);
    // A quota that is used up now is no reason: this call was counted.
    if (denial?.retryAfterMs === undefined) refuse(denial, key);
  }
}

function refuse(denial: Denial | null, key: string): void {
  if (denial !== null) throw refusal(denial, denial.key ?? key);
}

/** Names the rule, where it stands and what would change the answer. */
function refusal({ rule, source, reason, next, retryAfterMs }: Denial, key: string): Problem {
  return new Problem(retryAfterMs === undefined ? Denied : TooManyRequests, `${key} is denied: ${reason}`, {
    key,
    rule,
    source,
    reason,
    ...(next === undefined ? {} : { next }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    explain: `arw policy explain ${key}`,
  });
}

/** Puts nothing into the queue that may not run from it, so that whoever sends it is told, and no dead letter. */
export function guardedQueue(port: Gate, options: QueueOptions): OwnedQueue {
  const queue = createQueue(options);
  const known = new Map<Operation, readonly string[]>();
  return {
    ...queue,
    async enqueue(request) {
      const { operation, caller } = request;
      let keys = known.get(operation);
      if (keys === undefined) known.set(operation, (keys = guardedKeys(operation).queued.all));
      for (const key of keys) refuse(port.check(key, caller), key);
      return await queue.enqueue(request);
    },
  };
}

/**
 * The journal as handlers and agents have it: an emit of a kind that a rule names is refused before it is written. The hub's
 * own words, which its state rests on, are not.
 */
export function guardedJournal(journal: Journal, port: Gate): Journal {
  const keys = new Map<string, string>();
  return {
    ...journal,
    emit(definition, data, origin) {
      const { kind } = definition;
      if (origin.caller.kind === "system") return journal.emit(definition, data, origin);
      let key = keys.get(kind);
      if (key === undefined) keys.set(kind, (key = emitKey(kind)));
      const denial = port.check(key, origin.caller);
      // A quota counts calls; what one of them emits belongs to it.
      if (denial === null || denial.retryAfterMs !== undefined) return journal.emit(definition, data, origin);
      const refused = Promise.reject(refusal(denial, key));
      // Whoever emits progress does not wait for it; a refusal that nobody awaits must not end the process.
      refused.catch(() => undefined);
      return refused;
    },
  };
}
