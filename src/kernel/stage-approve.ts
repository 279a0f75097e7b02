/** The stage that asks: a call that a policy wants a person to see waits for the answer. */
import { digestOf } from "../base/canonical-json.ts";
import type { Caller, Scope } from "../contract/caller.ts";
import type { Context, Preview } from "../contract/operation.ts";
import { isProblem, Problem } from "../contract/problem.ts";
import { ApprovalDenied, Denied } from "../contract/standard-problems.ts";
import { refuseSecrets } from "./sealed.ts";
import { type Call, contextOf, type Dispatch, type DispatchOptions, nobody } from "./call.ts";
import type { Ruling } from "./ports.ts";
import { decode } from "./stage-decode.ts";
import { lease } from "./stage-lease.ts";
import { policy } from "./stage-policy.ts";

export function approve(call: Call, options: DispatchOptions, dispatch: Dispatch): void | Promise<void> {
  const { operation } = call.prepared;
  const { ruling } = call;
  if (ruling?.effect !== "ask" || options.approvals.isAnswer?.(operation.id) === true) return undefined;
  if (operation.isSecret === true) {
    const detail = `${operation.id} deals with a secret, which a question would keep; the rule ${ruling.rule} closes it.`;
    throw new Problem(Denied, detail, {
      rule: ruling.rule,
      source: "built-in",
      next: `let somebody make the call whom ${ruling.rule} does not ask, or change that rule (${ruling.source})`,
    });
  }
  const caller = call.caller ?? nobody;
  const argsDigest = digestOf(call.input);
  const { approvalId } = call.request;
  if (approvalId !== undefined && options.approvals.isGranted(approvalId, { operation: operation.id, argsDigest })) {
    call.approvalId = approvalId;
    return undefined;
  }
  refuseSecrets(call.input, options.vault);
  const asking: Asking = { ruling, argsDigest, caller, context: contextOf(call, options, dispatch) };
  return hold(call, asking, options);
}

interface Asking {
  readonly ruling: Ruling;
  readonly argsDigest: string;
  readonly caller: Caller;
  readonly context: Context;
}

/** An agent waits in its call, and so does whatever runs inside; anybody else gets the question's id and comes back. */
async function hold(
  call: Call,
  { ruling, argsDigest, caller, context }: Asking,
  options: DispatchOptions,
): Promise<void> {
  const { operation, key } = call.prepared;
  const { approvals } = options;
  const waitsInside = caller.kind === "agent" || call.request.isInline === true;
  const { approvalId } = await approvals.request({
    operation: operation.id,
    key,
    input: call.input,
    argsDigest,
    scope: call.scope,
    caller,
    corrId: call.corrId,
    preview: await shownPreview(call, caller, context),
    ruling,
    isResumable: !waitsInside,
  });
  if (!waitsInside) {
    call.outcome = { kind: "held", approvalId };
    return;
  }
  const decision = await approvals.decision(approvalId, context.signal);
  call.approvalId = approvalId;
  if (decision.kind === "denied") throw new Problem(ApprovalDenied, decision.reason, { rule: ruling.rule, approvalId });
  if (decision.input !== undefined) edit(call, decision.input);
  // A person takes long to answer, and a policy that came into force meanwhile forbids all the same.
  await policy(call, options.policy);
  if (decision.leaseId !== undefined) {
    lease(call, options);
    // Its signal was worked out before the call had this end.
    call.context = null;
  }
  call.ruling = ruling;
}

/** Looked at like any input: what it reaches, what it costs and what is audited is what the person wrote. */
function edit(call: Call, input: unknown): void {
  call.input = input;
  call.editedInput = input;
  decode(call);
}

/**
 * A preview that fails tells what is there and what is not. Whoever was granted nothing there gets to know it by a person's
 * answer alone.
 */
async function shownPreview(call: Call, caller: Caller, context: Context): Promise<Preview> {
  try {
    return await previewOf(call, context);
  } catch (error) {
    if (!isProblem(error) || mayKnow(caller, call.scope)) throw error;
    const { id, about } = call.prepared.operation;
    return { summary: `${id}: ${about} It cannot be shown: ${error.message}`, canUndo: false };
  }
}

const mayKnow = ({ kind, grants = [] }: Caller, { folder }: Scope): boolean =>
  kind === "person" || folder === undefined || grants.some((grant) => grant.folder === folder);

export async function previewOf({ prepared: { bound, operation }, input }: Call, context: Context): Promise<Preview> {
  if (bound.preview) return await bound.preview(input as never, context);
  return { summary: `${operation.id}: ${operation.about}`, canUndo: false };
}
