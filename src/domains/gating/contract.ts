/** Gating: rules that deny, kept outside every prompt. */
import { Caller } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { keyFamilies } from "../../contract/gate-keys.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, Seq, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { PolicyRefused, PolicyReloaded } from "../policy/contract.ts";

export const ListKeys = op({
  id: "gating.keys",
  http: "GET /gate/keys",
  cli: "gate keys",
  effect: "read",
  isWayOut: true,
  about: "List every key that a rule can name, with what it is for and whether a rule denies it to you now.",
  input: closed({
    family: Type.Optional(oneOf(keyFamilies, "Only keys of this family.")),
    prefix: Type.Optional(Type.String({ maxLength: 256, description: "Only keys that begin so." })),
  }),
  output: closed({
    keys: Type.Array(
      closed({
        key: Type.String(),
        title: Type.String(),
        family: oneOf(keyFamilies),
        stability: oneOf(["stable", "preview"]),
        about: Type.String({ description: "What a rule on this key stops." }),
        deniedBy: Type.Union([Type.String(), Type.Null()]),
      }),
    ),
  }),
});

/** As many as a hub keeps without noticing; a larger set is a fault of whoever makes it. */
export const contractsMax = 100_000;
/** What comes from elsewhere must leave room for the rules of this hub. */
export const foreignContractsMax = 20_000;
/** A year: what renews itself more seldom is not renewed but forgotten. */
const renewSecsMax = 31_622_400;

export const ContractId = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$",
  description: "Names the contract among those of its source.",
});
export const KeyPattern = Type.String({
  pattern: "^(\\*|[a-z][A-Za-z0-9_.:-]*\\*?)$",
  maxLength: 200,
  description: "A gate key, or the beginning of one with `*` behind it.",
});
const Terms = {
  patterns: Type.Array(KeyPattern, { minItems: 1, maxItems: 256 }),
  subjectRole: Type.Optional(
    Type.String({ maxLength: 20, description: "Only while the hub has this role; letter case does not count." }),
  ),
  subjectNode: Type.Optional(
    Type.String({ minLength: 1, maxLength: 120, description: "Only on the node of this id, or when it calls." }),
  ),
  subjectAgent: Type.Optional(
    Type.String({ minLength: 1, maxLength: 120, description: "Only when this agent calls." }),
  ),
  tagsAny: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      minItems: 1,
      maxItems: 64,
      description: "Only when the hub or the call has one of these tags.",
    }),
  ),
  validFromMs: Type.Optional({ ...EpochMs, description: "Denies from this moment on, in epoch milliseconds." }),
  validToMs: Type.Optional({ ...EpochMs, description: "Denies up to and with this moment, in epoch milliseconds." }),
  autoRenewSecs: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: renewSecsMax,
      description: "Seconds for which an ended contract goes on when it is met again; 0 lets it end.",
    }),
  ),
  immutable: Type.Optional(
    Type.Boolean({ description: "While it is active, nothing changes or removes it. Needs an end." }),
  ),
  quotaLimit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: "Calls of each key that pass in one window." }),
  ),
  quotaWindowSecs: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: renewSecsMax,
      description: "Length of the window in seconds; it begins with the first call.",
    }),
  ),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 300, description: "Told to whoever is denied." })),
};
/** Denies the keys of its patterns to its subjects while it is valid; with a quota, it denies what is above it. */
export const Contract = closed({ id: ContractId, ...Terms });
export type Contract = Static<typeof Contract>;

export const ContractPut = event({
  kind: "gating.contract.put",
  about: "A contract was added, or another took the place of the one with its id.",
  data: closed({ contract: Contract, by: Caller }),
});
export const ContractRemoved = event({
  kind: "gating.contract.removed",
  about: "A contract was removed.",
  data: closed({ id: ContractId, by: Caller }),
});
const SourceName = Type.String({ maxLength: 300, description: "Where the contract was written." });
export const QuotaCounted = event({
  kind: "gating.quota.counted",
  about: "A call passed under a quota and was counted.",
  data: closed({
    source: SourceName,
    contract: Type.String({ maxLength: 200 }),
    key: Type.String({ maxLength: 256 }),
    count: Type.Integer({ minimum: 1, description: "Calls of the key in this window, this one included." }),
    windowStartMs: { ...EpochMs, description: "When the window began, in epoch milliseconds." },
    ended: Type.Array(Type.String({ maxLength: 256 }), { description: "Keys whose windows ended." }),
  }),
});
export const QuotaForgotten = event({
  kind: "gating.quota.forgotten",
  about: "The counts of a contract that is no more were let go.",
  data: closed({ source: SourceName, contract: Type.String({ maxLength: 200 }) }),
});

export const ContractRefused = problem({
  code: "gating.contract-refused",
  status: 422,
  title: "Contract is not possible",
  about: "The parts of the contract contradict each other, or could never be taken back. The detail says which.",
});
export const ContractFixed = problem({
  code: "gating.contract-fixed",
  status: 409,
  title: "Contract cannot be changed now",
  about: "The contract is immutable while it is active. `untilMs` says when it ends.",
});
export const TooManyContracts = problem({
  code: "gating.too-many-contracts",
  status: 409,
  title: "Too many contracts",
  about: "The hub keeps a bounded number of contracts and drops none for another. Remove some that are not needed.",
});
export const RulesInvalid = problem({
  code: "gating.rules-invalid",
  status: 422,
  title: "The rules are not valid",
  about:
    "The file of rules cannot be read or understood. Each fault names its line; the last good rules stay in force.",
});

const ListedContract = closed({
  ...Contract.properties,
  // Rules of the configuration are named by their pattern.
  id: Type.String({ maxLength: 200 }),
  source: SourceName,
  place: Type.Optional(Type.String({ description: "File and line." })),
  status: oneOf(["waiting", "active", "ended"]),
  endsAtMs: Type.Optional({ ...EpochMs, description: "End with renewals, in epoch milliseconds." }),
});
export const ListContracts = op({
  id: "gating.contracts.list",
  http: "GET /gating/contracts",
  cli: "gate contracts",
  effect: "read",
  isWayOut: true,
  isReadPastRules: true,
  about: "List the contracts in force or to come, in the order in which they decide.",
  input: closed({
    source: Type.Optional(SourceName),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.Integer({ minimum: 0, description: "`nextCursor` of the page before." })),
  }),
  output: closed({
    version: Type.Integer({ description: "Grows with each change of the rules." }),
    total: Type.Integer(),
    contracts: Type.Array(ListedContract),
    nextCursor: Type.Union([Type.Integer(), Type.Null()]),
  }),
});
export const PutContract = op({
  id: "gating.contracts.put",
  http: "PUT /gating/contracts/{id}",
  cli: "gate contracts put <id>",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Add a contract, or replace the one of this id that was put the same way.",
  input: closed({ ...Contract.properties }),
  output: closed({ id: ContractId, version: Type.Integer() }),
  problems: [ContractRefused, ContractFixed, TooManyContracts],
  emits: [ContractPut],
});
export const RemoveContract = op({
  id: "gating.contracts.remove",
  http: "DELETE /gating/contracts/{id}",
  cli: "gate contracts remove <id>",
  effect: "destroy",
  isWayOut: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Remove a contract that was put; those of files are removed in their files.",
  input: closed({ id: ContractId }),
  output: closed({ removed: Type.Boolean(), version: Type.Integer() }),
  problems: [NotFound, ContractFixed],
  emits: [ContractRemoved],
});
export const Reload = op({
  id: "gating.reload",
  http: "POST /gating/reload",
  cli: "gate reload",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Read the file of rules anew; when it is not valid, the last good rules stay in force.",
  input: closed({}),
  output: closed({
    version: Type.Integer(),
    rules: Type.Integer({ minimum: 0 }),
    held: Type.Array(Type.String(), { description: "Immutable contracts that stay until they end." }),
    idle: Type.Array(Type.String(), { description: "Contracts that cover no key of this hub: mistyped, perhaps." }),
  }),
  problems: [RulesInvalid, TooManyContracts],
  emits: [PolicyReloaded, PolicyRefused],
});

/** A contract as the journal keeps it: those that were put. */
export const KeptContract = closed({
  ...Contract.properties,
  seq: Seq,
  by: Caller,
});
export type KeptContract = Static<typeof KeptContract>;
