/** A person's answer: what it says is checked, and written in one commit with all that follows from it. */
import { type Caller, callerName } from "../../contract/caller.ts";
import type { Context, Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { EnqueueRequest } from "../../kernel/kernel.ts";
import type { BlobStore, Brake, Decision, Redactor } from "../../kernel/ports.ts";
import {
  AlreadyAnswered,
  type Approval,
  ApprovalDenied,
  ApprovalGranted,
  ApprovalRequested,
  BadAnswer,
  type Decide,
} from "./contract.ts";
import { type EditedCall, editedCall } from "./edit.ts";
import type { Questions } from "./questions.ts";
import { approvals as view } from "./views.ts";

export interface DecideDeps {
  readonly parts: KernelParts;
  readonly redactor: Redactor;
  readonly blobs: BlobStore;
  readonly questions: Questions;
  /** The emergency stop; asked late, as it ends questions itself. */
  readonly brake?: () => Pick<Brake, "check">;
}

type Said = Static<typeof Decide.input>;

interface Deciding extends DecideDeps {
  readonly said: Said;
  readonly known: Approval;
  readonly ctx: Context;
}

/** Questions of one caller and moment are few; more than this is no inbox. */
const askedMax = 5000;

export async function decide(said: Said, ctx: Context, deps: DecideDeps): Promise<Approval> {
  const { approvalId } = said;
  const row = (): Approval | undefined => deps.parts.kernel.views.get(view, approvalId);
  const known = row();
  if (known === undefined) throw new Problem(NotFound, `there is no approval ${approvalId}`);
  if (known.status !== "waiting") throw answered(approvalId, `is ${known.status}`, known.status);
  refuseContradiction(said, known);
  const deciding: Deciding = { ...deps, said, known, ctx };
  await (said.decision === "allow" ? allow(deciding) : deny(deciding));
  return row() ?? known;
}

const answered = (approvalId: string, how: string, answer: string | undefined): Problem =>
  new Problem(AlreadyAnswered, `approval ${approvalId} ${how}`, { answer });

function refuseContradiction({ decision, lasting, input }: Said, { offers = [] }: Approval): void {
  const refuse = (why: string): never => {
    throw new Problem(BadAnswer, why, { offers });
  };
  if (decision === "deny" && lasting !== undefined) refuse("A no allows nothing, neither once nor for longer.");
  if (decision === "deny" && input !== undefined)
    refuse("A call that is denied is not made, so there is nothing to change.");
  if (lasting !== undefined && input !== undefined)
    refuse("What holds for longer is what was asked; changed arguments are allowed once.");
}

async function deny({ ctx, parts, questions, said, known }: Deciding): Promise<void> {
  const { approvalId, reason } = said;
  claim(questions, known);
  const actor = parts.act({ caller: ctx.caller, corrId: known.corrId });
  const decision: Decision = { kind: "denied", reason: reason ?? `denied by ${callerName(ctx.caller)}` };
  await settle({ questions, answers: [{ approvalId, decision }] }, () => [
    actor.emit(ApprovalDenied, { approvalId, ...reasonOf(said) }),
  ]);
}

async function allow(deciding: Deciding): Promise<void> {
  const { ctx, parts, questions, said, known, brake } = deciding;
  const { approvalId } = said;
  brake?.().check(ctx.caller, operationOf(parts, known));
  const held = await heldCall(deciding);
  const edit = said.input === undefined ? null : await edited(deciding, held);
  claim(questions, known);
  const actor = parts.act({ caller: ctx.caller, corrId: known.corrId });
  const decision: Decision = { kind: "granted", ...(edit === null ? {} : { input: edit.input }) };
  const task = taskOf(deciding, held, edit);
  // All in one turn, so that they share a commit: a hub that ends in between has written everything or nothing.
  await settle({ questions, answers: [{ approvalId, decision }] }, () => [
    actor.emit(ApprovalGranted, {
      approvalId,
      ...reasonOf(said),
      ...(edit === null ? {} : { edited: edit.edited }),
    }),
    ...(task === null ? [] : [parts.kernel.queue.enqueue(task)]),
  ]);
}

const reasonOf = ({ reason }: Said): { reason?: string } => (reason === undefined ? {} : { reason });

const operationOf = ({ kernel }: KernelParts, { operation }: Approval): Operation =>
  kernel.table.operations.get(operation)?.operation as Operation;

function claim(questions: Questions, { approvalId }: Approval): void {
  if (!questions.claim(approvalId)) throw answered(approvalId, "is being answered", undefined);
}

interface Settling {
  readonly questions: Questions;
  readonly answers: readonly { readonly approvalId: string; readonly decision: Decision }[];
}

/** Writes the answers to claimed questions, then tells whoever waits; what cannot be written is no answer. */
export async function settle(
  { questions, answers }: Settling,
  write: () => readonly Promise<unknown>[],
): Promise<void> {
  try {
    await Promise.all(write());
  } catch (error) {
    for (const { approvalId } of answers) questions.release(approvalId);
    throw error;
  }
  for (const { approvalId, decision } of answers) questions.settle(approvalId, decision);
}

/** The very call that was shown: of a caller that waits inside, or as it was kept for the queue. */
interface Held {
  readonly caller: Caller;
  readonly input: unknown;
}

async function heldCall({ known, parts, blobs, questions }: Deciding): Promise<Held> {
  const waiting = questions.waiting(known.approvalId);
  if (waiting !== undefined) return waiting;
  if (!known.isResumable) throw answered(known.approvalId, "is closed: its caller has left", "cancelled");
  const requested = parts.kernel.journal.read({
    corrId: known.corrId,
    kinds: [ApprovalRequested.kind],
    limit: askedMax,
  });
  const asked = requested
    .map((each) => each.data as { approvalId: string; inputRef?: string })
    .find((each) => each.approvalId === known.approvalId);
  const bytes = asked?.inputRef === undefined ? null : await blobs.get(asked.inputRef);
  if (bytes === null) throw new Problem(NotFound, "the held call's input is no longer kept; make the call again");
  return { caller: known.caller, input: JSON.parse(new TextDecoder().decode(bytes)) };
}

const edited = (
  { known, parts, redactor, said }: Deciding,
  { caller, input: original }: Held,
): Promise<EditedCall | null> => editedCall({ known, caller, original, given: said.input ?? {}, parts, redactor });

/** A caller that did not wait: the queue makes the call. */
function taskOf({ known, parts }: Deciding, held: Held, edit: EditedCall | null): EnqueueRequest | null {
  if (!known.isResumable) return null;
  const { approvalId, caller, corrId } = known;
  const payload = edit === null ? held.input : edit.input;
  return { operation: operationOf(parts, known), payload, caller, corrId, approvalId, attemptsMax: 1 };
}
