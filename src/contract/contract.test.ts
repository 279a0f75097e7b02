import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import { Caller, callerName, type Grant, isGranted, matchesKey } from "./caller.ts";
import { type Envelope, envelopeJson, event, jsonText } from "./event.ts";
import { gateKey, op } from "./operation.ts";
import { isProblem, Problem, problem, problemDocument } from "./problem.ts";
import { checkerOf, closed, oneOf, Type } from "./schema.ts";
import { standardProblems } from "./standard-problems.ts";
import { taskEvents } from "./task.ts";
import { seqKey } from "./view.ts";

test("a grant covers its keys in its folder and path, and nothing beyond", () => {
  const key = fc.constantFrom("fs:read", "fs:write", "fs", "text:outline");
  const pattern = fc.constantFrom("fs:read", "fs:*", "*", "text:*", "fs");
  const place = fc.record(
    { folder: fc.constantFrom("/a", "/a/b", "/b"), path: fc.constantFrom("x", "y") },
    { requiredKeys: [] },
  );
  const grant = fc.tuple(pattern, place).map(([key, where]): Grant => ({ key, ...where }));
  fc.assert(
    fc.property(fc.array(grant, { maxLength: 4 }), key, place, (grants, asked, scope) => {
      const wanted = grants.some((each) => {
        const isKey = each.key.endsWith("*") ? asked.startsWith(each.key.slice(0, -1)) : each.key === asked;
        return isKey && each.folder === scope.folder && (each.path === undefined || each.path === scope.path);
      });
      assert.equal(isGranted({ kind: "agent", id: "a", grants }, asked, scope), wanted);
    }),
    runs(100),
  );
});

test("no grant of folders opens a host, and a caller without grants has none", () => {
  const all: Caller = { kind: "agent", id: "a", grants: [{ key: "*", folder: "/a" }, { key: "*" }] };
  assert.equal(isGranted(all, "net:fetch", { host: "example.org" }), false);
  assert.equal(isGranted({ kind: "agent", id: "a" }, "fs:read", {}), false);
  assert.deepEqual([matchesKey("*", ""), matchesKey("fs:*", "fs"), matchesKey("fs", "fs:read")], [true, false, false]);
});

test("a caller's name is short and safe to print", () => {
  const check = checkerOf(Caller);
  assert.equal(callerName({ kind: "agent", id: "scout" }), "agent:scout");
  for (const id of ["", "a b", "a\n", "x".repeat(121), "ä"])
    assert.equal(check.check({ kind: "person", id }), false, id);
});

test("the JSON of an envelope is the envelope, without a position when it is live, and is not made twice", () => {
  const envelope: Envelope = {
    seq: 3,
    id: "i",
    timeMs: 1,
    kind: "a.b",
    version: 1,
    corrId: "c",
    causeId: null,
    node: "n",
    caller: "person:admin",
    data: { x: [1, "ä"] },
  };
  assert.deepEqual(JSON.parse(envelopeJson(envelope)), envelope);
  const { seq: _none, ...live } = envelope;
  assert.deepEqual(JSON.parse(envelopeJson({ ...envelope, seq: 0 })), live);
  assert.equal(envelopeJson({ ...envelope, [jsonText]: "made before" } as Envelope), "made before");
});

test("definitions are frozen, say what they leave out, and reads are idempotent by nature", () => {
  const input = closed({});
  const read = op({ id: "a.b.c", http: "GET /a", effect: "read", about: "x", input, output: input });
  const write = op({ id: "a.d", http: "POST /a", effect: "write", about: "x", input, output: input });
  const happened = event({ kind: "a.happened", about: "x", data: input });
  assert.ok([read, write, happened].every((each) => Object.isFrozen(each)));
  assert.deepEqual(
    [read.isIdempotent, write.isIdempotent, read.mode, read.isPublic, gateKey(read)],
    [true, false, "one", false, "a:b:c"],
  );
  assert.deepEqual([happened.version, happened.isDurable], [1, true]);
});

test("a problem's document follows RFC 9457, and no extra field can pass for one of its own", () => {
  const Full = problem({ code: "shop.full", status: 409, title: "Full", about: "x" });
  const error = new Problem(Full, "no room for 3", { status: 200, code: "ok", roomLeft: 2 });
  assert.deepEqual(problemDocument(error, "c-1"), {
    type: "/problems/shop.full",
    title: "Full",
    status: 409,
    code: "shop.full",
    detail: "no room for 3",
    instance: "c-1",
    roomLeft: 2,
  });
  assert.deepEqual(
    [isProblem(error), isProblem(error, Full), isProblem(error, standardProblems[0]), isProblem(new RangeError("x"))],
    [true, true, false, false],
  );
});

test("standard problems have codes and statuses of their own kind", () => {
  assert.equal(new Set(standardProblems.map((each) => each.code)).size, standardProblems.length);
  for (const { code, status, about } of standardProblems)
    assert.ok(/^arw\.[a-z-]+$/.test(code) && status >= 400 && status < 600 && about.endsWith("."), code);
});

test("a checker names each fault by its place and in words", () => {
  const schema = closed({ mode: oneOf(["slow", "fast"]), limits: closed({ count: Type.Integer({ minimum: 1 }) }) });
  const checker = checkerOf(schema);
  assert.equal(checkerOf(schema), checker);
  assert.ok(checker.check({ mode: "slow", limits: { count: 1 } }));
  const faults = (value: unknown) =>
    checker.check(value) ? [] : checker.faults(value).map(({ at, message }) => `${at} ${message}`);
  assert.deepEqual(faults({ mode: "quick", limits: { count: 1 } }), ["/mode must be one of slow, fast"]);
  assert.match(faults({ mode: "fast", limits: { count: 0 } }).join(), /^\/limits\/count /);
  assert.match(faults({ mode: "fast", limits: { count: 1 }, more: 1 }).join(), /unknown field "more"/);
  assert.ok(faults(null).length > 0 && faults([]).length > 0);
});

test("keys made of positions sort as the positions do", () => {
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), fc.nat(Number.MAX_SAFE_INTEGER), (a, b) => {
      assert.equal(seqKey({ seq: a }) < seqKey({ seq: b }), a < b);
    }),
    runs(100),
  );
});

test("a task that starts has every end an event can tell", () => {
  assert.deepEqual(taskEvents.map((each) => each.kind).toSorted(), [
    "task.cancelled",
    "task.enqueued",
    "task.failed",
    "task.finished",
    "task.retried",
    "task.started",
  ]);
});
