import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { isProblem } from "../../contract/problem.ts";
import { createRouter } from "./router.ts";

const route = (method: string, path: string) => ({ method, path });

const router = createRouter([
  route("GET", "/"),
  route("GET", "/things"),
  route("POST", "/things"),
  route("GET", "/things/:id"),
  route("GET", "/things/:id/parts/:part"),
  route("GET", "/things/new/parts"),
  route("GET", "/v1::batch"),
  route("GET", "/ui/*"),
  route("HEAD", "/only/head"),
  route("GET", "/only/head"),
  route("GET", "/both/name"),
  route("DELETE", "/both/:id"),
  route("PUT", "/both/*"),
]);

const found = (method: string, url: string) => {
  const match = router.match(method, url);
  return match === null ? null : [match.route.path, match.params];
};

test.each([
  ["GET", "/", ["/", {}]],
  ["GET", "/things?x=/a", ["/things", {}]],
  ["GET", "/things#a/b", ["/things", {}]],
  ["GET", "/things/a", ["/things/:id", { id: "a" }]],
  ["GET", "/thin%67s/a%2Fb%25", ["/things/:id", { id: "a/b%" }]],
  ["GET", "/things/new", ["/things/:id", { id: "new" }]],
  // A name goes before a parameter, and where it leads nowhere the parameter is tried.
  ["GET", "/things/new/parts", ["/things/new/parts", {}]],
  ["GET", "/things/new/parts/1", ["/things/:id/parts/:part", { id: "new", part: "1" }]],
  ["GET", "/things/", ["/things/:id", { id: "" }]],
  ["GET", "/v1:batch", ["/v1::batch", {}]],
  ["GET", "/ui/a/b%2fc", ["/ui/*", { "*": "a/b/c" }]],
  ["GET", "/ui/", ["/ui/*", { "*": "" }]],
  ["GET", "/ui", null],
  ["GET", "/Things", null],
  ["GET", "//things", null],
  ["GET", "/things/a/b", null],
  ["GET", "/things%2Fa", null],
  ["PUT", "/things", null],
  ["HEAD", "/things/a", ["/things/:id", { id: "a" }]],
  ["HEAD", "/only/head", ["/only/head", {}]],
  ["GET", "/__proto__", null],
] as const)("%s %s", (method, url, expected) => {
  assert.deepEqual(found(method, url), expected);
});

test("a row that is there for HEAD answers it, and no other", () => {
  assert.equal(router.match("HEAD", "/only/head")?.route.method, "HEAD");
  assert.equal(router.match("HEAD", "/things")?.route.method, "GET");
});

test.each([
  ["/", ["GET", "HEAD"]],
  ["/things", ["GET", "HEAD", "POST"]],
  ["/things?x=/a", ["GET", "HEAD", "POST"]],
  ["/things/a", ["GET", "HEAD"]],
  ["/things/new/parts", ["GET", "HEAD"]],
  ["/things/new/parts/1", ["GET", "HEAD"]],
  ["/both/name", ["DELETE", "GET", "HEAD", "PUT"]],
  ["/both/other", ["DELETE", "PUT"]],
  ["/both/a/b", ["PUT"]],
  ["/both", []],
  ["/v1:batch", ["GET", "HEAD"]],
  ["/ui/a/b", ["GET", "HEAD"]],
  [`/things/${"x".repeat(2000)}`, []],
  ["/nothing", []],
  ["//things", []],
])("%s takes %j", (url, methods) => {
  assert.deepEqual(router.methodsOf(url), methods);
});

test("an address takes a method exactly when a row answers it", () => {
  const word = fc.constantFrom("things", "new", "parts", "both", "name", "only", "head", "ui", "v1:batch", "x", "");
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (parts) => {
      const url = `/${parts.join("/")}`;
      const answered = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"].filter(
        (method) => found(method, url) !== null,
      );
      assert.deepEqual(router.methodsOf(url), answered);
    }),
  );
});

test("what is no address, or too long to name anything, is a problem", () => {
  const statusOf = (url: string): number => {
    try {
      router.match("GET", url);
    } catch (error) {
      return isProblem(error) ? error.definition.status : 500;
    }
    return 200;
  };
  assert.deepEqual(["/things/%zz", "/things/%", "/%c3%28"].map(statusOf), [400, 400, 400]);
  assert.equal(statusOf(`/things/${"x".repeat(2000)}`), 404);
  assert.equal(statusOf(`/ui/${"x".repeat(2000)}`), 200);
});

test("an address of two rows is a defect", () => {
  assert.throws(() => createRouter([route("GET", "/a/:b"), route("GET", "/a/:c")]));
});

test("every value of a parameter comes back as it was written", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), (id) => {
      const match = router.match("GET", `/things/${encodeURIComponent(id)}?q=1`);
      // A name of the table in the place of a parameter is no other route here.
      assert.deepEqual(match?.params, { id });
    }),
  );
});
