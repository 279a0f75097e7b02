import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import { admin, until } from "../../../test/kit/kernel.ts";
import { plugin, forPlugin, world, grant, listed, come } from "../../../test/kit/leases.ts";
import { runs } from "../../../test/kit/runs.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Wire } from "../egress/port.ts";

test("what is asked about passes while a lease covers it, and is asked about again when that is over", async () => {
  const { kit } = await world();
  await using _kit = kit;
  assert.equal(await come(kit, "world.write"), "held");
  const { leaseId, leftMs } = await grant(kit, { ...forPlugin, ttl: "10m" });
  assert.equal(leftMs, 600_000);
  assert.equal(await come(kit, "world.write"), "answer");
  assert.match(
    kit.samples.at(-1)?.change?.detail ?? "",
    new RegExp(`^permitted by the lease:${leaseId} of person:admin`),
  );
  for (const other of [plugin("q"), { kind: "node", id: "p" } as const]) {
    const answer = await come(kit, ["world.write", {}], other);
    assert.ok(["held", "policy.no-permit"].includes(answer), answer);
  }
  kit.clock.advance(600_000);
  assert.equal(await come(kit, "world.write"), "held");
  await until(() => kit.kinds().includes("leases.expired"), "its end is told");
  assert.deepEqual(await listed(kit), []);
});

test("a lease is a permit where nobody permits, in its folder and nowhere else, and denies stay denied", async () => {
  const { kit } = await world({ deny: ["world:wait"] });
  await using _kit = kit;
  const node: Caller = { kind: "node", id: "n" };
  assert.equal(await come(kit, ["world.write", { folder: "/a" }], node), "policy.no-permit");
  await grant(kit, { capability: "world:*", holder: "node:*", folder: "/a" });
  assert.equal(await come(kit, ["world.write", { folder: "/a" }], node), "answer");
  const others = ["/a/b", "/", "/b", "/a/../b"].map((folder) => come(kit, ["world.write", { folder }], node));
  assert.deepEqual(await Promise.all(others), [...Array(3).fill("policy.no-permit"), "built-in:plain-folder"]);
  assert.equal(await come(kit, ["world.write", {}], node), "policy.no-permit");
  await grant(kit, { capability: "*", holder: "node:*" });
  assert.equal(await come(kit, ["world.wait", {}], node), "world:wait");
});

test("only a person gives, lists and takes back, also from within a call", async () => {
  const { kit } = await world();
  await using _kit = kit;
  const { leaseId } = await grant(kit, { capability: "*", holder: "agent:*" });
  await grant(kit, { capability: "*", holder: "plugin:*" });
  for (const kind of ["agent", "plugin", "node"] as const)
    for (const [operation, input] of [
      ["leases.grant", forPlugin],
      ["leases.list", {}],
      ["leases.revoke", { leaseId }],
    ] as const)
      assert.equal(await come(kit, [operation, input], { kind, id: "x", grants: [{ key: "*" }] }), "built-in:person");
  assert.equal(await come(kit, "world.widen"), "built-in:person");
  assert.equal((await listed(kit)).length, 2);
});

test("as many calls pass as a lease has uses, however many come at once and however often the hub ends", async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 5 }),
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    async (uses, rounds) => {
      const store = createMemoryStore();
      let passed = 0;
      for (const [index, calls] of rounds.entries()) {
        // Never disposed: it ends as by kill, right behind its answers.
        const { kit, done } = await world({ store });
        if (index === 0) await grant(kit, { ...forPlugin, uses });
        const answers = await Promise.all(Array.from({ length: calls }, () => come(kit, "world.write")));
        passed += done.length;
        assert.equal(answers.filter((each) => each === "answer").length, done.length);
        assert.equal(passed, Math.min(uses, passed + answers.filter((each) => each === "held").length));
        assert.equal((await listed(kit))[0]?.usesLeft, uses - passed);
      }
    },
  );
  await fc.assert(property, runs(25));
});

test("a call that comes to nothing before it runs takes no use", async () => {
  const store = createFailingStore(createMemoryStore());
  const { kit } = await world({ store });
  await using _kit = kit;
  await grant(kit, { ...forPlugin, uses: 1 });
  const { outcome } = await kit.call("budgets.allow", { allowance: ["0 calls/day for plugin:p"] });
  const { allowanceId } = (outcome as unknown as { output: { allowanceId: string } }).output;
  assert.equal(await come(kit, "world.write"), allowanceId);
  assert.equal((await listed(kit))[0]?.usesLeft, 1);
  await kit.call("budgets.revoke", { allowanceId });
  store.failWith("full");
  assert.equal(await come(kit, "world.write"), "arw.store-full");
  store.failWith(null);
  assert.equal(await come(kit, "world.write"), "answer");
  assert.equal(await come(kit, "world.write"), "held");
});

test("a budget is taken before the call and what was not used comes back; too little left asks again", async () => {
  const { kit } = await world();
  await using _kit = kit;
  await grant(kit, { ...forPlugin, budget: ["1 KB written"] });
  assert.equal(await come(kit, ["world.write", { bytes: 1001 }]), "held");
  assert.equal(await come(kit, ["world.write", { bytes: 800 }]), "answer");
  assert.deepEqual((await listed(kit))[0]?.budgetLeft, { bytesWritten: 600 });
  assert.equal(await come(kit, ["world.write", { bytes: 601 }]), "held");
  const both = await Promise.all([1, 2].map(() => come(kit, ["world.write", { bytes: 400 }])));
  assert.deepEqual(both.toSorted(), ["answer", "held"]);
  for (const budget of ["1 KB", "3 calls", "5 minutes", "1 KB written/day", "much"])
    assert.equal(
      await come(kit, ["leases.grant", { ...forPlugin, budget: [budget] }], admin),
      "leases.bad-lease",
      budget,
    );
});

test("what a call used beyond the most it said is taken, too", async () => {
  const { kit } = await world();
  await using _kit = kit;
  await grant(kit, { ...forPlugin, budget: ["1 KB written"] });
  assert.equal(await come(kit, ["world.write", { bytes: 100, used: 700 }]), "answer");
  assert.deepEqual((await listed(kit))[0]?.budgetLeft, { bytesWritten: 300 });
  assert.equal(await come(kit, ["world.write", { bytes: 300, used: 700 }]), "answer");
  assert.deepEqual((await listed(kit))[0]?.budgetLeft, { bytesWritten: 0 });
  assert.equal(await come(kit, "world.write"), "held");
});

test("hosts that are open stand in the same list, and are closed by the same word", async () => {
  const wire = { send: () => Promise.reject(new RangeError("no")), look: () => Promise.resolve([]) } as unknown as Wire;
  const { kit } = await world({ egress: { wire } });
  await using _kit = kit;
  await kit.call("egress.allow", { host: "example.org", agent: "scout", ttl: "5m", reason: "docs" });
  await grant(kit);
  const leases = await listed(kit);
  assert.deepEqual(
    leases.map(({ kind, capability, holder, scope, leftMs }) => [kind, capability, holder, scope, leftMs]),
    [
      ["call", "world:write", "plugin:p", {}, 900_000],
      ["host", "net:fetch", "agent:scout", { host: "example.org" }, 300_000],
    ],
  );
  const open = leases.find(({ kind }) => kind === "host");
  assert.equal(await come(kit, ["leases.revoke", { leaseId: open?.leaseId }], admin), "answer");
  assert.deepEqual(
    (await listed(kit)).map(({ kind }) => kind),
    ["call"],
  );
  assert.ok(kit.kinds().includes("egress.lease.revoked"));
});

test("what is no lease is refused with its reason, and the list has an end", async () => {
  const { kit } = await world();
  await using _kit = kit;
  for (const [bad, code] of [
    [{ capability: "" }, "arw.invalid-input"],
    [{ capability: "fs write" }, "arw.invalid-input"],
    [{ holder: "scout" }, "arw.invalid-input"],
    [{ holder: "system:hub" }, "arw.invalid-input"],
    [{ holder: "*" }, "arw.invalid-input"],
    [{ ttl: "0m" }, "arw.invalid-input"],
    [{ uses: 0 }, "arw.invalid-input"],
    [{ capability: "fs.wr*te" }, "arw.invalid-input"],
    [{ host: "a b" }, "leases.bad-lease"],
    [{ path: "a.md" }, "leases.bad-lease"],
  ] as const)
    assert.equal(await come(kit, ["leases.grant", { ...forPlugin, ...bad }], admin), code, JSON.stringify(bad));
  assert.equal((await grant(kit, { ...forPlugin, ttl: "14d" })).leftMs, 14 * 86_400_000);
  for (let count = 1; count < 200; count += 1) await grant(kit);
  const more = await Promise.all([1, 2].map(() => come(kit, ["leases.grant", forPlugin], admin)));
  assert.deepEqual(more, ["leases.too-many-leases", "leases.too-many-leases"]);
});

test("the explanation names the lease that covers a call, and the command that would give one", async () => {
  const { kit } = await world();
  await using _kit = kit;
  const explain = async () => {
    const input = { operation: "world.write", caller: plugin(), input: { folder: "/a b" } };
    const { outcome } = await kit.call("policy.explain", input);
    const { output } = outcome as unknown as {
      output: { verdict: string; stages: { stage: string; rule: string; source: string; next?: string }[] };
    };
    return { ...output.stages.find(({ stage }) => stage === "policy"), verdict: output.verdict };
  };
  const before = await explain();
  assert.deepEqual([before.verdict, before.rule], ["ask", "plugin-asks-before-change"]);
  assert.equal(before.next, "arw lease grant world:write --holder plugin:p --folder '/a b' --ttl 15m");
  const { leaseId } = await grant(kit);
  const after = await explain();
  assert.deepEqual([after.verdict, after.rule, after.source], ["allow", `lease:${leaseId}`, "person:admin"]);
});
