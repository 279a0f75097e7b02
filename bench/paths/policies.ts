/**
 * P6b: Cedar on a request that was never asked before, against cedar-wasm itself with the whole set parsed in advance. Both
 * answer the same requests and are held to the same answers.
 */
import { strict as assert } from "node:assert";
import { createCedarEngine, callOf } from "../../src/adapters/cedar/engine.ts";
import type { ParsedPolicy } from "../../src/adapters/cedar/heads.ts";
import { createCedarLoader } from "../../src/adapters/cedar/wasm.ts";
import { cedarProgram } from "../../src/app/state-dir.ts";
import type { PolicyRequest } from "../../src/domains/policy/engine-port.ts";
import { alternate, type Contestant, lap } from "../harness/alternate.ts";
import { amount, type Bench } from "../harness/bench.ts";
import type { Row } from "../harness/rows.ts";

const load = createCedarLoader(cedarProgram);

/** One rule for each of so many agents, as a hub with many helpers has them; each looks at the path. */
async function policiesOf(count: number): Promise<readonly ParsedPolicy[]> {
  const cedar = await load();
  return Array.from({ length: count }, (_, n) => {
    const text = `permit (principal == Agent::"a${n}", action in Action::"write", resource in Folder::"/home") when { context.path like "p*" };`;
    const parsed = cedar.policyToJson(text);
    assert(parsed.type === "success");
    return { id: `p${n}`, source: `bench:${n}`, text, effect: "permit", json: parsed.json };
  });
}

/** Every second one is allowed, and none comes twice. */
function requestOf(index: number, policies: number): PolicyRequest {
  return {
    principal: { type: "Agent", id: `a${index % policies}` },
    action: "fs.write",
    groups: ["write", "fs", "fs:write"],
    resource: { type: "Folder", id: "/home/notes" },
    within: [
      { type: "Folder", id: "/home" },
      { type: "Folder", id: "/" },
    ],
    context: { granted: false, open: false, labels: ["file"], path: `${index % 2 === 0 ? "p" : "q"}${index}` },
  };
}

interface Contest {
  readonly count: number;
  readonly turns: number;
  readonly policies: readonly ParsedPolicy[];
}

let engines = 0;

/** A fresh engine for each lap, so that every request is new to it; its slices are parsed within the lap, too. */
const sliced = ({ count, turns, policies }: Contest): Contestant => ({
  name: "hub",
  run: async () => {
    engines += 1;
    const engine = createCedarEngine({ policies, load, name: `bench-${engines}` });
    await engine.decide(requestOf(0, count));
    let allowed = 0;
    // Cedar is loaded by now, and so the engine answers at once.
    const done = lap(turns, () => {
      for (let turn = 1; turn <= turns; turn += 1) {
        const verdict = engine.decide(requestOf(turn, count));
        if ("effect" in verdict && verdict.effect === "allow") allowed += 1;
      }
    });
    assert.equal(allowed, Math.floor(turns / 2));
    return done;
  },
});

const whole = ({ count, turns }: Contest, set: string): Contestant => ({
  name: "cedar-wasm, whole set",
  run: async () => {
    const cedar = await load();
    let allowed = 0;
    const done = lap(turns, () => {
      for (let turn = 1; turn <= turns; turn += 1) {
        const answer = cedar.statefulIsAuthorized({ ...callOf(requestOf(turn, count)), preparsedPolicySetId: set });
        if (answer.type === "success" && answer.response.decision === "allow") allowed += 1;
      }
    });
    assert.equal(allowed, Math.floor(turns / 2));
    return done;
  },
});

export const benchPolicies: Bench = async (options) => {
  const rows: Row[] = [];
  const cedar = await load();
  for (const [count, atLeast, turns] of [
    [1, 1, 4_000],
    [1_000, 20, 400],
  ] as const) {
    const policies = await policiesOf(count);
    const set = `whole-${count}`;
    const staticPolicies = Object.fromEntries(policies.map((each) => [each.id, each.text]));
    assert.equal(cedar.preparsePolicySet(set, { staticPolicies }).type, "success");
    const contest = { count, turns: amount(options, turns, 40), policies };
    rows.push(
      ...(await alternate({
        path: "P6b",
        what: `policy on a miss, ${count.toLocaleString("en")} ${count === 1 ? "policy" : "policies"}`,
        rounds: options.rounds,
        contestants: [whole(contest, set), sliced(contest)],
        comparisons: [{ ours: "hub", peer: "cedar-wasm, whole set", target: { atLeast } }],
      })),
    );
  }
  return rows;
};
