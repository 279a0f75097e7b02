/** A person's answer: what it says is checked, and written in one commit with all that follows from it. */
import { type Caller, callerName, isInReach } from "../../contract/caller.ts";
import type { Context, Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied, NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
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
import { LeaseGranted } from "../leases/contract.ts";
import { isAnsweredBy, lastingAnswer, nextWords, termOf } from "./lasting.ts";
import { type EditedCall, editedCall } from "./edit.ts";
import type { Term } from "./offers.ts";
import type { Questions } from "./questions.ts";
import { type ExitDesk, turnedBack } from "./turned-back.ts";
import { approvals as view } from "./views.ts";

export interface DecideDeps extends ExitDesk {
  readonly parts: KernelParts;
  readonly redactor: Redactor;
  readonly blobs: BlobStore;
  readonly questions: Questions;
  /** The emergency stop; asked late, as it ends questions itself. */
  readonly brake?: () => Pick<Brake, "check">;
  /** Asked late, as leases know the halt, which ends questions. */
  readonly leases: () => LeaseDesk;
}

type Said = Static<typeof Decide.input>;

/** Who keeps the leases that answers give. */
export interface LeaseDesk {
  /** Keeps room for one more while it is written. Throws where none may be given now. */
  room(): Disposable;
  /** One was written: takes it back when its run ended or the hub was halted meanwhile. */
  written(leaseId: string): Promise<void>;
}

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
    throw new Problem(BadAnswer, why, { next: nextWords(offers) });
  };
  if (decision === "deny" && lasting !== undefined) refuse("A no allows nothing, neither once nor for longer.");
  if (decision === "deny" && input !== undefined)
    refuse("A call that is denied is not made, so there is nothing to change.");
  if (lasting !== undefined && input !== undefined)
    refuse("What holds for longer is what was asked; changed arguments are allowed once.");
}

async function deny({ ctx, parts, questions, said, known, exits }: Deciding): Promise<void> {
  const { approvalId, reason = `denied by ${callerName(ctx.caller)}` } = said;
  claim(questions, known);
  const actor = parts.act({ caller: ctx.caller, corrId: known.corrId });
  const write: Answer["write"] = () => [
    actor.emit(ApprovalDenied, { approvalId, ...reasonOf(said) }),
    ...turnedBack(known, reason, { exits }),
  ];
  await settle(questions, [{ approvalId, decision: { kind: "denied", reason }, write }]);
}

async function allow(deciding: Deciding): Promise<void> {
  const { ctx, parts, questions, said, known, brake, leases } = deciding;
  const { approvalId, lasting, reason } = said;
  if (said.input !== undefined || lasting !== undefined) refuseBeyondReach(deciding);
  const held = await heldCall(known, deciding);
  const edit = said.input === undefined ? null : await edited(deciding, held);
  const lasts = lasting === undefined ? null : await lastingAnswer({ known, lasting, reason, ctx, parts });
  const others = lasting === undefined ? [] : await answeredToo(deciding, termOf(known, lasting));
  // Much may have happened while the others were looked at; from here on nothing waits until all of it is on its way.
  brake?.().check(ctx.caller, operationOf(parts, known));
  using _room = lasts === null ? null : leases().room();
  claim(questions, known);
  const passed = others.filter((each) => questions.claim(each.known.approvalId));
  const actor = parts.act({ caller: ctx.caller, corrId: known.corrId });
  const leaseId = lasts?.lasting.leaseId;
  const granted = { kind: "granted", ...(leaseId === undefined ? {} : { leaseId }) } as const;
  const own: Answer = {
    approvalId,
    decision: edit === null ? granted : { ...granted, input: edit.input },
    write: () => [
      actor.emit(ApprovalGranted, {
        approvalId,
        ...reasonOf(said),
        ...(edit === null ? {} : { edited: edit.edited }),
        ...(lasts === null ? {} : { lasting: lasts.lasting }),
      }),
      ...(lasts === null ? [] : [actor.emit(LeaseGranted, lasts.lease)]),
      ...queued(deciding, { known, input: edit === null ? held.input : edit.input }),
    ],
  };
  // All in one turn, so that they share a commit: a hub that ends in between has written everything or nothing.
  await settle(questions, [own, ...passed.map((each) => passedWith(each, { deciding, granted }))]);
  if (lasts !== null) await leases().written(lasts.lasting.leaseId);
}

/** A yes lets pass what was asked. Whoever puts another call in its place, or gives more than it, has to reach that by their own token. */
function refuseBeyondReach({ ctx, parts, known }: Deciding): void {
  const { reach } = ctx.caller;
  if (reach === undefined || isInReach(reach, known.key, operationOf(parts, known).effect)) return;
  throw new Problem(
    Denied,
    `The token ${reach.token} does not reach ${known.key}: it answers what was asked, once and unchanged.`,
    {
      key: known.key,
      rule: `access.token:${reach.token}`,
      source: "token",
      next: `answer it once and unchanged, or let a person answer whose token reaches ${known.key}`,
    },
  );
}

/** Questions that one answer lets pass at most; the others wait, and are let pass when they are asked again. */
const answeredTooMax = 200;

/** Other calls that wait and that the same answer speaks of: nobody is asked twice for what they have just allowed. */
async function answeredToo(deciding: Deciding, term: Term): Promise<Passed[]> {
  const { known, parts } = deciding;
  const where = (each: Approval): boolean => isAnsweredBy(each, known, term);
  const found: Passed[] = [];
  for (const { row } of parts.kernel.views.list(view, { limit: answeredTooMax, where }).rows) {
    try {
      const held = await heldCall(row, deciding);
      const { operation, corrId } = row;
      await parts.rehearse({ operation, input: held.input, caller: held.caller, corrId });
      found.push({ known: row, input: held.input });
    } catch (error) {
      // It is refused by now, or cannot be made any more; its own answer says so.
      if (!(error instanceof Problem)) throw error;
    }
  }
  return found;
}

interface Passed {
  readonly known: Approval;
  readonly input: unknown;
}

interface Passing {
  readonly deciding: Deciding;
  readonly granted: Extract<Decision, { kind: "granted" }>;
}

function passedWith(each: Passed, { deciding, granted }: Passing): Answer {
  const { parts, ctx, said } = deciding;
  const { approvalId, corrId } = each.known;
  const coveredBy = { approvalId: said.approvalId, leaseId: granted.leaseId ?? "" };
  const actor = parts.act({ caller: ctx.caller, corrId });
  return {
    approvalId,
    decision: granted,
    write: () => [actor.emit(ApprovalGranted, { approvalId, coveredBy }), ...queued(deciding, each)],
  };
}

const reasonOf = ({ reason, via }: Said): Pick<Said, "reason" | "via"> => ({
  ...(reason === undefined ? {} : { reason }),
  ...(via === undefined ? {} : { via }),
});

const operationOf = ({ kernel }: KernelParts, { operation }: Approval): Operation =>
  kernel.table.operations.get(operation)?.operation as Operation;

function claim(questions: Questions, { approvalId }: Approval): void {
  if (!questions.claim(approvalId)) throw answered(approvalId, "is being answered", undefined);
}

export interface Answer {
  readonly approvalId: string;
  readonly decision: Decision;
  /** The answer's event first, then what follows from it. */
  write(): readonly [Promise<unknown>, ...Promise<unknown>[]];
}

/**
 * Writes the answers to claimed questions in one turn, then tells whoever waits. What could not be written is no answer, and its
 * question waits on; what was written is one, also when something beside it failed.
 */
export async function settle(questions: Questions, answers: readonly Answer[]): Promise<void> {
  const going = answers.map((each) => ({ ...each, writing: each.write() }));
  const written = await Promise.allSettled(going.flatMap(({ writing }) => writing));
  for (const { approvalId, decision, writing } of going) {
    const isWritten = await writing[0].then(
      () => true,
      () => false,
    );
    if (isWritten) questions.settle(approvalId, decision);
    else questions.release(approvalId);
  }
  const failed = written.find((each) => each.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** The very call that was shown: of a caller that waits inside, or as it was kept for the queue. */
interface Held {
  readonly caller: Caller;
  readonly input: unknown;
}

async function heldCall(known: Approval, { parts, blobs, questions }: DecideDeps): Promise<Held> {
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
function queued({ parts }: DecideDeps, { known, input }: Passed): readonly Promise<unknown>[] {
  if (!known.isResumable) return [];
  const { approvalId, caller, corrId } = known;
  const call = { operation: operationOf(parts, known), payload: input, caller, corrId, approvalId, attemptsMax: 1 };
  return [parts.kernel.queue.enqueue(call)];
}
