/** Audit: who changed rights, files, models or settings, in a log that shows when it was tampered with. */
import { op } from "../../contract/operation.ts";
import { closed, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";

const RowSeq = Type.Integer({ minimum: 1, description: "Position in the audit log; the first row is 1." });
const Hash = Type.String({ pattern: "^[0-9a-f]{64}$" });

const entryFields = {
  timeMs: EpochMs,
  caller: Type.String({ maxLength: 200, description: "Who: `person:admin`, `agent:scout`, `anonymous`." }),
  operation: Type.String({ maxLength: 200, description: "What was called, or which call was decided on." }),
  key: Type.Optional(Type.String({ maxLength: 200, description: "Gate key of it." })),
  folder: Type.Optional(Type.String({ maxLength: 4096 })),
  path: Type.Optional(Type.String({ maxLength: 4096 })),
  host: Type.Optional(Type.String({ maxLength: 4096 })),
  argsDigest: Type.Optional(Type.String({ maxLength: 80, description: "SHA-256 of the arguments." })),
  outcome: oneOf(
    ["answered", "queued", "held", "refused", "granted", "denied", "expired", "cancelled", "lost"],
    "What came of it: of a call the first four, of a question to a person the next four.",
  ),
  code: Type.Optional(Type.String({ maxLength: 200, description: "Code of the problem of a refused call." })),
  why: Type.Optional(
    Type.String({
      maxLength: 500,
      description: "What permitted the call, the reason that was given, or the refusal's words.",
    }),
  ),
  approvalId: Type.Optional(Type.String({ maxLength: 64, description: "The question that let the call pass." })),
  corrId: Type.Optional(Type.String({ maxLength: 64 })),
};
export const AuditEntry = closed(entryFields);
export type AuditEntry = Static<typeof AuditEntry>;

export const AuditRow = closed({
  seq: RowSeq,
  ...entryFields,
  prevHash: Type.String({ pattern: "^[0-9a-f]{64}$", description: "Hash of the row before; 64 zeros for the first." }),
  hash: Hash,
});
export type AuditRow = Static<typeof AuditRow>;

export const AuditVerdict = closed({
  ok: Type.Boolean(),
  rows: Type.Integer({ description: "Rows that hold, up to the first fault." }),
  files: Type.Array(Type.String(), { description: "Files that were read, oldest first." }),
  firstSeq: Type.Union([RowSeq, Type.Null()], { description: "Oldest row that is kept." }),
  lastSeq: Type.Union([RowSeq, Type.Null()]),
  fault: Type.Union([
    closed({
      file: Type.String(),
      line: Type.Integer({ minimum: 1 }),
      seq: Type.Union([RowSeq, Type.Null()], { description: "Null when the line says none." }),
      reason: Type.String(),
    }),
    Type.Null(),
  ]),
});
export type AuditVerdict = Static<typeof AuditVerdict>;

export const Verify = op({
  id: "audit.verify",
  http: "GET /audit/verify",
  cli: "audit verify",
  effect: "read",
  about: "Walk the audit log's hash chain and name the first row that is not what was written.",
  input: closed({}),
  output: AuditVerdict,
});
export const List = op({
  id: "audit.list",
  http: "GET /audit",
  cli: "audit list",
  effect: "read",
  about: "List decisions that changed rights, files, models or settings, newest first.",
  input: closed({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
    beforeSeq: Type.Optional(Type.Integer({ minimum: 1, description: "Only rows before this position." })),
  }),
  output: closed({
    rows: Type.Array(AuditRow),
    nextBeforeSeq: Type.Union([RowSeq, Type.Null()], { description: "What to ask for next; null at the end." }),
  }),
});
