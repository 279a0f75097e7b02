/** Asks a person before a call runs, waits for the answer, and lets exactly that call go on. */
import { isGranted, matchesKey } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Approvals, BlobStore, Clock, Decision, HeldCall, Log, Redactor } from "../../kernel/ports.ts";
import {
  AlreadyAnswered,
  type Approval,
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
  Decide,
} from "./contract.ts";
import { approvals as view } from "./views.ts";

interface ApprovalsDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly blobs: BlobStore;
  /** Gate-key patterns that are asked for whoever calls. */
  readonly askPatterns: readonly string[];
  readonly timeoutMs: number;
}

/** A longer diff is cut; the card says so, and the whole text stands in the arguments. */
const diffCharactersMax = 290_000;
const waitingMax = 5000;

export function createApprovals(deps: ApprovalsDeps): { readonly domain: Domain; readonly port: Approvals } {
  const { parts } = deps;
  const waiters = new Map<string, (decision: Decision) => void>();
  const timers = new Map<string, () => void>();
  const row = (approvalId: string): Approval | undefined => parts.kernel.views.get(view, approvalId);

  const settle = (approvalId: string, decision: Decision): void => {
    timers.get(approvalId)?.();
    timers.delete(approvalId);
    waiters.get(approvalId)?.(decision);
    waiters.delete(approvalId);
  };
  const expire = async (approvalId: string): Promise<void> => {
    const waiting = row(approvalId);
    if (waiting?.status !== "waiting") return;
    const reason = "nobody answered in time";
    await parts.act({ caller: { kind: "system", id: "hub" }, corrId: waiting.corrId }).emit(ApprovalExpired, { approvalId, reason });
    settle(approvalId, { kind: "denied", reason });
  };
  const arm = (approvalId: string, expiresAtMs: number): void => {
    const run = (): void => {
      expire(approvalId).catch((error: unknown) => deps.log.error("an approval could not expire", { approvalId, error: String(error) }));
    };
    timers.set(approvalId, deps.clock.after(Math.max(0, expiresAtMs - deps.clock.nowMs()), run));
  };

  const port: Approvals = {
    ruling: createRuling(deps.askPatterns),
    async request(call) {
      const actor = parts.act({ caller: call.caller, corrId: call.corrId });
      const approvalId = actor.id();
      const expiresAtMs = actor.now() + deps.timeoutMs;
      const inputRef = call.isResumable ? await deps.blobs.put(new TextEncoder().encode(JSON.stringify(call.input))) : null;
      await actor.emit(ApprovalRequested, {
        approvalId,
        operation: call.operation,
        key: call.key,
        input: deps.redactor.value(shownInput(call)),
        argsDigest: call.argsDigest,
        ...(call.scope.folder === undefined ? {} : { folder: call.scope.folder }),
        ...(call.scope.path === undefined ? {} : { path: call.scope.path }),
        caller: { kind: call.caller.kind, id: call.caller.id },
        rule: call.rule,
        summary: call.preview.summary.slice(0, 500),
        ...(call.preview.diff === undefined ? {} : { diff: shownDiff(deps.redactor.text(call.preview.diff)) }),
        canUndo: call.preview.canUndo,
        expiresAtMs,
        isResumable: call.isResumable,
        ...(inputRef === null ? {} : { inputRef }),
      });
      arm(approvalId, expiresAtMs);
      return { approvalId };
    },
    decision(approvalId, signal) {
      return new Promise<Decision>((resolve, reject) => {
        const known = row(approvalId);
        if (known !== undefined && known.status !== "waiting") {
          resolve(known.status === "granted" ? { kind: "granted" } : { kind: "denied", reason: known.reason ?? `the question was ${known.status}` });
          return;
        }
        const leave = (): void => {
          settle(approvalId, { kind: "denied", reason: "the caller left" });
          const withdrawn = known === undefined ? Promise.resolve() : cancel(parts, known, "the caller left before anybody answered");
          withdrawn.then(() => reject(signal.reason), reject);
        };
        waiters.set(approvalId, (decision) => {
          signal.removeEventListener("abort", leave);
          resolve(decision);
        });
        if (signal.aborted) leave();
        else signal.addEventListener("abort", leave, { once: true });
      });
    },
    isGranted(approvalId, call) {
      const known = row(approvalId);
      return known?.status === "granted" && known.operation === call.operation && known.argsDigest === call.argsDigest;
    },
  };

  const decide = bind(Decide, async ({ approvalId, decision, reason }, ctx) => {
    const known = row(approvalId);
    if (known === undefined) throw new Problem(NotFound, `there is no approval ${approvalId}`);
    if (known.status !== "waiting") {
      throw new Problem(AlreadyAnswered, `approval ${approvalId} is ${known.status}`, { status: known.status });
    }
    const isAllowed = decision === "allow";
    const said = { approvalId, ...(reason === undefined ? {} : { reason }) };
    await parts.act({ caller: ctx.caller, corrId: known.corrId }).emit(isAllowed ? ApprovalGranted : ApprovalDenied, said);
    settle(approvalId, isAllowed ? { kind: "granted" } : { kind: "denied", reason: reason ?? `denied by ${ctx.caller.kind}:${ctx.caller.id}` });
    if (isAllowed && known.isResumable) await resumeCall(known, deps);
    return row(approvalId) ?? known;
  });

  return {
    port,
    domain: {
      name: "approvals",
      operations: [decide],
      events: [ApprovalRequested, ApprovalGranted, ApprovalDenied, ApprovalExpired, ApprovalCancelled],
      views: [view],
      async start() {
        const waiting = parts.kernel.views.list(view, { limit: waitingMax, where: (each) => each.status === "waiting" });
        for (const { row: each } of waiting.rows) {
          if (each.isResumable) arm(each.approvalId, each.expiresAtMs);
          else await cancel(parts, each, "the hub ended while the caller waited");
        }
      },
    },
  };
}

/**
 * An agent reads only in folders that were granted to it, and is asked for before it changes anything beyond its grants.
 * Patterns from the configuration ask whoever calls.
 */
function createRuling(askPatterns: readonly string[]): Approvals["ruling"] {
  return ({ key, caller, scope, effect }) => {
    if (caller.kind === "agent" && !isGranted(caller, key, scope)) {
      if (effect !== "read") return { effect: "ask", rule: "built-in:ask-before-change", reason: "an agent asks before it changes anything" };
      if (scope.folder !== undefined) {
        return { effect: "deny", rule: "built-in:granted-folders", reason: `${scope.folder} was not granted to ${caller.id}` };
      }
    }
    if (askPatterns.length === 0 || caller.kind === "system") return null;
    const pattern = askPatterns.find((each) => matchesKey(each, key));
    return pattern === undefined ? null : { effect: "ask", rule: `config:approvals.ask:${pattern}`, reason: `${pattern} is asked for` };
  };
}

/** Text that the diff shows anyway is not shown twice. */
function shownInput(call: HeldCall): unknown {
  if (call.preview.diff === undefined || typeof call.input !== "object" || call.input === null) return call.input;
  const entries = Object.entries(call.input).map(([name, value]) =>
    typeof value === "string" && value.length > 1000 ? [name, `${value.length} characters, see the diff`] : [name, value],
  );
  return Object.fromEntries(entries);
}

const shownDiff = (diff: string): string =>
  diff.length <= diffCharactersMax ? diff : `${diff.slice(0, diffCharactersMax)}\n… the diff goes on for ${diff.length - diffCharactersMax} characters`;

async function cancel(parts: KernelParts, waiting: Approval, reason: string): Promise<void> {
  const actor = parts.act({ caller: { kind: "system", id: "hub" }, corrId: waiting.corrId });
  await actor.emit(ApprovalCancelled, { approvalId: waiting.approvalId, reason });
}

/** A caller that did not wait: the queue makes the very call that was shown. */
async function resumeCall(known: Approval, { parts, blobs }: ApprovalsDeps): Promise<void> {
  const requested = parts.kernel.journal.read({ corrId: known.corrId, kinds: [ApprovalRequested.kind], limit: waitingMax });
  const asked = requested.map((each) => each.data as { approvalId: string; inputRef?: string }).find((each) => each.approvalId === known.approvalId);
  const bytes = asked?.inputRef === undefined ? null : await blobs.get(asked.inputRef);
  if (bytes === null) throw new Problem(NotFound, "the held call's input is no longer kept; make the call again");
  await parts.kernel.queue.enqueue({
    operation: parts.kernel.table.operations.get(known.operation)?.operation as Operation,
    payload: JSON.parse(new TextDecoder().decode(bytes)),
    caller: known.caller,
    corrId: known.corrId,
    approvalId: known.approvalId,
    attemptsMax: 1,
  });
}
