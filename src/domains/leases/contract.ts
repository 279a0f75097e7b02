/** Leases: permissions that a person gives for a while, which end by themselves. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import {
  closed,
  CorrelationId,
  EpochMs,
  FolderPath,
  oneOf,
  RelativePath,
  type Static,
  Type,
} from "../../contract/schema.ts";
import { Halted, NotFound } from "../../contract/standard-problems.ts";

const LeaseId = Type.String({ minLength: 1, maxLength: 64, description: "Id of the lease." });
const Words = Type.String({ maxLength: 500 });

/**
 * What it permits: the operation whose gate key it names, or every operation all of whose needs it names. Whoever may send to
 * a host (`net:send`) may also read what comes back (`net:fetch`).
 */
export const Capability = Type.String({
  pattern: "^(\\*|[a-z][A-Za-z0-9:-]{0,198}\\*?)$",
  examples: ["fs:write", "web:*", "net:send", "exec"],
  description: "A gate key such as `fs:write`, a beginning such as `web:*`, or a need such as `net:send` or `exec`.",
});
/** As people write it: an operation's id is its gate key. */
const CapabilityText = Type.String({ ...Capability, pattern: "^(\\*|[a-z][A-Za-z0-9:.-]{0,198}\\*?)$" });
export const Holder = Type.String({
  pattern: "^(person|agent|plugin|node):(\\*|[A-Za-z0-9._:@-]{1,120})$",
  examples: ["agent:scout", "agent:*"],
  description: "Who may use it: a caller such as `agent:scout`, or all of a kind such as `agent:*`.",
});
const Host = Type.String({
  minLength: 1,
  maxLength: 270,
  examples: ["example.org", "*.example.org", "example.org:8443"],
  description: "Only calls to this host; without a port 80 and 443.",
});
const scopeFields = {
  folder: Type.Optional(FolderPath),
  path: Type.Optional(RelativePath),
  host: Type.Optional(Host),
  tool: Type.Optional(
    Type.String({
      minLength: 3,
      maxLength: 300,
      examples: ["files/write_file"],
      description: "Only this tool of an MCP server, as `files/write_file`.",
    }),
  ),
  run: Type.Optional(CorrelationId),
};
/** What is not named is not narrowed: a lease without a folder holds in every folder. */
export const LeaseScope = closed({
  ...scopeFields,
  operation: Type.Optional(
    Type.String({
      maxLength: 200,
      description: "Only this operation, where a person's answer to its question gave it.",
    }),
  ),
});
export type LeaseScope = Static<typeof LeaseScope>;

const Amount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const leaseUnits = ["tokens", "microUsd", "bytesOut", "bytesWritten"] as const;
/** Money in millionths. */
export const Amounts = closed({
  tokens: Type.Optional(Amount),
  microUsd: Type.Optional(Amount),
  bytesOut: Type.Optional(Amount),
  bytesWritten: Type.Optional(Amount),
});
export type Amounts = Static<typeof Amounts>;

const usesMax = 1_000_000;
const Uses = Type.Integer({ minimum: 0, maximum: usesMax });
const terms = {
  leaseId: LeaseId,
  capability: Capability,
  scope: LeaseScope,
  holder: Holder,
  endsAtMs: EpochMs,
  uses: Type.Optional(Type.Integer({ minimum: 1, maximum: usesMax, description: "How many calls it lets pass." })),
  budget: Type.Optional(Amounts),
  reason: Type.Optional(Words),
  approvalId: Type.Optional(Type.String({ maxLength: 64, description: "The question whose answer gave it." })),
};
export const Lease = closed({
  ...terms,
  usesLeft: Type.Optional(Uses),
  budgetLeft: Type.Optional(Amounts),
  grantedBy: Words,
  grantedAtMs: EpochMs,
});
export type Lease = Static<typeof Lease>;

export const LeaseGranted = event({
  kind: "leases.granted",
  about: "A person permitted something for a while.",
  data: closed(terms),
});
export const LeaseRevoked = event({
  kind: "leases.revoked",
  about: "A lease was taken back, or its run ended; the calls that it had let pass were ended.",
  data: closed({ leaseId: LeaseId, reason: Words }),
});
export const LeaseExpired = event({
  kind: "leases.expired",
  about: "The time of a lease is over, and the calls that it had let pass were ended.",
  data: closed({ leaseId: LeaseId }),
});
export const LeaseUsed = event({
  kind: "leases.used",
  about: "A lease that counts let a call pass; the most that the call can use was taken from it before the call ran.",
  data: closed({ leaseId: LeaseId, tool: Type.String({ maxLength: 200 }), taken: Amounts }),
});
export const LeaseSettled = event({
  kind: "leases.settled",
  about: "A call used less or more than was taken from its lease: the rest is back, what was over is taken, too.",
  data: closed({
    leaseId: LeaseId,
    tool: Type.String({ maxLength: 200 }),
    back: Amounts,
    over: Type.Optional(Amounts),
  }),
});

export const BadLease = problem({
  code: "leases.bad-lease",
  status: 400,
  title: "Not a lease",
  about:
    "A lease names what it permits, to whom and for how long; its host is a host, and its budget is amounts such as `1 MB out`, `5 MB written`, `2 USD` or `1000 tokens`.",
});
export const TooManyLeases = problem({
  code: "leases.too-many-leases",
  status: 409,
  title: "Too many leases",
  about: "The hub keeps 200 leases. Revoke one that is not needed any more: `arw lease revoke ID`.",
});

export const leaseKinds = ["call", "host"] as const;
/** A lease as a person sees it: of calls, or of a host that `arw egress allow` opened. */
export const ListedLease = closed({
  kind: oneOf(leaseKinds, "`call`: lets calls pass. `host`: opens a host at the wire; its capability is `net:fetch`."),
  ...Lease.properties,
  holder: Type.String({ description: "`*` where everybody holds it." }),
  leftMs: Type.Integer({ minimum: 0, description: "Milliseconds until it ends." }),
});
export type ListedLease = Static<typeof ListedLease>;

export const GrantLease = op({
  id: "leases.grant",
  http: "POST /leases",
  cli: "lease grant <capability>",
  effect: "write",
  isForPersons: true,
  about: "Permit something to an agent, a plugin, a node or a person for a while.",
  input: closed({
    capability: CapabilityText,
    holder: Holder,
    ttl: Type.Optional(
      Type.String({
        pattern: "^[1-9][0-9]{0,5}(s|m|h|d)$",
        default: "15m",
        description: "How long, as `90s`, `15m`, `2h` or `7d`; at most 14 days.",
      }),
    ),
    ...scopeFields,
    uses: terms.uses,
    budget: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
        minItems: 1,
        maxItems: leaseUnits.length,
        description: "What its calls may use up together: `1 MB out`, `5 MB written`, `2 USD`, `1000 tokens`.",
      }),
    ),
    reason: terms.reason,
    approvalId: terms.approvalId,
  }),
  output: ListedLease,
  problems: [BadLease, TooManyLeases, Halted],
  emits: [LeaseGranted],
});
export const ListLeases = op({
  id: "leases.list",
  http: "GET /leases",
  cli: "leases",
  effect: "read",
  isWayOut: true,
  isForPersons: true,
  isReadPastRules: true,
  about: "List what is permitted for a while, hosts that are open among it, and how long each lasts.",
  input: closed({}),
  output: closed({ leases: Type.Array(ListedLease) }),
});
export const RevokeLease = op({
  id: "leases.revoke",
  http: "DELETE /leases/{leaseId}",
  cli: "lease revoke <leaseId>",
  effect: "destroy",
  isWayOut: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Take a lease back; the calls that it had let pass end at once.",
  input: closed({ leaseId: LeaseId }),
  output: ListedLease,
  problems: [NotFound],
  emits: [LeaseRevoked],
});
