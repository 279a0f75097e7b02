import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { callerKinds } from "../../contract/caller.ts";
import type { PolicyCall } from "../../kernel/ports.ts";
import { covers, type Terms } from "./coverage.ts";

const few = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const callers = fc.record({ kind: few(...callerKinds), id: few("scout", "scou", "p") });
const scopes = fc.record(
  {
    folder: few("/a", "/a/b", "/"),
    path: few("a.md", "b.md"),
    host: few("example.org:443", "www.example.org:443", "example.org:8443", "evil-example.org:443"),
  },
  { requiredKeys: [] },
);
const calls: fc.Arbitrary<PolicyCall> = fc.record({
  operation: few("fs.write"),
  key: few("fs:write", "fs:write-all", "web:fetch", "scout:brief"),
  caller: callers,
  scope: scopes,
  corrId: few("run-1", "run-2"),
  effect: few("read", "write"),
  needs: few<readonly string[]>([], ["fs:write"], ["net:fetch", "net:send"], ["fs:list", "fs:write"], ["exec"]),
});
const terms: fc.Arbitrary<Terms> = fc.record({
  capability: few("*", "fs:*", "fs:write", "web:fetch", "net:send", "net:fetch", "net:*", "exec", "scout:brief"),
  holder: few("agent:scout", "agent:*", "plugin:p", "node:*", "person:scout"),
  scope: fc.record(
    {
      folder: few("/a", "/a/b"),
      path: few("a.md"),
      host: few("example.org", "*.example.org", "example.org:8443"),
      run: few("run-1"),
    },
    { requiredKeys: [] },
  ),
});

/** Written from the words of the guide alone. */
const hosts: Readonly<Record<string, readonly string[]>> = {
  "example.org": ["example.org:443"],
  "*.example.org": ["www.example.org:443"],
  "example.org:8443": ["example.org:8443"],
};
function mayCover({ capability, holder, scope }: Terms, call: PolicyCall): boolean {
  const names = (key: string) => new RegExp(`^${capability.replace("*", ".*")}$`, "u").test(key);
  const needed = call.needs.filter((need) => !(capability === "net:send" && need === "net:fetch"));
  const isNeed = call.needs.length > 0 && needed.every(names);
  const isHolder = [`${call.caller.kind}:${call.caller.id}`, `${call.caller.kind}:*`].includes(holder);
  const isPlace =
    (scope.folder ?? call.scope.folder) === call.scope.folder && (scope.path ?? call.scope.path) === call.scope.path;
  const isHost = scope.host === undefined || (hosts[scope.host] ?? [scope.host]).includes(call.scope.host ?? "");
  return (names(call.key) || isNeed) && isHolder && isPlace && isHost && (scope.run ?? call.corrId) === call.corrId;
}

/** As the call is in some ways, so that there are enough that cover it. */
function likened(lease: Terms, { caller, key, needs, scope }: PolicyCall, same: readonly number[]): Terms {
  const { folder, path } = lease.scope;
  const ways: readonly Partial<Terms>[] = [
    { holder: `${caller.kind}:${caller.id}` },
    { capability: key },
    { capability: needs[0] ?? key },
    { scope: {} },
    { scope: { ...(folder === undefined ? {} : { folder }), ...(path === undefined ? {} : { path }), ...scope } },
  ];
  return Object.assign({}, lease, ...same.map((place) => ways[place]));
}

test("a lease covers exactly what it names, for whom it names, where it names it", () => {
  let covered = 0;
  let asked = 0;
  fc.assert(
    fc.property(terms, calls, fc.array(fc.nat(4), { maxLength: 5 }), (given, call, same) => {
      const lease = likened(given, call, same);
      asked += 1;
      covered += Number(covers(lease, call));
      assert.equal(covers(lease, call), mayCover(lease, call));
    }),
    runs(2_000),
  );
  // The few cases of a soak that is past its end say nothing of how many there are.
  assert.ok(asked < 1_000 || covered > asked / 10, `only ${covered} of ${asked} were covered`);
});

test("a narrower lease never covers more than the one it was narrowed from", () => {
  fc.assert(
    fc.property(terms, terms, calls, (lease, other, call) => {
      const narrowed: Terms = { ...lease, scope: { ...other.scope, ...lease.scope } };
      assert.ok(!covers(narrowed, call) || covers(lease, call));
    }),
    runs(1_000),
  );
});

test("by its needs a lease covers no call that needs more, and no call that takes in rules of others", () => {
  const call: PolicyCall = {
    operation: "scout.brief",
    key: "scout:brief",
    caller: { kind: "agent", id: "scout" },
    scope: {},
    effect: "write",
    needs: ["fs:list", "fs:write"],
  };
  const lease = (capability: string): Terms => ({ capability, holder: "agent:*", scope: {} });
  assert.equal(covers(lease("fs:list"), call), false);
  assert.equal(covers(lease("fs:*"), call), true);
  assert.equal(covers(lease("fs:*"), { ...call, needs: [] }), false);
  const capsule = { issuer: "x", leaseSecs: 1, hopsLeft: 1, propagate: "none" };
  assert.equal(covers(lease("*"), { ...call, scope: { capsule } }), false);
});
