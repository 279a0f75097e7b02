/** Turns calls that change something, and what persons decided, into rows of the audit log. */
import type { Domain } from "../../contract/domain.ts";
import type { Envelope } from "../../contract/event.ts";
import { bind } from "../../contract/operation.ts";
import type { Static } from "../../contract/schema.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Log, Redactor, Sample } from "../../kernel/ports.ts";
import {
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
  Decide,
} from "../approvals/contract.ts";
import { type AuditEntry, List, Verify } from "./contract.ts";
import type { AuditTrail } from "./port.ts";

export interface AuditDeps {
  readonly trail: AuditTrail;
  readonly clock: Pick<Clock, "nowMs">;
  readonly redactor: Pick<Redactor, "text">;
  readonly log: Pick<Log, "error">;
}

export interface Audit {
  /** To be told of every call. Quick, and never throws. */
  onSample(sample: Sample): void;
  domain(parts: KernelParts): Domain;
}

const whyLengthMax = 500;
const limitDefault = 50;
/** An episode asks seldom; a question older than this many is found no more, and its row says less. */
const questionsMax = 5000;
const answers = {
  [ApprovalGranted.kind]: "granted",
  [ApprovalDenied.kind]: "denied",
  [ApprovalExpired.kind]: "expired",
  [ApprovalCancelled.kind]: "cancelled",
} as const;

export function createAudit(deps: AuditDeps): Audit {
  const { trail, clock, redactor, log } = deps;
  const append = (entry: AuditEntry): void => {
    const why = entry.why === undefined ? undefined : redactor.text(entry.why).slice(0, whyLengthMax);
    trail.append(why === undefined ? entry : { ...entry, why });
  };
  return {
    onSample(sample) {
      try {
        const entry = entryOf(sample, clock.nowMs());
        if (entry !== null) append(entry);
      } catch (error) {
        log.error("a call could not be put into the audit log", { operation: sample.operation, error: String(error) });
      }
    },
    domain: (parts) => ({
      name: "audit",
      operations: [
        bind(Verify, () => trail.verify()),
        bind(List, async ({ limit = limitDefault, beforeSeq }) => {
          const rows = await trail.list({ limit, ...(beforeSeq === undefined ? {} : { beforeSeq }) });
          const last = rows.at(-1);
          return { rows, nextBeforeSeq: last === undefined || rows.length < limit || last.seq === 1 ? null : last.seq };
        }),
      ],
      events: [],
      views: [],
      start() {
        parts.bus.listen(Object.keys(answers), (envelope) => {
          const outcome = answers[envelope.kind];
          if (outcome !== undefined) append(answerEntry(envelope, { outcome, parts }));
        });
        return Promise.resolve();
      },
    }),
  };
}

/**
 * Null for what changes nothing and for what the hub does by itself. Strangers count only where the door is open to them:
 * anything else they try is refused before it is read, as often as they like, and would flood the log.
 */
function entryOf(sample: Sample, timeMs: number): AuditEntry | null {
  const { change, caller, operation, code, status, corrId } = sample;
  if (change === undefined || caller.startsWith("system:")) return null;
  if (caller === "anonymous" && !(change.isPublic && (status === 200 || status === 401))) return null;
  // The answer itself is a row, with more in it.
  if (operation === Decide.id && change.outcome === "answered") return null;
  const { folder, path, host } = change.scope;
  return {
    timeMs,
    caller,
    operation,
    key: change.key,
    ...(folder === undefined ? {} : { folder }),
    ...(path === undefined ? {} : { path }),
    ...(host === undefined ? {} : { host }),
    // The hash of a short secret gives it away, and who signs in sends one, too.
    ...(change.isPublic || change.isSecret ? {} : { argsDigest: change.argsDigest() }),
    outcome: change.outcome,
    ...(change.outcome === "refused" ? { code } : {}),
    ...(change.detail === null ? {} : { why: change.detail }),
    ...(change.approvalId === null ? {} : { approvalId: change.approvalId }),
    corrId,
  };
}

interface Answering {
  readonly outcome: (typeof answers)[keyof typeof answers];
  readonly parts: KernelParts;
}

function answerEntry(envelope: Envelope, { outcome, parts }: Answering): AuditEntry {
  // Its kind says that it is one of the four answers, which share a shape and were checked when they were written.
  const { approvalId, reason } = envelope.data as Static<typeof ApprovalGranted.data>;
  const asked = questionOf(parts, { approvalId, corrId: envelope.corrId });
  return {
    timeMs: envelope.timeMs,
    caller: envelope.caller,
    operation: asked?.operation ?? Decide.id,
    ...(asked === undefined
      ? {}
      : {
          key: asked.key,
          ...(asked.folder === undefined ? {} : { folder: asked.folder }),
          ...(asked.path === undefined ? {} : { path: asked.path }),
          argsDigest: asked.argsDigest,
        }),
    outcome,
    ...whyOf(reason, asked),
    approvalId,
    corrId: envelope.corrId,
  };
}

/** The person's words, or else the rule that asked. */
function whyOf(reason: string | undefined, asked: Question | undefined): Pick<AuditEntry, "why"> {
  if (reason !== undefined && reason !== "") return { why: reason };
  return asked === undefined ? {} : { why: `asked by ${asked.rule}; no reason was given` };
}

type Question = Static<typeof ApprovalRequested.data>;

function questionOf(
  { kernel }: KernelParts,
  { approvalId, corrId }: { readonly approvalId: string; readonly corrId: string },
): Question | undefined {
  return kernel.journal
    .read({ corrId, kinds: [ApprovalRequested.kind], limit: questionsMax, order: "desc" })
    .map((each) => each.data as Question)
    .find((each) => each.approvalId === approvalId);
}
