/** Questions about the rules that are answered for every call there could be: proved, refuted by a call, or not known. */
import { labels } from "../../contract/caller.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { InvalidPolicies } from "../policy/contract.ts";

export const UnknownRule = problem({
  code: "prove.unknown-rule",
  status: 404,
  title: "There is no such rule",
  about:
    "No policy and no contract in force has this id. `arw policy list` and `arw gate contracts` show what there is.",
});
export const UnknownAgentTools = problem({
  code: "prove.unknown-agent",
  status: 404,
  title: "There is no such agent",
  about: "The question was narrowed to the tools of an agent that this hub does not know. `arw agents` lists them.",
});

/** A set of policies is read by Cedar in one go; more than this nobody wrote by hand. */
export const policyTextCharsMax = 400_000;
/** More differences than this are not read, and one is enough to know that there are some. */
export const changesMax = 40;

const Word = Type.String({ maxLength: 300 });
const ReachedThing = closed({ type: Word, id: Type.String({ maxLength: 8192 }) });

/** One call, as concrete as the rules look at it. */
export const Witness = closed({
  caller: Word,
  operation: Word,
  key: Word,
  reached: ReachedThing,
  path: Type.String({ maxLength: 8192 }),
  isGranted: Type.Boolean({ description: "A person granted it together with the run." }),
  isOpen: Type.Boolean({ description: "The host is open to the caller, by the posture or by a lease." }),
  labels: Type.Array(oneOf(labels), { description: "What the call was built from." }),
  isUnconfined: Type.Optional(Type.Boolean({ description: "Nothing would confine the program that the call starts." })),
  capsule: Type.Optional(
    closed({
      leaseSecs: Type.Integer(),
      hopsLeft: Type.Integer(),
      propagate: Word,
      role: Word,
      node: Word,
      tags: Type.Array(Word),
    }),
  ),
  run: Type.Optional(
    Type.String({ maxLength: 200, description: "The run that it belongs to, where a lease is of one." }),
  ),
  startedBy: Type.Optional(
    closed(
      {
        operation: Word,
        key: Word,
        reached: ReachedThing,
        path: Type.String({ maxLength: 8192 }),
        isGranted: Type.Boolean(),
        labels: Type.Array(oneOf(labels)),
      },
      { description: "The call whose program makes this one." },
    ),
  ),
  atMs: Type.Optional({ ...EpochMs, description: "The moment, where it passes only later than now." }),
});
export type Witness = Static<typeof Witness>;

export const effects = ["allow", "ask", "deny"] as const;
/** What the real engine says of the call. */
export const Said = closed({
  effect: oneOf(effects),
  rule: Type.String({ maxLength: 4200, description: "The rule that decides; empty where none stands in the way." }),
  reason: Type.String({ maxLength: 2000 }),
});
export type Said = Static<typeof Said>;

const Confirmed = closed({
  call: Witness,
  said: Type.Array(closed({ of: Type.String({ description: "Whose answer it is." }), ...Said.properties })),
  text: Type.String({ description: "The call in one sentence." }),
});
export type Confirmed = Static<typeof Confirmed>;

export const questionNames = ["network", "writes-outside", "child", "reachable", "stricter", "changed"] as const;
export type QuestionName = (typeof questionNames)[number];

export const answers = ["proved", "counterexample", "unknown"] as const;
export const Proof = closed({
  question: oneOf(questionNames),
  claim: Type.String({ description: "What was to be proved." }),
  answer: oneOf(answers, "`counterexample` means that the claim is false, and shows a call."),
  text: Type.String({ description: "The answer in one sentence." }),
  examples: Type.Array(Confirmed, {
    maxItems: changesMax,
    description: "Calls that refute the claim; the real engine was asked about each of them.",
  }),
  isComplete: Type.Boolean({ description: "False when there are more examples of other kinds than are shown." }),
  checkedBy: Type.Array(Type.String(), {
    description: "Who looked at every call: the hub's own solver, and z3 where it is.",
  }),
  lookedAt: Type.Array(Type.String(), { description: "What was in force: how many policies, contracts, leases." }),
  notModelled: Type.Array(Type.String(), { description: "What stands outside the proof, and might refute it." }),
  leftOut: Type.Array(Type.String(), {
    description: "What was left out because it only takes away: what is proved without it holds with it.",
  }),
  next: Type.Optional(Type.String({ description: "What would bring an answer where there is none." })),
});
export type Proof = Static<typeof Proof>;

const Agent = Type.Optional(
  Type.String({
    pattern: "^[A-Za-z0-9._:@-]{1,120}$",
    description: "Only calls of this agent, by the tools that it declares.",
  }),
);
const PolicyText = Type.String({
  maxLength: policyTextCharsMax,
  description:
    "Policies as text, beside the default set; `now` for those in force, `default` for the default set alone.",
});
const Both = { first: PolicyText, second: PolicyText };
const isAlone = Type.Optional(Type.Boolean({ default: false, description: "Leave the default policies out of both." }));

/** Larger sets take the outer solver some time. */
const deadlineMs = 120_000;
const asked = { effect: "read", isForPersons: true, output: Proof, deadlineMs } as const;

export const ListQuestions = op({
  id: "prove.questions",
  http: "GET /prove/questions",
  cli: "prove",
  effect: "read",
  about: "List what can be proved of the rules, and whether the outer solver is installed.",
  input: closed({}),
  output: closed({
    questions: Type.Array(
      closed({
        name: oneOf(questionNames),
        asks: Type.String(),
        claim: Type.String(),
        command: Type.String({ description: "How it is asked on the command line." }),
      }),
    ),
    solver: closed({
      name: Type.String(),
      version: Type.String(),
      isInstalled: Type.Boolean(),
      next: Type.Optional(Type.String()),
    }),
  }),
});
export const ProveNetwork = op({
  ...asked,
  id: "prove.network",
  http: "POST /prove/network",
  cli: "prove network",
  about:
    "Prove that no agent, plugin or node reaches another machine without a person's yes, or show a call that does.",
  input: closed({ agent: Agent }),
  problems: [UnknownAgentTools],
});
export const ProveWrites = op({
  ...asked,
  id: "prove.writesOutside",
  http: "POST /prove/writes-outside",
  cli: "prove writes-outside",
  about: "Prove that no tool changes files outside the folders that a person granted, or show a call that does.",
  input: closed({
    agent: Agent,
    inFolder: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description: "Nor outside this folder, even where it was granted.",
      }),
    ),
  }),
  problems: [UnknownAgentTools],
});
export const ProveChild = op({
  ...asked,
  id: "prove.child",
  http: "POST /prove/child",
  cli: "prove child",
  about: "Prove that an agent cannot do by a run that it starts what it may not do itself, or show a call that it can.",
  input: closed({ agent: Agent }),
  problems: [UnknownAgentTools],
});
export const ProveReachable = op({
  ...asked,
  id: "prove.reachable",
  http: "POST /prove/reachable",
  cli: "prove reachable <rule>",
  about: "Prove that a rule never decides about any call, or show a call that it decides about.",
  input: closed({ rule: Type.String({ minLength: 1, maxLength: 300, description: "Id of a policy or a contract." }) }),
  problems: [UnknownRule],
});
export const ProveStricter = op({
  ...asked,
  id: "prove.stricter",
  http: "POST /prove/stricter",
  cli: "prove stricter <first> <second>",
  about: "Prove that the second policies permit nothing that the first do not, or show a call where they permit more.",
  input: closed({ ...Both, isAlone }),
  problems: [InvalidPolicies],
});
export const ProveChanged = op({
  ...asked,
  id: "prove.changed",
  http: "POST /prove/changed",
  cli: "prove changed <first> <second>",
  about: "Prove that two sets of policies say the same of every call, or show what changed between them.",
  input: closed({ ...Both, isAlone }),
  problems: [InvalidPolicies],
});
