/** The context of one call: the only way out of a domain. */
import type { Caller } from "../contract/caller.ts";
import type { Origin } from "../contract/event.ts";
import type { Context } from "../contract/operation.ts";
import type { Answered, CallRequest, Journal } from "./kernel.ts";
import type { Chance, Clock } from "./ports.ts";

export interface ContextDeps {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly newId: () => string;
  /** Aborted when the hub stops. */
  readonly shutdown: AbortSignal;
}

export interface ContextOptions {
  readonly caller: Caller;
  readonly corrId: string;
  readonly causeId: string | null;
  /** Asked on first need: joining signals costs more than most calls. */
  readonly signal: () => AbortSignal | undefined;
  readonly dispatch: (
    request: CallRequest & { readonly isInline: boolean; readonly isNested: boolean },
  ) => Promise<Answered>;
}

export function createContext(deps: ContextDeps, options: ContextOptions): Context {
  const { caller, corrId } = options;
  const origin: Origin = { caller, corrId, causeId: options.causeId };
  let joined: AbortSignal | null = null;
  let own: AbortSignal | undefined;
  return {
    get signal() {
      if (joined !== null) return joined;
      own ??= options.signal();
      joined = own === undefined ? deps.shutdown : AbortSignal.any([own, deps.shutdown]);
      return joined;
    },
    caller,
    corrId,
    now: deps.clock.nowMs,
    random: deps.chance.random,
    id: deps.newId,
    emit: (definition, data) => deps.journal.emit(definition, data, origin) as never,
    async call(operation, input) {
      own ??= options.signal();
      const { outcome } = await options.dispatch({
        operationId: operation.id,
        input,
        credentials: { kind: "caller", caller },
        corrId,
        isInline: true,
        isNested: true,
        ...(own === undefined ? {} : { signal: own }),
      });
      if (outcome.kind === "answer") return outcome.output as never;
      return (outcome.kind === "stream" ? outcome.items : outcome) as never;
    },
  };
}
