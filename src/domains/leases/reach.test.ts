import assert from "node:assert/strict";
import { test } from "vitest";
import { admin, domainOf, makeKernel } from "../../../test/kit/kernel.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed } from "../../contract/schema.ts";
import type { GrantLease, ListedLease } from "./contract.ts";
import type { Static } from "../../contract/schema.ts";

const act = (name: string, needs: readonly string[]) =>
  op({
    id: `world.${name}`,
    http: `POST /world/${name}`,
    effect: "write",
    about: "Acts in the test.",
    input: closed({}),
    output: closed({}),
    needs,
  });
const acts = [act("write", ["fs:write"]), act("fetch", ["net:fetch"]), act("send", ["net:fetch", "net:send"])];

async function world() {
  const operations = acts.map((each) => bind(each, () => ({})));
  const kit = await makeKernel({ domains: () => [domainOf("world", { operations })] });
  /** `ok`, the rule that refused, or the code. */
  const give = async (input: Static<typeof GrantLease.input>, keys?: readonly string[]): Promise<string> => {
    const reach = { token: "narrow", keys: [...(keys ?? [])], isReadOnly: false };
    try {
      await kit.call("leases.grant", input, keys === undefined ? admin : { ...admin, reach });
      return "ok";
    } catch (error) {
      if (!isProblem(error)) throw error;
      const { rule } = error.extra;
      return typeof rule === "string" ? rule : error.definition.code;
    }
  };
  const listed = async (): Promise<readonly ListedLease[]> => {
    const { outcome } = await kit.call("leases.list", {});
    return (outcome as unknown as { output: { leases: ListedLease[] } }).output.leases;
  };
  return { kit, give, listed };
}

test("nobody gives by a lease what their own token does not reach", async () => {
  const { kit, give, listed } = await world();
  await using _kit = kit;
  const given = (capability: string, ...keys: string[]) => give({ capability, holder: "agent:*" }, keys);
  for (const capability of ["*", "world:*", "world:write", "world.write", "fs:write", "net:send", "net:*"])
    assert.equal(await given(capability, "leases:grant"), "access.token:narrow", capability);
  // Who gives a need gives each operation that needs nothing else.
  assert.equal(await given("net:send", "leases:grant", "net:*"), "access.token:narrow");
  assert.equal(await given("world:*", "leases:grant", "world:write"), "access.token:narrow");
  assert.deepEqual(await listed(), []);
  assert.equal(await given("world:write", "leases:grant", "world:*"), "ok");
  assert.equal(await given("net:send", "leases:grant", "net:*", "world:*"), "ok");
  assert.equal(await given("net:send", "*"), "ok");
});

test("a lease that could let nothing pass is none", async () => {
  const { kit, give, listed } = await world();
  await using _kit = kit;
  const refused = async (capability: string, holder = "agent:*"): Promise<string | undefined> => {
    try {
      await kit.call("leases.grant", { capability, holder });
      return undefined;
    } catch (error) {
      return isProblem(error) ? error.message : String(error);
    }
  };
  assert.equal(await refused("world.fetsch"), "world:fetsch names nothing here; did you mean world:fetch?");
  assert.match((await refused("no:such*")) ?? "", /^no:such\* names nothing here/);
  for (const capability of ["leases:*", "leases:grant"])
    assert.equal(await refused(capability), `${capability} is for persons alone, and no lease gives it to agent:*`);
  assert.equal(await give({ capability: "*", holder: "agent:*", ttl: "15d" }), "leases.bad-lease");
  assert.deepEqual(await listed(), []);
  for (const capability of ["*", "world:*", "world.fetch", "exec", "net:send", "model:ask"])
    assert.equal(await give({ capability, holder: "agent:*" }), "ok", capability);
  assert.equal(await refused("leases:*", "person:ada"), undefined);
});
