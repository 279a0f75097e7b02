/** However a call writes a folder, the rules about that folder are met. */
import assert from "node:assert/strict";
import { posix } from "node:path";
import fc from "fast-check";
import { test } from "vitest";
import type { Caller } from "../../contract/caller.ts";
import type { NamedPolicy, PolicyRequest } from "./engine-port.ts";
import { plainFolder } from "./plain-folder.ts";
import { createRulings } from "./rulings.ts";

test("folders have one spelling, and none where they go up again", () => {
  const cases: readonly (readonly [string, string | null])[] = [
    ["/", "/"],
    ["//", "/"],
    ["/home/ada", "/home/ada"],
    ["/home/ada/", "/home/ada"],
    ["//home///ada//", "/home/ada"],
    ["/home/./ada/.", "/home/ada"],
    ["/././home", "/home"],
    ["/home/.notes", "/home/.notes"],
    ["/home/a..b", "/home/a..b"],
    ["/home/ada/..", null],
    ["/home/../root", null],
    ["C:\\Users\\ada\\", "C:\\Users\\ada"],
    ["C:\\", "C:\\"],
    ["C:\\Users\\..\\x", null],
    ["\\\\server\\share", "\\\\server\\share"],
  ];
  for (const [folder, plain] of cases) assert.equal(plainFolder(folder), plain, folder);
});

test("without links, the one spelling is the one of the file system, and has itself", () => {
  const part = fc.constantFrom("a", "b.c", ".", "..", "", ".d", "e..");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const folder = `/${parts.join("/")}`;
      const plain = plainFolder(folder);
      if (plain === null) return assert.ok(parts.includes(".."));
      assert.equal(plain, posix.resolve(folder));
      assert.equal(plainFolder(plain), plain);
    }),
  );
});

const scout: Caller = { kind: "agent", id: "scout" };

async function asked(folder: string, caller: Caller) {
  const requests: PolicyRequest[] = [];
  const rulings = createRulings({
    engine: () => ({ policies: [], decide: (request) => (requests.push(request), { effect: "none" as const }) }),
    askPatterns: [],
  });
  const call = { operation: "fs.read", key: "fs:read", caller, scope: { folder }, effect: "read" as const, needs: [] };
  return { ruling: await rulings.rule(call), requests };
}

test("policies are asked about the plain folder and those above it", async () => {
  const { requests } = await asked("/home//ada/./taxes/", scout);
  assert.deepEqual(
    requests.map(({ resource, within }) => [resource.id, ...within.map(({ id }) => id)]),
    [["/home/ada/taxes", "/home/ada", "/home", "/"]],
  );
});

test("a folder that goes up again is denied to whoever is no person, and no policy is asked", async () => {
  const { ruling, requests } = await asked("/home/ada/notes/../taxes", scout);
  assert.deepEqual([ruling.effect, ruling.rule, requests.length], ["deny", "built-in:plain-folder", 0]);
  const { requests: own } = await asked("/home/ada/notes/../taxes", { kind: "person", id: "admin" });
  assert.equal(own.length, 1);
});

test("a rule over a folder is met by whatever link leads there, and what was granted by a link's name stays so", async () => {
  const own = { id: "no-taxes", source: "own" } as NamedPolicy;
  const granted = { id: "granted", source: "default" } as NamedPolicy;
  const rulings = createRulings({
    engine: () => ({
      policies: [],
      decide: ({ resource, within }) =>
        [resource, ...within].some(({ id }) => id === "/home/ada/taxes")
          ? { effect: "forbid", policy: own }
          : resource.id === "/home/ada/notes/link" || resource.id === "/home/ada/work"
            ? { effect: "allow", policy: granted }
            : { effect: "none" },
    }),
    askPatterns: [],
    realFolder: (folder) => Promise.resolve(folder.endsWith("link") ? "/home/ada/taxes/2025" : `/disk${folder}`),
  });
  const ruled = async (folder: string, caller = scout) => {
    const rest = { effect: "read" as const, needs: [] };
    const { effect, rule } = await rulings.rule({
      operation: "fs.read",
      key: "fs:read",
      caller,
      scope: { folder },
      ...rest,
    });
    return [effect, rule];
  };
  assert.deepEqual(await ruled("/home/ada/notes/link"), ["deny", "no-taxes"]);
  assert.deepEqual(await ruled("/home/ada/work"), ["allow", "granted"]);
  assert.deepEqual(await ruled("/home/ada/other"), ["deny", "policy.no-permit"]);
  assert.deepEqual(await ruled("/home/ada/notes/link", { kind: "person", id: "admin" }), ["allow", "granted"]);
});
