/**
 * The hub's own solver against two that others wrote, over the same formulas: z3, installed as a person installs it, and Debian's
 * cvc5 where it is. All have to find the same, and a call that one of them finds has to be one.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, test } from "vitest";
import { installZ3 } from "../../src/adapters/z3/install.ts";
import { findZ3 } from "../../src/adapters/z3/solver.ts";
import { type Decided, decide, holds, type Point } from "../../src/domains/prove/decide.ts";
import { all, choice, flag, type Formula, not, numberIs, textIs } from "../../src/domains/prove/formula.ts";
import { encodeAll, permitsMore, policyDecides, saysOtherwise } from "../../src/domains/prove/questions.ts";
import { scriptOf } from "../../src/domains/prove/smt.ts";
import type { Solver } from "../../src/domains/prove/port.ts";
import { policyText, readOwn, soakUntilMs, space } from "./kit.ts";

const folder = join(import.meta.dirname, "node_modules", ".z3");
const isSoak = process.env["ARW_SOAK"] === "1";
const signal = new AbortController().signal;
const solverMsMax = 120_000;
let z3: Solver | null = null;
let missing = "";

beforeAll(async () => {
  if (findZ3(folder) === null)
    await installZ3({ folder, signal, told: () => undefined }).catch((error: unknown) => {
      // Whoever builds far from any registry is not held up; CI has one.
      if (process.env["CI"] === "true") throw error;
      missing = `optional: z3 could not be installed: ${String(error).slice(0, 200)}`;
    });
  z3 = findZ3(folder);
}, 300_000);

/** Questions over random sets, some of which no call answers. */
async function formulas(count: number): Promise<readonly Formula[]> {
  const sets = fc.sample(
    fc.tuple(
      fc.uniqueArray(policyText, { minLength: 1, maxLength: 5 }),
      fc.uniqueArray(policyText, { minLength: 1, maxLength: 5 }),
    ),
    { numRuns: count, seed: isSoak ? Date.now() : 42 },
  );
  const defaults = encodeAll((await readOwn([], true)).policies, space);
  const stricter = encodeAll(
    (await readOwn(["forbid (principal is Agent, action, resource is Folder);"], true)).policies,
    space,
  );
  const found = [
    permitsMore({ first: defaults, second: stricter, space }),
    saysOtherwise({ first: defaults, second: stricter, space }),
  ];
  for (const [one, two] of sets) {
    const first = encodeAll((await readOwn(one, false)).policies, space);
    const second = encodeAll((await readOwn([...one, ...two], false)).policies, space);
    const last = second.at(-1)?.id ?? "";
    found.push(
      permitsMore({ first, second, space }),
      saysOtherwise({ first, second: first.toReversed(), space }),
      policyDecides(second, space, last),
    );
  }
  return found;
}

/** The very call that was found. A solver that reads the script as it is meant finds it, too, and at once. */
const exactly = ({ choices, flags, texts, numbers }: Point): Formula =>
  all([
    ...(["kind", "action", "reached"] as const).map((name) => choice(name, [choices[name]])),
    ...[...flags].map(([name, value]) => (value ? flag(name) : not(flag(name)))),
    ...[...texts].map(([name, text]) => textIs(name, text)),
    ...[...numbers].map(([name, value]) => numberIs(name, value)),
  ]);

/** What is asked of the others: nothing where nothing was found, and that call where one was. */
const held = (formula: Formula, own: Decided): Formula =>
  own.kind === "point" ? all([formula, exactly(own.point)]) : formula;

test("z3 finds what the hub's own solver finds", { timeout: 1_800_000 }, async ({ skip }) => {
  skip(z3 === null, missing);
  const kinds = new Set<string>();
  for (const formula of await formulas(isSoak ? 60 : 0)) {
    if (Date.now() > soakUntilMs) break;
    const own = decide(formula, space.domains);
    const { script, constants, pointOf } = scriptOf(held(formula, own), space.domains);
    const said = await (z3 as Solver).solve({ script, constants }, { signal, timeoutMs: solverMsMax });
    assert.notEqual(said.kind, "unknown", `${JSON.stringify(said)}\n${script}`);
    assert.equal(said.kind, own.kind === "none" ? "unsat" : "sat", script);
    kinds.add(said.kind);
    if (said.kind === "sat") assert.ok(holds(formula, pointOf(said.values)), `is no such call\n${script}`);
    if (own.kind === "point") assert.ok(holds(formula, own.point));
  }
  if (Date.now() < soakUntilMs) assert.deepEqual([...kinds].toSorted(), ["sat", "unsat"]);
});

test("a solver that fails says so, and is no answer", { timeout: 120_000 }, async ({ skip }) => {
  skip(z3 === null, missing);
  const said = await (z3 as Solver).solve(
    { script: "(assert nothing)", constants: ["x"] },
    { signal, timeoutMs: 1000 },
  );
  assert.equal(said.kind, "unknown");
  const left = AbortSignal.abort(new DOMException("gone", "AbortError"));
  await assert.rejects((z3 as Solver).solve({ script: "", constants: ["x"] }, { signal: left, timeoutMs: 1000 }), {
    name: "AbortError",
  });
});

const hasCvc5 = spawnSync("cvc5", ["--version"]).status === 0;

test("Debian's cvc5 agrees over the same scripts", { timeout: 1_800_000 }, async ({ skip }) => {
  skip(!hasCvc5, "optional: cvc5 is not on this machine");
  for (const formula of await formulas(isSoak ? 60 : 0)) {
    if (Date.now() > soakUntilMs) break;
    const own = decide(formula, space.domains);
    const { script } = scriptOf(held(formula, own), space.domains);
    const ran = spawnSync("cvc5", ["--lang=smt2", "--strings-exp", `--tlimit=${solverMsMax}`, "-"], {
      input: `${script}\n(check-sat)\n`,
      encoding: "utf8",
    });
    const answer = ran.stdout.trim();
    // It may run out of time; it may not say otherwise.
    if (answer === "sat" || answer === "unsat") assert.equal(answer, own.kind === "none" ? "unsat" : "sat", script);
    else assert.match(`${answer} ${ran.stderr}`, /unknown|timeout|interrupted/i);
  }
});
