/** Who may have which capsules adopted is for the policies to say: by issuer, caller, lease, hops and place of the hub. */
import assert from "node:assert/strict";
import { beforeAll, test } from "vitest";
import { createIssuer } from "../../../test/kit/capsules.ts";
import { admin, startMs } from "../../../test/kit/kernel.ts";
import { parsedDefaultPolicies } from "../../adapters/cedar/default-policies.generated.ts";
import { createCedarEngine } from "../../adapters/cedar/engine.ts";
import { readPolicies } from "../../adapters/cedar/read-policies.ts";
import { cedarSchemaOf } from "../../adapters/cedar/schema.ts";
import { type Cedar, createCedarLoader } from "../../adapters/cedar/wasm.ts";
import { contractTable } from "../../app/domains.ts";
import { cedarProgram } from "../../app/state-dir.ts";
import type { Caller } from "../../contract/caller.ts";
import { createRulings } from "../policy/rulings.ts";
import { Adopt } from "./contract.ts";
import type { Capsule } from "./format.ts";

const text = `
@id("short") forbid (principal, action == Action::"provenance.adopt", resource is Issuer)
when { context has capsule && context.capsule.leaseSecs > 86400 };

@id("mother") permit (principal is Node, action == Action::"provenance.adopt", resource == Issuer::"mother")
when { context has capsule && context.capsule.role == "edge" && context.capsule.tags.contains("home")
  && context.capsule.propagate == "none" && context.capsule.hopsLeft == 1 };
`;

let cedar: Cedar;
beforeAll(async () => {
  cedar = await createCedarLoader(cedarProgram)();
});

const node: Caller = { kind: "node", id: "hub-2" };
const agent: Caller = { kind: "agent", id: "scout" };

test("policies rule on an adoption by what the capsule says of itself and where the hub stands", async () => {
  const schema = cedarSchemaOf([...contractTable().operations.values()].map(({ operation }) => operation));
  const { policies, faults } = readPolicies(cedar, [{ name: "a.cedar", text }], schema);
  assert.deepEqual(faults, []);
  const place = { role: "edge", node: "hub-1", tags: ["home"] };
  const engine = createCedarEngine({
    policies: [...parsedDefaultPolicies, ...policies],
    load: () => Promise.resolve(cedar),
    name: "adoption",
  });
  const rulings = createRulings({ engine: () => engine, askPatterns: [], self: () => place });
  const ruled = async (caller: Caller, issuer: string, more: Partial<Capsule> = {}) => {
    const envelope = createIssuer(issuer).envelope(more);
    const { effect, rule } = await rulings.rule({
      operation: Adopt.id,
      key: "provenance:adopt",
      caller,
      scope: Adopt.scope?.({ envelope }) ?? {},
      effect: Adopt.effect,
      needs: [],
    });
    return `${effect} ${rule}`;
  };
  const long = { notAfterMs: startMs + 86_401_000 };
  assert.equal(await ruled(admin, "anybody"), "allow person");
  assert.equal(await ruled(admin, "anybody", long), "deny short");
  assert.equal(await ruled(agent, "mother"), "ask ask-before-change");
  assert.equal(await ruled(node, "mother"), "allow mother");
  assert.equal(await ruled(node, "mother", long), "deny short");
  assert.equal(await ruled(node, "mother", { hopTtl: 2 }), "deny policy.no-permit");
  assert.equal(await ruled(node, "mother", { propagate: "all" }), "deny policy.no-permit");
  assert.equal(await ruled(node, "father"), "deny policy.no-permit");
  place.role = "root";
  assert.equal(await ruled(node, "mother"), "deny policy.no-permit");
});

test("what is no capsule claims nothing", () => {
  for (const envelope of ["{}", "nonsense", "e30", createIssuer("x").envelope({ hopTtl: 1000 })])
    assert.deepEqual(Adopt.scope?.({ envelope }), {});
});
