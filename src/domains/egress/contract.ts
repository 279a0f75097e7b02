/** Egress: what may leave the hub, to where, for how long, and what has left. Closed unless somebody opened it. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, DurationMs, EpochMs, oneOf, SizeBytes, type Static, Type } from "../../contract/schema.ts";
import { Denied, Halted, NotFound } from "../../contract/standard-problems.ts";

export const postures = ["closed", "public", "allowlist", "custom"] as const;
const PostureWord = oneOf(
  postures,
  "`closed`: leases alone open hosts. `public`: every name on ports 80 and 443 that leads to public addresses. `allowlist`: the hosts named. `custom`: what your own policies permit.",
);

/** More hosts than that are no list that somebody wrote. */
export const hostsMax = 500;
export const HostText = Type.String({
  minLength: 1,
  maxLength: 270,
  examples: ["example.org", "*.example.org", "example.org:8443"],
  description: "Host, `*.` and a host for all below it, or a host and a port; without a port 80 and 443.",
});
const Hosts = Type.Array(HostText, { maxItems: hostsMax, description: "Hosts that the posture `allowlist` opens." });
const LeaseId = Type.String({ maxLength: 64, description: "Id of the lease." });
const AgentId = Type.String({ pattern: "^[A-Za-z0-9._:@-]{1,120}$", description: "Only for this agent." });
const Words = Type.String({ maxLength: 500 });

export const PostureState = closed({
  posture: PostureWord,
  hosts: Hosts,
  source: Type.String({ description: "Who set it: `config:egress.posture`, `person:admin`." }),
});
export type PostureState = Static<typeof PostureState>;
export const SetPostureRow = closed({
  posture: PostureWord,
  hosts: Type.Optional(Hosts),
  setBy: Words,
  setAtMs: EpochMs,
});
export type SetPostureRow = Static<typeof SetPostureRow>;

const leaseTerms = {
  leaseId: LeaseId,
  host: HostText,
  isPrivate: Type.Boolean({
    description: "Also where the name leads to an address of this machine or a private network.",
  }),
  agent: Type.Optional(AgentId),
  reason: Type.Optional(Words),
  endsAtMs: EpochMs,
};
export const EgressLease = closed({ ...leaseTerms, grantedBy: Words, grantedAtMs: EpochMs });
export type EgressLease = Static<typeof EgressLease>;

const Reached = {
  operation: Type.String({ maxLength: 200, description: "What wanted it, by its gate key." }),
  host: Type.String({ maxLength: 260 }),
  port: Type.Integer({ minimum: 0, maximum: 65_535 }),
  method: Type.String({ maxLength: 20, description: "Empty where a call was refused before it began." }),
  url: Type.String({
    maxLength: 400,
    description: "Without its query, and without secrets; then host and port alone.",
  }),
  rule: Type.String({ maxLength: 300, description: "What opened or closed it." }),
  source: Type.String({ maxLength: 300, description: "Who wrote that rule, or where it stands." }),
};
const Carried = {
  address: Type.Union([Type.String({ maxLength: 64 }), Type.Null()], {
    description: "Address that was connected to; null when none was.",
  }),
  bytesOut: SizeBytes,
  bytesIn: SizeBytes,
  durationMs: DurationMs,
  status: Type.Union([Type.Integer({ minimum: 0, maximum: 999 }), Type.Null()], {
    description: "Of HTTP; null without an answer.",
  }),
  fault: Type.Union([Words, Type.Null()], { description: "What went wrong, in one word; null when nothing did." }),
};
const Sent = closed({
  ...Reached,
  ...Carried,
  secrets: Type.Array(Type.String({ maxLength: 64 }), {
    maxItems: 64,
    description: "Names of the secrets that went along.",
  }),
});
const Refused = closed({ ...Reached, reason: Words });

export const outcomes = ["sent", "failed", "refused"] as const;
export const LedgerEntry = closed({
  ...Reached,
  ...Carried,
  seq: Type.Integer({ minimum: 0 }),
  outcome: oneOf(outcomes),
  episode: Type.String(),
  caller: Type.String(),
  secrets: Type.Array(Type.String()),
  reason: Type.Union([Words, Type.Null()]),
  atMs: EpochMs,
});
export type LedgerEntry = Static<typeof LedgerEntry>;

export const PostureSet = event({
  kind: "egress.posture.set",
  about: "A person said how far the hub is open towards the outside.",
  data: closed({ posture: PostureWord, hosts: Type.Optional(Hosts) }),
});
export const LeaseGranted = event({
  kind: "egress.lease.granted",
  about: "A person opened a host for a while.",
  data: closed(leaseTerms),
});
export const LeaseRevoked = event({
  kind: "egress.lease.revoked",
  about: "A lease was taken back, and the calls that it had opened were ended.",
  data: closed({ leaseId: LeaseId, reason: Words }),
});
export const LeaseExpired = event({
  kind: "egress.lease.expired",
  about: "The time of a lease is over, and the calls that it had opened were ended.",
  data: closed({ leaseId: LeaseId }),
});
export const EgressSent = event({
  kind: "egress.sent",
  about: "Something was sent out of the hub, or the connection for it failed; told once it is over.",
  data: Sent,
});
export const EgressRefused = event({
  kind: "egress.refused",
  about: "Something wanted to leave the hub, and a rule, a person or a ceiling refused it before anything was sent.",
  data: Refused,
});

export const BadAddress = problem({
  code: "egress.bad-address",
  status: 400,
  title: "No address to go to",
  about: "The hub goes to `http` and `https` addresses without user and password, whose host is a name or a number.",
});
export const BadHeader = problem({
  code: "egress.bad-header",
  status: 400,
  title: "Header not allowed",
  about: "Headers about the connection, cookies and what a proxy would write are the hub's own to set.",
});
export const BadHost = problem({
  code: "egress.bad-host",
  status: 400,
  title: "Not a host",
  about: "A host is a name or an address, perhaps with a port: `example.org`, `*.example.org`, `192.168.1.5:8080`.",
});
export const TooManyLeases = problem({
  code: "egress.too-many-leases",
  status: 409,
  title: "Too many leases",
  about: "The hub keeps 200 leases. Revoke one that is not needed any more: `arw egress revoke ID`.",
});
export const NotReached = problem({
  code: "egress.not-reached",
  status: 502,
  title: "The other side gave no answer",
  about:
    "The name is unknown, nobody answers, the certificate does not fit, or the answer is unreadable; `fault` says which.",
});
export const TooSlow = problem({
  code: "egress.too-slow",
  status: 504,
  title: "The other side took too long",
  about: "No connection, no answer or no end of it came within the limits of the call.",
});
/** What an operation that sends something declares. */
export const sendProblems = [BadAddress, BadHeader, Denied, NotReached, TooSlow] as const;
/** And what is told of it. */
export const sendEvents = [EgressSent, EgressRefused] as const;

const forPersons = { isForPersons: true, isOpenWhenHalted: true } as const;

export const ShowPosture = op({
  id: "egress.posture",
  http: "GET /egress/posture",
  cli: "egress posture",
  effect: "read",
  isWayOut: true,
  isReadPastRules: true,
  about: "Show how far the hub is open towards the outside, and who set it so.",
  input: closed({}),
  output: PostureState,
});
export const SetPosture = op({
  id: "egress.posture.set",
  http: "PUT /egress/posture",
  cli: "egress posture set <posture>",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  ...forPersons,
  about:
    "Set how far the hub is open towards the outside; what is closed by it ends at once, and a halted hub is only closed.",
  input: closed({ posture: PostureWord, hosts: Type.Optional(Hosts) }),
  output: PostureState,
  problems: [BadHost, Halted],
  emits: [PostureSet],
});
export const AllowHost = op({
  id: "egress.allow",
  http: "POST /egress/leases",
  cli: "egress allow <host>",
  effect: "write",
  isForPersons: true,
  about: "Open one host for a while.",
  input: closed({
    host: HostText,
    ttl: Type.Optional(
      Type.String({
        pattern: "^[1-9][0-9]{0,5}(s|m|h|d)$",
        default: "1h",
        description: "How long, as `90s`, `15m`, `2h` or `7d`; at most 14 days.",
      }),
    ),
    isPrivate: Type.Optional(leaseTerms.isPrivate),
    agent: Type.Optional(AgentId),
    reason: Type.Optional(Words),
  }),
  output: EgressLease,
  problems: [BadHost, TooManyLeases],
  emits: [LeaseGranted],
});
export const RevokeLease = op({
  id: "egress.revoke",
  http: "DELETE /egress/leases/{leaseId}",
  cli: "egress revoke <leaseId>",
  effect: "destroy",
  isWayOut: true,
  ...forPersons,
  about: "Close a host that a lease opened; calls that are under way to it end.",
  input: closed({ leaseId: LeaseId }),
  output: EgressLease,
  problems: [NotFound],
  emits: [LeaseRevoked],
});

const Verdict = closed({
  isOpen: Type.Boolean(),
  rule: Type.String(),
  source: Type.String(),
  reason: Type.String(),
});
export const Preview = op({
  id: "egress.preview",
  http: "POST /egress/preview",
  cli: "egress preview <url>",
  effect: "read",
  about: "Say what a request would send, to where, and which rule opens or closes it, without sending it.",
  input: closed({
    url: Type.String({ minLength: 1, maxLength: 8192 }),
    method: Type.Optional(Type.String({ pattern: "^[A-Z]{3,10}$", default: "GET" })),
    headers: Type.Optional(
      Type.Record(Type.String({ maxLength: 200 }), Type.String({ maxLength: 8192 }), { maxProperties: 64 }),
    ),
    body: Type.Optional(Type.String({ maxLength: 1_000_000 })),
    agent: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9._:@-]{1,120}$",
        description: "Answer for a call of this agent instead of your own.",
      }),
    ),
  }),
  output: closed({
    url: Type.String(),
    host: Type.String(),
    port: Type.Integer(),
    method: Type.String(),
    ...Verdict.properties,
    addresses: Type.Array(closed({ address: Type.String(), kind: Type.String(), isOpen: Type.Boolean() }), {
      description: "What the name stands for now; empty where even the look-up is not open.",
    }),
    bytesOut: Type.Integer({ description: "Size of what would be sent, without encryption." }),
    headers: Type.Array(Type.String(), { description: "Names of the headers that would be sent." }),
    secrets: Type.Array(Type.String(), { description: "Names of the secrets that would go along." }),
  }),
  problems: [BadAddress, BadHeader],
});
export type PreviewAnswer = Static<typeof Preview.output>;
