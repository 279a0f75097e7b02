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
  readonly atMs?: number;
  /** Asked on first need: joining signals costs more than most calls. */
  readonly signal: () => AbortSignal | undefined;
  readonly dispatch: (
    request: CallRequest & { readonly isInline: boolean; readonly isNested: boolean },
  ) => Promise<Answered>;
}

export function createContext(deps: ContextDeps, options: ContextOptions): Context {
  return new CallContext(deps, options);
}

/**
 * A class for one reason: its `signal` is worked out on first need. As a getter of a literal it would give every call a
 * hidden class of its own, which keeps all that the call holds alive until the next full collection.
 */
class CallContext implements Context {
  readonly caller: Context["caller"];
  readonly corrId: string;
  readonly now: Context["now"];
  readonly random: Context["random"];
  readonly id: Context["id"];
  readonly emit: Context["emit"];
  readonly call: Context["call"];
  readonly carryOut: Context["carryOut"];
  readonly #shutdown: AbortSignal;
  readonly #ask: () => AbortSignal | undefined;
  #own: AbortSignal | undefined;
  #joined: AbortSignal | null = null;

  constructor({ journal, clock, chance, newId, shutdown }: ContextDeps, options: ContextOptions) {
    const { caller, corrId, causeId, atMs } = options;
    const origin: Origin = { caller, corrId, causeId, ...(atMs === undefined ? {} : { atMs }) };
    this.caller = caller;
    this.corrId = corrId;
    this.now = clock.nowMs;
    this.random = chance.random;
    this.id = newId;
    this.emit = (definition, data) => journal.emit(definition, data, origin) as never;
    this.call = async (operation, input) => (await this.carryOut(operation, input)).output;
    this.carryOut = async (operation, input) => {
      const signal = this.#ownSignal();
      const { outcome } = await options.dispatch({
        operationId: operation.id,
        input,
        credentials: { kind: "caller", caller },
        corrId,
        isInline: true,
        isNested: true,
        ...(signal === undefined ? {} : { signal }),
      });
      if (outcome.kind === "answer") {
        const { output, editedInput } = outcome;
        return { output: output as never, input: editedInput === undefined ? input : (editedInput as typeof input) };
      }
      return { output: (outcome.kind === "stream" ? outcome.items : outcome) as never, input };
    };
    this.#shutdown = shutdown;
    this.#ask = options.signal;
  }

  get signal(): AbortSignal {
    if (this.#joined !== null) return this.#joined;
    const own = this.#ownSignal();
    this.#joined = own === undefined ? this.#shutdown : AbortSignal.any([own, this.#shutdown]);
    return this.#joined;
  }

  #ownSignal(): AbortSignal | undefined {
    this.#own ??= this.#ask();
    return this.#own;
  }
}
