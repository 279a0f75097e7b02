/** Reaches a hub that was opened in this process, through the same corridor as every other caller. */
import { isProblem, problemDocument } from "../../contract/problem.ts";
import type { Answered, Dispatcher } from "../../kernel/kernel.ts";
import { CallFailed, type CallResult, type Input, type Transport } from "./port.ts";

export interface LocalHub extends AsyncDisposable {
  readonly kernel: Dispatcher;
}

export function createLocalTransport(hub: LocalHub): Transport {
  const dispatch = async (operationId: string, input: Input, signal: AbortSignal): Promise<Answered> => {
    signal.throwIfAborted();
    try {
      const caller = { kind: "person", id: "admin" } as const;
      return await hub.kernel.dispatch({ operationId, input, signal, credentials: { kind: "caller", caller } });
    } catch (error) {
      signal.throwIfAborted();
      throw failureOf(error);
    }
  };
  return {
    async call(operationId, input, signal) {
      return resultOf(await dispatch(operationId, input, signal));
    },
    async *stream(operationId, input, signal) {
      const { outcome } = await dispatch(operationId, input, signal);
      if (outcome.kind !== "stream") return;
      try {
        yield* outcome.items;
      } catch (error) {
        signal.throwIfAborted();
        throw failureOf(error);
      }
    },
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}

const failureOf = (error: unknown): unknown => (isProblem(error) ? new CallFailed(problemDocument(error, "")) : error);

function resultOf({ corrId, outcome }: Answered): CallResult {
  switch (outcome.kind) {
    case "answer":
      return { kind: "answer", output: outcome.output };
    case "accepted":
      return { kind: "accepted", taskId: outcome.taskId, corrId };
    case "held":
      return { kind: "held", approvalId: outcome.approvalId, corrId };
    case "stream":
    case "unchanged":
      // Streams are asked for with `stream`, and nothing here sends an ETag.
      return { kind: "answer", output: null };
    default:
      return outcome satisfies never;
  }
}
