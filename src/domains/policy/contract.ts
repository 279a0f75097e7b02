/** Policy: what the rules say about a call, asked without making it, and word of rules that changed. */
import { Caller, type Scope } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { op, type Operation } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { InvalidInput, NotFound } from "../../contract/standard-problems.ts";
import type { PolicyCall } from "../../kernel/ports.ts";

const Version = Type.Integer({ minimum: 0, description: "Grows with each change of the rules since the hub started." });
const Source = Type.String({ maxLength: 4200, description: "Where the rules were written." });

export const PolicyReloaded = event({
  kind: "policy.reloaded",
  about: "Rules were read anew and are in force.",
  data: closed({
    source: Source,
    version: Version,
    rules: Type.Integer({ minimum: 0, description: "How many there are from this source now." }),
    held: Type.Array(Type.String({ maxLength: 200 }), {
      maxItems: 100,
      description: "Rules that the new text leaves out and that stay until they end, because nothing may change them.",
    }),
  }),
});
export const PolicyRefused = event({
  kind: "policy.refused",
  about: "Rules that were read anew are not valid, and the last good ones stay in force.",
  data: closed({
    source: Source,
    version: Version,
    faults: Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 20 }),
  }),
});

export const InvalidPolicies = problem({
  code: "policy.invalid-policies",
  status: 409,
  title: "The policies do not hold",
  about:
    "A policy file cannot be read, does not parse, or names what the table does not have. `faults` says where, and what may have been meant. Nothing was changed: what was in force stays in force, and a hub that starts does not start.",
});

export const PolicyRow = closed({
  id: Type.String(),
  source: Type.String({ description: "File and line." }),
  effect: oneOf(["permit", "ask", "forbid"]),
  text: Type.String(),
});
export const ListPolicies = op({
  id: "policy.list",
  http: "GET /policy/policies",
  cli: "policy list",
  effect: "read",
  isWayOut: true,
  about: "List the policies in force in the order in which they are named, each as it was written.",
  input: closed({}),
  output: closed({ version: Version, policies: Type.Array(PolicyRow) }),
});
export const ReloadPolicies = op({
  id: "policy.reload",
  http: "POST /policy/reload",
  cli: "policy reload",
  effect: "write",
  isWayOut: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Read the folder of policies anew; what does not hold leaves the former policies in force.",
  input: closed({}),
  output: closed({ version: Version, policies: Type.Integer({ minimum: 0, description: "How many are in force." }) }),
  problems: [InvalidPolicies],
  emits: [PolicyReloaded, PolicyRefused],
});
export const TestPolicies = op({
  id: "policy.test",
  http: "POST /policy/test",
  cli: "policy test",
  effect: "read",
  about: "Hold the policies against the examples in `policies/examples.toml`, without making any call.",
  input: closed({}),
  output: closed({
    passed: Type.Integer({ minimum: 0 }),
    failed: Type.Integer({ minimum: 0 }),
    examples: Type.Array(
      closed({
        name: Type.String(),
        isOk: Type.Boolean(),
        expected: Type.String(),
        got: Type.String(),
        rule: Type.String(),
        at: Type.String(),
      }),
    ),
  }),
  problems: [InvalidPolicies],
});

export const verdicts = ["pass", "ask", "deny"] as const;
const Said = {
  verdict: oneOf(verdicts, "`pass` leaves the decision to the stages after it."),
  reason: Type.String(),
  rule: Type.Optional(Type.String()),
  source: Type.Optional(Type.String({ description: "Where the rule is written." })),
  next: Type.Optional(Type.String({ description: "The nearest change that would let the call pass." })),
  retryAfterMs: Type.Optional(Type.Integer({ minimum: 0, description: "Milliseconds until the next try may pass." })),
};
/** What one stage of the corridor would say. */
export const StageAnswer = closed({
  stage: Type.String(),
  key: Type.String({ description: "The gate key that was asked about." }),
  ...Said,
});
export type StageAnswer = Static<typeof StageAnswer>;

export const Explain = op({
  id: "policy.explain",
  http: "POST /policy/explain",
  cli: "policy explain [key]",
  effect: "read",
  isWayOut: true,
  isTool: true,
  needs: ["hub:read"],
  about: "Say whether a call would pass, which rule decides, where it is written and what would change the answer.",
  input: closed({
    key: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: "A gate key such as `fs:write`, or an operation's id.",
      }),
    ),
    operation: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: "An operation's id such as `fs.write`." }),
    ),
    caller: Type.Optional(Caller),
    as: Type.Optional(
      Type.String({
        pattern: "^(person|agent|plugin|node):[A-Za-z0-9._:@-]{1,120}$",
        examples: ["agent:scout"],
        description: "Whose call, in short: as `agent:scout`, without grants or labels.",
      }),
    ),
    input: Type.Optional(Type.Unknown({ description: "The call's input; without it only keys are looked at." })),
    tags: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 64 })),
    atMs: Type.Optional(EpochMs),
  }),
  output: closed({
    key: Type.String(),
    operation: Type.Union([Type.String(), Type.Null()]),
    caller: Type.String(),
    atMs: EpochMs,
    verdict: oneOf(["allow", "ask", "deny"]),
    decidedBy: Type.Union([StageAnswer, Type.Null()], { description: "Null when nothing stands in the way." }),
    stages: Type.Array(StageAnswer),
  }),
  problems: [NotFound, InvalidInput],
});

/** What a stage is asked about a call that nobody makes. */
export interface Question {
  /** The key asked about; an operation's own key, or any other of the key space. */
  readonly key: string;
  /** Null when the key belongs to no operation. */
  readonly operation: Operation | null;
  readonly caller: Caller;
  /** Undefined when no input was given. */
  readonly input: unknown;
  /** What the input reaches; empty without one. */
  readonly scope: Scope;
  readonly tags: readonly string[];
  readonly atMs: number;
  /** The run that the call belongs to, where it is one of a run that is known. */
  readonly corrId?: string;
}

/** Answers without running, counting or changing anything. Each deciding stage of the corridor has one. */
export interface ExplainStage {
  readonly name: string;
  explain(question: Question): readonly StageAnswer[] | Promise<readonly StageAnswer[]>;
}

/** What persons permitted for a while. */
export interface LeaseBook {
  /** A live lease with anything left that covers the call, and who gave it. Pure; nothing is taken from the lease. */
  covering(call: PolicyCall): { readonly leaseId: string; readonly grantedBy: string } | null;
}
