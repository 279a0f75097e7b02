/** Journal: proving it, taking it elsewhere, and letting go of old data. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, Seq, type Static, Type } from "../../contract/schema.ts";
import { StoreFailed } from "../../contract/standard-problems.ts";

const Count = Type.Integer({ minimum: 0 });
const Hash = Type.String({ pattern: "^[0-9a-f]{64}$" });

export const Dropped = event({
  kind: "journal.dropped",
  about: "Retention lets go of the data of old events; the events themselves stay, and the chain holds.",
  data: closed({
    drops: Type.Array(closed({ kind: Type.String(), toSeq: Seq, events: Type.Integer({ minimum: 1 }) }), {
      minItems: 1,
      maxItems: 1000,
    }),
  }),
});

/** Events that one of these names. */
export const erasedMax = 1000;
export const Erased = event({
  kind: "journal.erased",
  about:
    "The data of these events was let go of because a person had it forgotten; the events stay, and the chain holds.",
  data: closed({ kind: Type.String(), seqs: Type.Array(Seq, { minItems: 1, maxItems: erasedMax }) }),
});

export const Altered = event({
  kind: "journal.altered",
  about: "The start found that events were cut off the journal's end, or put on there, while no hub ran.",
  data: closed({ what: oneOf(["cut", "added"]), fromSeq: Seq, toSeq: Seq }),
});

export const Broken = problem({
  code: "journal.broken",
  status: 409,
  title: "The journal is not what was written",
  about:
    "Rows were changed, removed or added behind the hub's back. `faults` names them; restore a backup, or export what is whole.",
});
export const NotEmpty = problem({
  code: "journal.not-empty",
  status: 409,
  title: "This hub has a past",
  about:
    "Events keep their positions, so they can only be read into a hub that has none. Stop the hub and import with `--local` into a new state directory.",
});
export const BadFile = problem({
  code: "journal.bad-file",
  status: 422,
  title: "Not a whole journal",
  about: "The file cannot be read as the events of one hub from the first one on. Nothing was taken from it.",
});

export const LacksData = problem({
  code: "journal.lacks-data",
  status: 409,
  title: "Events without data",
  about:
    "Retention dropped data before this file was written, so the rows that rest on it cannot be made again. A backup has them: `arw restore`. With `mayLackRows` the import goes without; nothing was taken yet.",
});

const Fault = closed({
  seq: Seq,
  what: oneOf(["changed", "missing", "inserted", "emptied"]),
  reason: Type.String(),
});
/** Faults shown; all are counted. */
export const faultsShownMax = 100;

export const Verify = op({
  id: "journal.verify",
  http: "GET /journal/verify",
  cli: "journal verify",
  mode: "many",
  effect: "read",
  about: "Prove that the journal is what was written, and name every row that was changed, removed or added.",
  input: closed({}),
  output: closed({
    events: Count,
    ofEvents: Count,
    tombstones: Type.Integer({ minimum: 0, description: "Events whose data retention dropped." }),
    faults: Type.Array(Fault, { description: "What is wrong since the last item." }),
    isDone: Type.Boolean(),
    hash: Type.Optional(Hash),
  }),
  problems: [Broken],
});

/** One line of an export: every column, so that the chain can be proven elsewhere. */
export const ExportedRow = closed({
  seq: Type.Integer({ minimum: 1 }),
  id: Type.String({ minLength: 1, maxLength: 200 }),
  timeMs: EpochMs,
  kind: Type.String({ minLength: 1, maxLength: 200 }),
  version: Type.Integer({ minimum: 1 }),
  corrId: Type.String({ maxLength: 200 }),
  causeId: Type.Union([Type.String({ maxLength: 200 }), Type.Null()]),
  node: Type.String({ maxLength: 200 }),
  caller: Type.String({ maxLength: 200 }),
  data: Type.Unknown({ description: "Null where retention dropped it." }),
  dropped: Type.Optional(Type.Literal(true, { description: "It did, as lines of a tee say." })),
  format: Type.Optional(Type.Integer({ minimum: 1 })),
  dataHash: Type.Optional(Hash),
  prevHash: Type.Optional(Hash),
  hash: Type.Optional(Hash),
});
export type ExportedRow = Static<typeof ExportedRow>;

export const Export = op({
  id: "journal.export",
  http: "GET /journal/export",
  cli: "journal export",
  mode: "many",
  effect: "read",
  about: "Write out the journal, one event a line with its hashes; `arw events import` reads it.",
  input: closed({
    afterSeq: Type.Optional(Type.Integer({ minimum: 0, description: "Only what came after this position." })),
    toSeq: Type.Optional(Type.Integer({ minimum: 0, description: "Nothing after this position." })),
  }),
  output: ExportedRow,
});

export const Import = op({
  id: "journal.import",
  http: "POST /journal/import",
  cli: "events import <file>",
  mode: "many",
  effect: "destroy",
  about: "Read an export or a tee, with the rotated files beside it, into a hub that has no events yet.",
  input: closed({
    file: Type.String({ minLength: 1, maxLength: 4096, description: "File on the hub's machine, as a whole path." }),
    mayLackRows: Type.Optional(
      Type.Boolean({
        default: false,
        description: "Take events without their data, too; what rests on them is not in the views then.",
      }),
    ),
  }),
  output: closed({
    stage: oneOf(["checked", "written", "done"]),
    events: Count,
    tombstones: Type.Integer({ minimum: 0, description: "Events that came without their data." }),
    isChainProven: Type.Boolean({ description: "Every line had its hash, and each was right." }),
  }),
  problems: [NotEmpty, BadFile, LacksData, StoreFailed],
});

export const Compact = op({
  id: "journal.compact",
  http: "POST /journal/compact",
  cli: "journal compact",
  mode: "job",
  effect: "destroy",
  isIdempotent: true,
  about: "Let go of old data by the retention rules now, and give the space back to the disk.",
  input: closed({}),
  output: closed({
    dropped: Type.Integer({ minimum: 0, description: "Events that lost their data." }),
    freedPages: Type.Integer({ minimum: 0, description: "Pages of 4096 bytes given back to the disk." }),
  }),
  emits: [Dropped],
});
