/** Writes a question down: what would be done with which arguments, by whom, which rule asks, and what can be answered. */
import type { Label } from "../../contract/caller.ts";
import { needText } from "../../contract/needs.ts";
import type { Operation } from "../../contract/operation.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Approvals, BlobStore, Redactor } from "../../kernel/ports.ts";
import { ApprovalRequested, type Source, sourcesMax } from "./contract.ts";
import { effectWords, offersOf } from "./offers.ts";
import type { Questions } from "./questions.ts";
import { shownInput, shownPreview } from "./shown-call.ts";

export interface AskDeps {
  readonly parts: KernelParts;
  readonly redactor: Redactor;
  readonly blobs: BlobStore;
  readonly timeoutMs: number;
  /** What the calls of an episode are built from, as far as it is known. */
  readonly sourcesOf?: (corrId: string) => readonly Source[];
  readonly questions: Questions;
}

type AskedCall = Parameters<Approvals["request"]>[0];

export async function ask(call: AskedCall, deps: AskDeps): Promise<string> {
  const { parts, blobs, questions, timeoutMs } = deps;
  const actor = parts.act({ caller: call.caller, corrId: call.corrId });
  const approvalId = actor.id();
  const expiresAtMs = actor.now() + timeoutMs;
  const { input, caller, isResumable } = call;
  const inputRef = isResumable ? await blobs.put(new TextEncoder().encode(JSON.stringify(input))) : null;
  // Its row is seen a moment before the disk has it, and whoever sees it may answer.
  questions.open(approvalId, { expiresAtMs, timeoutMs, ...(isResumable ? {} : { waiting: { caller, input } }) });
  const asked = actor.emit(ApprovalRequested, {
    approvalId,
    ...askedOf(call, deps),
    expiresAtMs,
    isResumable,
    ...(inputRef === null ? {} : { inputRef }),
  });
  try {
    await asked;
  } catch (error) {
    questions.forget(approvalId);
    throw error;
  }
  return approvalId;
}

function askedOf(call: AskedCall, { parts, redactor, sourcesOf }: AskDeps) {
  const { caller, corrId, preview, ruling, scope } = call;
  const { folder, path, host, tool } = scope;
  const { rule, source, reason } = ruling;
  const operation = parts.kernel.table.operations.get(call.operation)?.operation as Operation;
  const labels: readonly Label[] = caller.labels ?? [];
  return {
    operation: call.operation,
    key: call.key,
    input: shownInput(call.input, preview, redactor),
    argsDigest: call.argsDigest,
    ...(folder === undefined ? {} : { folder }),
    ...(path === undefined ? {} : { path }),
    ...(host === undefined ? {} : { host }),
    ...(tool === undefined ? {} : { tool }),
    // Grants are long and say nothing here; the reach holds the call that is resumed to its token.
    caller: { kind: caller.kind, id: caller.id, ...(caller.reach === undefined ? {} : { reach: caller.reach }) },
    rule,
    why: reason.slice(0, 1000),
    ruleSource: source.slice(0, 500),
    effect: effectWords({ effect: operation.effect, needs: operation.needs, canUndo: preview.canUndo }),
    needs: operation.needs.map(needText),
    labels: [...labels],
    sources: caller.kind === "agent" ? (sourcesOf?.(corrId) ?? []).slice(0, sourcesMax) : [],
    offers: offersOf({ operation: call.operation, caller, scope, isLeasable: isLeasable(call, operation) }),
    ...shownPreview(preview, redactor),
    canUndo: preview.canUndo,
  };
}

/** What decides about rights is asked for each time, and so is what reaches things that a lease cannot name. */
function isLeasable({ scope, ruling }: AskedCall, operation: Operation): boolean {
  const { folder: _folder, path: _path, host: _host, tool: _tool, ...others } = scope;
  const isNameable = Object.values(others).every((each) => each === undefined);
  return isNameable && operation.isForPersons !== true && ruling.isLeasable !== false;
}
