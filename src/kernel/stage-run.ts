/** The stage that runs: the handler under the caller's signal and a deadline, or the queue for a job. */
import { listsTag } from "../base/entity-tag.ts";
import { deadlineMsOf, type Context } from "../contract/operation.ts";
import { Problem } from "../contract/problem.ts";
import { DeadlineExceeded } from "../contract/standard-problems.ts";
import { type Call, contextOf, type Dispatch, type DispatchOptions, nobody } from "./call.ts";
import type { Queue } from "./kernel.ts";

export function run(call: Call, options: DispatchOptions, dispatch: Dispatch): void | Promise<void> {
  const { bound, operation } = call.prepared;
  if (call.abort?.aborted) throw call.abort.reason;
  if (operation.mode === "job" && call.request.isInline !== true)
    return enqueue(call, options.queue(), () => contextOf(call, options, dispatch));
  call.etag = bound.etag?.(call.input as never);
  const { ifNoneMatch } = call.request;
  if (call.etag !== undefined && ifNoneMatch !== undefined && listsTag(ifNoneMatch, call.etag)) {
    call.outcome = { kind: "unchanged", etag: call.etag };
    return undefined;
  }
  const answer = bound.run(call.input as never, contextOf(call, options, dispatch));
  if (operation.mode !== "many" && answer instanceof Promise) return settle(call, answer, options);
  call.output = answer;
  return undefined;
}

async function enqueue(call: Call, queue: Queue, context: () => Context): Promise<void> {
  const { bound, operation } = call.prepared;
  await bound.admit?.(call.input as never, context());
  const { taskId } = await queue.enqueue({
    operation,
    payload: call.input,
    caller: call.caller ?? nobody,
    corrId: call.corrId,
    // Who was asked before the queue is not asked again behind it.
    ...(call.approvalId === null ? {} : { approvalId: call.approvalId }),
    ...(operation.attemptsMax === undefined ? {} : { attemptsMax: operation.attemptsMax }),
  });
  call.outcome = { kind: "accepted", taskId };
}

/** Waits for the handler, the caller's leaving or the deadline, whichever comes first. */
function settle(call: Call, answer: Promise<unknown>, { clock }: DispatchOptions): Promise<void> {
  const { operation } = call.prepared;
  return new Promise((resolve, reject) => {
    const { abort } = call;
    const deadlineMs = deadlineMsOf(operation);
    const expire = (): void => {
      const late = new Problem(DeadlineExceeded, `${operation.id} took over ${deadlineMs} ms`);
      call.late ??= new AbortController();
      call.late.abort(late);
      end(() => reject(late));
    };
    const stop = deadlineMs === null ? undefined : clock.after(deadlineMs, expire);
    const onAbort = (): void => {
      // A job ends by itself once it has said how it was stopped; its record depends on that.
      if (operation.mode !== "job") end(() => reject(abort?.reason));
    };
    const end = (then: () => void): void => {
      stop?.();
      abort?.removeEventListener("abort", onAbort);
      then();
    };
    abort?.addEventListener("abort", onAbort, { once: true });
    answer.then(
      (output) =>
        end(() => {
          call.output = output;
          resolve();
        }),
      (error: unknown) => end(() => reject(error)),
    );
  });
}
