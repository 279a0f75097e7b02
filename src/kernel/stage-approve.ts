/** The stage that asks: a call that a policy wants a person to see waits for the answer. */
import { digestOf } from "../base/canonical-json.ts";
import type { Caller } from "../contract/caller.ts";
import type { Context, Preview } from "../contract/operation.ts";
import { Problem } from "../contract/problem.ts";
import { ApprovalDenied, Denied } from "../contract/standard-problems.ts";
import { refuseSecrets } from "./sealed.ts";
import { type Call, contextOf, type Dispatch, type DispatchOptions, nobody } from "./call.ts";
import type { Approvals } from "./ports.ts";

export function approve(call: Call, options: DispatchOptions, dispatch: Dispatch): void | Promise<void> {
  const { operation } = call.prepared;
  const { ruling } = call;
  if (ruling?.effect !== "ask") return undefined;
  if (operation.isSecret === true) {
    const detail = `${operation.id} deals with a secret, which a question would keep; the rule ${ruling.rule} closes it.`;
    throw new Problem(Denied, detail, { rule: ruling.rule, source: "built-in" });
  }
  const caller = call.caller ?? nobody;
  const argsDigest = digestOf(call.input);
  const { approvalId } = call.request;
  if (approvalId !== undefined && options.approvals.isGranted(approvalId, { operation: operation.id, argsDigest })) {
    call.approvalId = approvalId;
    return undefined;
  }
  refuseSecrets(call.input, options.vault);
  return hold(call, {
    rule: ruling.rule,
    argsDigest,
    caller,
    context: contextOf(call, options, dispatch),
    approvals: options.approvals,
  });
}

interface Holding {
  readonly rule: string;
  readonly argsDigest: string;
  readonly caller: Caller;
  readonly context: Context;
  readonly approvals: Approvals;
}

/** An agent waits in its call, and so does whatever runs inside; anybody else gets the question's id and comes back. */
async function hold(call: Call, { rule, argsDigest, caller, context, approvals }: Holding): Promise<void> {
  const { bound, operation, key } = call.prepared;
  const preview: Preview = bound.preview
    ? await bound.preview(call.input as never, context)
    : { summary: `${operation.id}: ${operation.about}`, canUndo: false };
  const waitsInside = caller.kind === "agent" || call.request.isInline === true;
  const { approvalId } = await approvals.request({
    operation: operation.id,
    key,
    input: call.input,
    argsDigest,
    scope: call.scope,
    caller,
    corrId: call.corrId,
    preview,
    rule,
    isResumable: !waitsInside,
  });
  if (!waitsInside) {
    call.outcome = { kind: "held", approvalId };
    return;
  }
  const decision = await approvals.decision(approvalId, context.signal);
  call.approvalId = approvalId;
  if (decision.kind === "denied") throw new Problem(ApprovalDenied, decision.reason, { rule, approvalId });
}
