/** Walks the deciding stages without running anything, and tells what each of them said. */
import { type Caller, callerName } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, gateKey, type Operation } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { checkerOf, type Static } from "../../contract/schema.ts";
import { Denied, InvalidInput, NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Table } from "../../kernel/kernel.ts";
import type { Policy } from "../../kernel/ports.ts";
import {
  Explain,
  type ExplainStage,
  InvalidPolicies,
  ListPolicies,
  PolicyRefused,
  PolicyReloaded,
  type Question,
  ReloadPolicies,
  type StageAnswer,
  TestPolicies,
} from "./contract.ts";
import type { NamedPolicy, PolicySet } from "./engine-port.ts";
import { testPolicies } from "./policy-examples.ts";

interface PolicyDeps {
  readonly parts: KernelParts;
  /** In the order of the corridor. */
  readonly stages: readonly ExplainStage[];
  readonly policies: PolicySet;
  readonly rulings: Policy;
}

export const createPolicy = ({ parts, stages, policies, rulings }: PolicyDeps): Domain => ({
  name: "policy",
  operations: [
    bind(Explain, async (input, ctx) => {
      const question = questionOf(input, ctx, parts.kernel.table);
      const answers = (await Promise.all(stages.map(async (stage) => stage.explain(question)))).flat();
      const decidedBy = decision(answers);
      return {
        key: question.key,
        operation: question.operation?.id ?? null,
        caller: callerName(question.caller),
        atMs: question.atMs,
        verdict: finalVerdict(decidedBy),
        decidedBy,
        stages: answers,
      };
    }),
    bind(ListPolicies, () => ({ version: policies.version(), policies: policies.engine().policies.map(rowOf) })),
    bind(ReloadPolicies, (_input, ctx) => reload(policies, ctx)),
    bind(TestPolicies, async () => testPolicies(await policies.examples(), { rulings, table: parts.kernel.table })),
  ],
  events: [PolicyReloaded, PolicyRefused],
  views: [],
});

const rowOf = ({ id, source, text, effect }: NamedPolicy) => ({ id, source, effect, text });

/** Told either way: somebody who changed the rules must hear that they are not in force. */
async function reload(policies: PolicySet, ctx: Context): Promise<Static<typeof ReloadPolicies.output>> {
  const source = "policies";
  try {
    await policies.reload();
  } catch (error) {
    const faults = isProblem(error, InvalidPolicies) ? error.message.split("\n").slice(1, 21) : [String(error)];
    await ctx.emit(PolicyRefused, {
      source,
      version: policies.version(),
      faults: faults.map((each) => each.slice(0, 1000)),
    });
    throw error;
  }
  const version = policies.version();
  const rules = policies.engine().policies.length;
  await ctx.emit(PolicyReloaded, { source, version, rules, held: [] });
  return { version, policies: rules };
}

/** Deny wins, wherever it is said; a question comes next. */
function decision(answers: readonly StageAnswer[]): StageAnswer | null {
  return answers.find((each) => each.verdict === "deny") ?? answers.find((each) => each.verdict === "ask") ?? null;
}

const finalVerdict = (decidedBy: StageAnswer | null): "allow" | "ask" | "deny" =>
  decidedBy === null || decidedBy.verdict === "pass" ? "allow" : decidedBy.verdict;

function questionOf(given: Static<typeof Explain.input>, ctx: Context, table: Table): Question {
  const caller = given.caller ?? named(given.as) ?? ctx.caller;
  // What stands in another's way is for persons to know.
  if (ctx.caller.kind !== "person" && callerName(caller) !== callerName(ctx.caller))
    throw new Problem(Denied, "only a person asks about another caller", {
      rule: "built-in:own-rules",
      source: "built-in",
      next: "ask about yourself, or let a person ask",
    });
  const asked = given.operation ?? given.key;
  if (asked === undefined) throw new Problem(InvalidInput, "policy.explain: name a key or an operation");
  const operation = operationOf(asked, table);
  if (given.operation !== undefined && operation === null)
    throw new Problem(NotFound, `there is no operation ${given.operation}`);
  return {
    key: operation === null ? asked : gateKey(operation),
    operation,
    caller,
    input: given.input,
    scope: scopeOf(operation, given.input),
    tags: given.tags ?? [],
    atMs: given.atMs ?? ctx.now(),
  };
}

/** `agent:scout`; the schema has looked at it. */
function named(text: string | undefined): Caller | null {
  if (text === undefined) return null;
  const cut = text.indexOf(":");
  return { kind: text.slice(0, cut) as Caller["kind"], id: text.slice(cut + 1) };
}

const operationOf = (named: string, { operations }: Table): Operation | null =>
  operations.get(named.replaceAll(":", "."))?.operation ?? null;

function scopeOf(operation: Operation | null, input: unknown): Question["scope"] {
  if (operation === null || input === undefined) return {};
  const checker = checkerOf(operation.input);
  if (!checker.check(input))
    throw new Problem(InvalidInput, `the input does not fit ${operation.id}`, {
      faults: checker.faults(input).map((fault) => ({ ...fault, at: `/input${fault.at}` })),
    });
  return operation.scope?.(input as never) ?? {};
}
