import assert from "node:assert/strict";
import { validateHeaderName, validateHeaderValue } from "node:http";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { isProblem } from "../../contract/problem.ts";
import { loadConfig } from "../config/load.ts";
import { tracesUrl } from "./export.ts";
import { headersOf } from "./headers.ts";

test("headers are read as the standard lists them", () => {
  assert.deepEqual(headersOf("api-key=key,other-config-value=Basic%20YTpi%3D , X-Scope = team=a"), {
    headers: { "api-key": "key", "other-config-value": "Basic YTpi=", "x-scope": "team=a" },
    faults: [],
  });
  assert.deepEqual(headersOf(""), { headers: {}, faults: [] });
});

test("what is no header is left out and named without its value", () => {
  const { headers, faults } = headersOf("hidden,a=%E0%A4%A,b=one%0Atwo,=hidden,Host=hidden,good=1,c d=hidden");
  assert.deepEqual(headers, { good: "1" });
  assert.deepEqual(faults, [
    "number 1 is not name=value",
    "number 2 is not name=value",
    "number 3 is not name=value",
    "number 4 is not name=value",
    "host is decided by the request",
    "number 7 is not name=value",
  ]);
});

test("whatever the variable holds, what comes out of it can be sent", () => {
  const part = fc.oneof(
    fc.string({ maxLength: 9 }),
    fc.constantFrom("a=1", "b=%0d%0ac", "%ff", "\u0000", "\r\n", "é=ü", "€=1", "a=€", "=", ","),
  );
  const variable = fc.array(part, { maxLength: 9 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(variable, (text) => {
      const { headers } = headersOf(text);
      for (const [name, value] of Object.entries(headers)) {
        validateHeaderName(name);
        validateHeaderValue(name, value);
      }
    }),
    runs(100),
  );
});

const load = (env: Readonly<Record<string, string>>) =>
  loadConfig({
    flags: {},
    env,
    platform: "linux",
    home: "/home/someone",
    workDir: "/work",
    programDir: "/program",
    readFile: () => null,
  });

test("the endpoint comes from ARW's own variable, else from the standard one, and show says which", () => {
  const shown = (env: Readonly<Record<string, string>>) => {
    const setting = load(env).sources.find(({ key }) => key === "otlp.endpoint");
    return [setting?.value, setting?.from];
  };
  const standard = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
  assert.deepEqual(shown({}), ["", "built in"]);
  assert.deepEqual(shown(standard), ["http://collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT"]);
  assert.deepEqual(shown({ ...standard, ARW_OTLP_ENDPOINT: "http://[::1]:4318/otlp" }), [
    "http://[::1]:4318/otlp",
    "ARW_OTLP_ENDPOINT",
  ]);
  assert.deepEqual(shown({ ...standard, ARW_OTLP_ENDPOINT: "" }), [
    "http://collector:4318",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
  ]);
  assert.equal(load({ OTEL_SERVICE_NAME: "home" }).values.otlp.serviceName, "home");
});

test("an address that holds credentials or is none does not start a hub", () => {
  for (const bad of [
    "collector:4318",
    "http://user:key@collector:4318",
    "http://collector/?key=1",
    "ftp://c",
    "grpc://c",
  ])
    assert.throws(
      () => load({ ARW_OTLP_ENDPOINT: bad }),
      (error) => isProblem(error) && /Allowed: text such as "http:\/\/127.0.0.1:4318"/u.test(error.message),
      bad,
    );
});

test("the path for traces is added once", () => {
  for (const [endpoint, url] of [
    ["http://c:4318", "http://c:4318/v1/traces"],
    ["http://c:4318/", "http://c:4318/v1/traces"],
    ["https://c/otlp/", "https://c/otlp/v1/traces"],
    ["https://c/otlp/v1/traces", "https://c/otlp/v1/traces"],
  ] as const)
    assert.equal(tracesUrl(endpoint).href, url);
});
