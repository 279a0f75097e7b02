/** What if: a recorded run, or all that was ever decided here, under other rules; and rules that past answers suggest. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, EpochMs, oneOf, Seq, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { BadAllowance } from "../budgets/contract.ts";
import { CapsuleName, CapsuleTooLarge, CapsuleUnsound, FileNotTaken, RunIsGoing } from "../capsules/contract.ts";
import { targetFields } from "../episodes/contract.ts";
import { InvalidPolicies, PolicyRefused, PolicyReloaded } from "../policy/contract.ts";

const Count = Type.Integer({ minimum: 0 });
/** As long as a file of policies may be. */
export const policyCharsMax = 1_000_000;
const PolicyText = Type.String({ maxLength: policyCharsMax, description: "Policies in Cedar." });
const PolicyName = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
  examples: ["home.cedar"],
  description:
    "Name of the file; the file of this name that is in force is left out. Without it the text stands beside all.",
});
/** Where faults are said to be of a text that was given without the name of a file. */
export const namelessPolicy = "what-if.cedar";
const IsAlone = Type.Boolean({
  default: false,
  description: "Leave out every policy of your own that is in force; the default ones stay.",
});

export const NothingChanged = problem({
  code: "whatif.nothing-changed",
  status: 400,
  title: "Say what would be different",
  about:
    "A what-if needs at least one of policy, budget, model, hint or edit; a model needs a run that asked one, a hint a run that was given a task in words.",
});
export const BadEdit = problem({
  code: "whatif.bad-edit",
  status: 400,
  title: "Not an edit",
  about: "An edit is `STEP=ANSWER`, with a step that the run recorded and an answer that its tool could give.",
});
export const NotReplayable = problem({
  code: "whatif.not-replayable",
  status: 409,
  title: "The record does not replay",
  about:
    "Before anything is changed the run is replayed as it was, and that stopped: the record holds no run, or code, table or record differ. `arw replay` shows both sides.",
});
export const RulesChanged = problem({
  code: "whatif.rules-changed",
  status: 409,
  title: "The proposal is gone",
  about:
    "No proposal has this id now: it was adopted, an answer since speaks against it, or the rules changed. `arw policy proposals` lists those that stand.",
});
export const NotAdopted = problem({
  code: "whatif.not-adopted",
  status: 404,
  title: "Not an adopted rule",
  about: "No rule of this id was adopted from a proposal. `arw policy list` shows all rules with their files.",
});

export const effects = ["allow", "ask", "deny", "unknown"] as const;
const Effect = oneOf(effects, "`unknown`: the record does not hold what the answer depends on.");
/** What the rules said, or would say, of one call. */
export const Said = closed({
  effect: Effect,
  rule: Type.Optional(Type.String()),
  source: Type.Optional(Type.String({ description: "Where the rule is written." })),
  reason: Type.Optional(Type.String()),
});
export type Said = Static<typeof Said>;

export const changes = ["policy", "budget", "model", "hint", "edit"] as const;
export const results = ["saved", "added", "blocked", "opened", "cut-off", "unknown"] as const;
const Step = Type.Integer({ minimum: 1 });
const target = Type.Optional(closed(targetFields));
/** A step that would come to something else. */
export const ChangedStep = closed({
  step: Step,
  tool: Type.String(),
  summary: Type.String(),
  target,
  was: Said,
  now: Said,
  result: oneOf(
    results,
    "`saved`: asked then, not asked now. `added`: asked only now. `blocked`: done then, refused now. `opened`: refused then, permitted now. `cut-off`: a budget ends here. `unknown`: the record does not say.",
  ),
});
export type ChangedStep = Static<typeof ChangedStep>;

const unknown = Type.Literal("unknown");
const Amount = Type.Union([Count, unknown]);
const Spent = closed({
  tokens: Amount,
  microUsd: Type.Union([Count, unknown], { description: "Millionths of a USD." }),
  workedMs: Type.Union([Count, unknown], { description: "Milliseconds that the steps took." }),
});
export type Spent = Static<typeof Spent>;

export const diffCharsMax = 100_000;
export const TextDiff = closed({
  step: Step,
  tool: Type.String(),
  what: oneOf(["answer", "call"], "`answer`: what the step told the agent. `call`: what the agent would do with it."),
  diff: Type.String({ maxLength: diffCharsMax + 100, description: "Unified diff." }),
});
export type TextDiff = Static<typeof TextDiff>;

export const editsMax = 16;
export const budgetsMax = 16;
export const Run = op({
  id: "whatif.run",
  http: "POST /what-if",
  cli: "what-if <run>",
  effect: "read",
  isForPersons: true,
  about: "Say what a recorded run would have come to under other rules, budgets, words or answers; nothing is done.",
  input: closed({
    run: CapsuleName,
    policy: Type.Optional(PolicyText),
    policyName: Type.Optional(PolicyName),
    isAlone: Type.Optional(IsAlone),
    budget: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        maxItems: budgetsMax,
        examples: [["20 calls/run"]],
        description: "Allowances that the run would have had.",
      }),
    ),
    model: Type.Optional(
      Type.String({ minLength: 1, maxLength: 400, description: "The model that would have been asked." }),
    ),
    hint: Type.Optional(
      Type.String({ minLength: 1, maxLength: 10_000, description: "Words that would have stood behind its task." }),
    ),
    edit: Type.Optional(
      Type.Array(Type.String({ minLength: 2, maxLength: 1_000_000 }), {
        maxItems: editsMax,
        examples: [['3={"text":"other words"}']],
        description: "`STEP=ANSWER`: what a step would have told the agent, as JSON or as the text of its answer.",
      }),
    ),
  }),
  output: closed({
    episode: CorrelationId,
    agent: Type.String(),
    title: Type.String(),
    changed: Type.Array(oneOf(changes)),
    policyThen: oneOf(
      ["recorded", "today"],
      "`today`: the record does not say which rules were in force, so those of today stand for them.",
    ),
    steps: Type.Integer({ minimum: 0, description: "Steps that the run had." }),
    firstChangedStep: Type.Union([Step, Type.Null()]),
    exactToStep: Type.Integer({ minimum: 0, description: "Up to here nothing is assumed." }),
    unknownAfterStep: Type.Union([Count, Type.Null()], {
      description: "The record holds nothing of what would have come behind; null when it reaches to the end.",
    }),
    horizon: Type.String({ description: "The same in words." }),
    differences: Type.Array(ChangedStep, { maxItems: 1000 }),
    approvals: closed({
      asked: Type.Integer({ minimum: 0, description: "Questions that the run put to you." }),
      saved: Type.Integer({
        minimum: 0,
        description:
          "Of these, those not put now: a rule answers, the call is blocked instead, or it is never come to.",
      }),
      added: Type.Integer({ minimum: 0, description: "Questions that are put only now." }),
    }),
    blocked: Count,
    opened: Count,
    spentThen: Spent,
    spentNow: Spent,
    diffs: Type.Array(TextDiff, { maxItems: 64 }),
    outcomeThen: Type.Union([Type.String(), Type.Null()]),
    outcomeNow: Type.Union([Type.String(), Type.Null()], { description: "Null where nobody can know." }),
  }),
  problems: [
    NotFound,
    CapsuleUnsound,
    CapsuleTooLarge,
    FileNotTaken,
    RunIsGoing,
    NothingChanged,
    BadEdit,
    BadAllowance,
    NotReplayable,
    InvalidPolicies,
  ],
  deadlineMs: 300_000,
});

const Example = closed({
  seq: Seq,
  episode: CorrelationId,
  caller: Type.String(),
  tool: Type.String(),
  target,
  was: Type.String({ description: "What happened, in words." }),
  now: Effect,
});
export type Example = Static<typeof Example>;
export const examplesEach = 3;
export const rulesMax = 100;
export const RuleEffect = closed({
  rule: Type.String({ description: "The rule that would decide." }),
  source: Type.String(),
  answered: Type.Integer({ minimum: 0, description: "Questions to you that it would have answered." }),
  answeredNo: Type.Integer({ minimum: 0, description: "Of these, those answered with yes that you answered with no." }),
  declined: Type.Integer({
    minimum: 0,
    description: "Of these, those answered with no, all of which you did not allow.",
  }),
  blocked: Type.Integer({ minimum: 0, description: "Calls that it would have refused." }),
  asked: Type.Integer({ minimum: 0, description: "Calls that it would have asked you about, and nobody did." }),
  opened: Type.Integer({ minimum: 0, description: "Refused calls that it would have let pass or asked about." }),
  examples: Type.Array(Example, { maxItems: examplesEach * 5 }),
});
export type RuleEffect = Static<typeof RuleEffect>;
const Unknowns = Type.Array(closed({ why: Type.String(), decisions: Count }), { maxItems: 32 });
const sums = {
  decisions: Type.Integer({ minimum: 0, description: "Calls in the record that rules decided about." }),
  prompts: Type.Integer({ minimum: 0, description: "Questions to you among them." }),
  unchanged: Count,
  answered: Count,
  answeredNo: Count,
  declined: Count,
  blocked: Count,
  asked: Count,
  opened: Count,
  unknown: Type.Integer({ minimum: 0, description: "Calls of which the record lacks what the answer depends on." }),
  differentToday: Type.Integer({
    minimum: 0,
    description: "Calls that the rules of today answer differently than then, whatever the new policy says.",
  }),
};
export const PolicyEffect = closed({
  words: Type.String({ description: "The effect in one sentence." }),
  ...sums,
  rules: Type.Array(RuleEffect, { maxItems: rulesMax }),
  unknowns: Unknowns,
});
export type PolicyEffect = Static<typeof PolicyEffect>;

export const Policy = op({
  id: "whatif.policy",
  http: "POST /what-if/policy",
  cli: "policy what-if <policy>",
  mode: "many",
  effect: "read",
  isForPersons: true,
  about: "Hold a policy against every decision that this hub has recorded, and say what it would have changed.",
  input: closed({ policy: PolicyText, policyName: Type.Optional(PolicyName), isAlone: Type.Optional(IsAlone) }),
  output: closed({
    atSeq: Seq,
    headSeq: Seq,
    decisions: Count,
    isDone: Type.Boolean(),
    effect: Type.Optional(PolicyEffect),
  }),
  problems: [InvalidPolicies],
});

export const ProposalId = Type.String({ pattern: "^p-[0-9a-f]{12}$", description: "Id of the proposal." });
export const proposalsMax = 20;
export const proposalKinds = ["permit", "forbid"] as const;
export const Proposal = closed({
  proposal: ProposalId,
  kind: oneOf(proposalKinds, "`permit` of what you always allowed, `forbid` of what you never did."),
  about: Type.String({ description: "What the rule would permit or forbid, in one sentence." }),
  agent: Type.String(),
  tool: Type.String(),
  target,
  answersRule: Type.String({ description: "The rule whose question it answers." }),
  allowed: Type.Integer({ minimum: 0, description: "How often you allowed exactly this." }),
  denied: Type.Integer({ minimum: 0, description: "How often you said no to exactly this." }),
  sinceMs: EpochMs,
  lastMs: EpochMs,
  text: Type.String({ description: "The rule in Cedar." }),
  effect: PolicyEffect,
  opens: Type.Array(Type.String(), { maxItems: 8, description: "What else it would let pass from now on." }),
});
export type Proposal = Static<typeof Proposal>;
export const Proposals = op({
  id: "whatif.proposals",
  http: "GET /what-if/proposals",
  cli: "policy proposals",
  effect: "read",
  isForPersons: true,
  about: "List rules that your past answers suggest, each with its exact effect on everything recorded so far.",
  input: closed({
    allowedMin: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 1000,
        default: 3,
        description: "How often you must have allowed the same, or said no to it.",
      }),
    ),
  }),
  output: closed({
    proposals: Type.Array(Proposal, { maxItems: proposalsMax }),
    skipped: Type.Array(closed({ why: Type.String(), questions: Count }), {
      maxItems: 16,
      description: "Questions that suggest no rule, and why.",
    }),
  }),
  problems: [InvalidPolicies],
  deadlineMs: 300_000,
});

const RuleId = Type.String({ pattern: "^adopted-[0-9a-f]{12}$", description: "Id of the adopted rule." });
const Place = Type.String({ maxLength: 4200, description: "File and line." });
export const RuleAdopted = event({
  kind: "whatif.rule.adopted",
  about: "A person made a proposal a rule of their own.",
  data: closed({
    rule: RuleId,
    proposal: ProposalId,
    place: Place,
    text: Type.String({ maxLength: 20_000 }),
    effect: Type.String({ maxLength: 1000, description: "What it would have changed of the past, in one sentence." }),
  }),
});
export const RuleWithdrawn = event({
  kind: "whatif.rule.withdrawn",
  about: "A person took an adopted rule out of their policies.",
  data: closed({ rule: RuleId, place: Place }),
});
const Kept = closed({
  rule: RuleId,
  place: Place,
  text: Type.String(),
  version: Type.Integer({ minimum: 0, description: "Of the rules that are in force now." }),
});
export const Adopt = op({
  id: "whatif.adopt",
  http: "POST /what-if/proposals/{proposal}/adopt",
  cli: "policy adopt <proposal>",
  effect: "write",
  isForPersons: true,
  about: "Write a proposed rule into your own policies, with its effect beside it; `arw policy withdraw` undoes it.",
  input: closed({ proposal: ProposalId }),
  output: closed({ ...Kept.properties, effect: Type.String() }),
  problems: [RulesChanged, InvalidPolicies],
  emits: [RuleAdopted, PolicyReloaded, PolicyRefused],
  deadlineMs: 300_000,
});
export const Withdraw = op({
  id: "whatif.withdraw",
  http: "POST /what-if/adopted/{rule}/withdraw",
  cli: "policy withdraw <rule>",
  effect: "write",
  isForPersons: true,
  isWayOut: true,
  isOpenWhenHalted: true,
  about: "Take a rule that was adopted from a proposal out of your policies again.",
  input: closed({ rule: RuleId }),
  output: Kept,
  problems: [NotAdopted, InvalidPolicies],
  emits: [RuleWithdrawn, PolicyReloaded, PolicyRefused],
});
