import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { admin, domainOf, type Kit, makeKernel, until } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { createKeptSecrets } from "../../base/kept-secrets.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { AgentProgram } from "../agents/contract.ts";
import { formsOf } from "./forms.ts";
import type { StoredSecret } from "./port.ts";
import { createSecrets, type Secrets } from "./service.ts";

const planted = 'Zx9"kV\\7-planted/&+secret=';
const agent: Caller = { kind: "agent", id: "prober", grants: [{ key: "*" }] };

const echoInput = closed({ text: Type.String() });
const Echo = op({
  id: "probe.echo",
  http: "POST /probe",
  effect: "write",
  about: "Says what it was told.",
  input: echoInput,
  output: echoInput,
});
const Fail = op({ ...Echo, id: "probe.fail", http: "POST /probe/fail", problems: [NotFound] });
const Later = op({ ...Echo, id: "probe.later", http: "POST /probe/later", mode: "job", isTask: true });
const Ask = op({ ...Echo, id: "probe.ask", http: "POST /probe/ask" });

interface House {
  readonly kit: Kit;
  readonly secrets: Secrets;
  readonly files: Map<string, StoredSecret>;
  readonly disk: { isFull: boolean };
  come(operation: string, input: object, as?: Caller): Promise<string>;
}

async function house(programs: readonly AgentProgram[] = []): Promise<House> {
  const files = new Map<string, StoredSecret>();
  const disk = { isFull: false };
  const vault = createKeptSecrets();
  const write = (change: () => void): Promise<void> =>
    disk.isFull ? Promise.reject(new RangeError(`no space for ${planted}`)) : Promise.resolve(change());
  let secrets: Secrets | undefined;
  const kit = await makeKernel({
    programs,
    ask: ["probe:ask"],
    vault,
    learn: (redactor) => {
      secrets = createSecrets({
        stored: [],
        store: {
          save: (secret) => write(() => files.set(secret.name, secret)),
          remove: (name) => write(() => files.delete(name)),
        },
        learnSecrets(values) {
          redactor.add(values);
          vault.add(values);
        },
      });
      return secrets.domain;
    },
    domains: () => [
      domainOf("probe", {
        operations: [
          bind(Echo, ({ text }) => ({ text })),
          bind(Fail, ({ text }) => {
            throw new Problem(NotFound, `no ${text}`, { faults: [{ at: text, message: text }], [text]: 1 });
          }),
          bind(Later, ({ text }) => Promise.resolve({ text })),
          bind(Ask, ({ text }) => ({ text })),
        ],
      }),
    ],
  });
  assert.ok(secrets);
  const come = async (operation: string, ...[input, as = admin]: [object, Caller?]): Promise<string> => {
    try {
      return JSON.stringify((await kit.call(operation, input, as)).outcome);
    } catch (error) {
      assert.ok(error instanceof Problem, String(error));
      return `${error.definition.code} ${error.message} ${JSON.stringify(error.extra)}`;
    }
  };
  return { kit, secrets, files, disk, come };
}

const traces = formsOf(planted);
const assertClean = (text: string, where: string): void => {
  for (const form of traces) assert.ok(!text.includes(form), `${where} shows ${form}`);
};

test("a secret is given for the hosts it is bound to, and for no other", async () => {
  const { kit, secrets, come } = await house();
  await using _kit = kit;
  await come("secrets.set", { name: "API_KEY", value: planted });
  assert.equal(secrets.secretFor("API_KEY", "api.example.com"), null);
  await come("secrets.bind", { name: "API_KEY", host: ["API.example.com", "localhost:8443"] });
  for (const host of ["api.example.com", "API.EXAMPLE.COM", "localhost:8443"])
    assert.equal(secrets.secretFor("API_KEY", host), planted, host);
  for (const host of [
    "example.com",
    "api.example.com.evil.net",
    "xapi.example.com",
    "api.example.com:8443",
    "localhost",
    "",
  ])
    assert.equal(secrets.secretFor("API_KEY", host), null, host);
  assert.equal(secrets.secretFor("OTHER", "api.example.com"), null);
  await come("secrets.set", { name: "API_KEY", value: "another-value-1" });
  assert.equal(secrets.secretFor("API_KEY", "api.example.com"), "another-value-1", "another value keeps the hosts");
  await come("secrets.remove", { name: "API_KEY" });
  assert.equal(secrets.secretFor("API_KEY", "api.example.com"), null);
});

test("agents see names and hosts, and set, bind and remove nothing", async () => {
  const { kit, come } = await house();
  await using _kit = kit;
  await come("secrets.set", { name: "API_KEY", value: planted });
  const list = await come("secrets.list", {}, agent);
  assert.match(list, /API_KEY/);
  assertClean(list, "the list");
  for (const [operation, input] of [
    ["secrets.set", { name: "API_KEY", value: "12345678" }],
    ["secrets.bind", { name: "API_KEY", host: ["evil.example"] }],
    ["secrets.remove", { name: "API_KEY" }],
  ] as const)
    assert.match(await come(operation, input, agent), /^arw\.denied/, operation);
});

test("a planted secret leaves by no event, answer of an agent, problem, task, question, sample or log line", async () => {
  const program: AgentProgram = {
    id: "prober",
    about: "x",
    model: "none",
    tools: [Echo],
    async run(_input, tools) {
      await tools.call(Echo, { text: `I found ${planted}` }, `telling ${planted}`);
      await tools.believe({ topic: planted, statement: `it is ${planted}`, sources: [] });
      return {
        outcome: `done with ${planted}`,
        notDone: [planted],
        output: { planted, nested: [{ [planted]: planted }] },
      };
    },
  };
  const { kit, come } = await house([program]);
  await using _kit = kit;
  await come("secrets.set", { name: "API_KEY", value: planted });
  const told: string[] = [];
  for (const form of traces) {
    told.push(await come("probe.echo", { text: `x${form}y` }, agent));
    told.push(await come("probe.fail", { text: `x${form}y` }));
    told.push(await come("probe.fail", { text: `x${form}y` }, agent));
    told.push(await come("probe.later", { text: form }));
    told.push(await come("probe.ask", { text: form }));
    told.push(await come("tasks.enqueue", { kind: "probe.later", payload: { text: form } }));
    told.push(await come("approvals.decide", { approvalId: form.slice(0, 64), decision: "deny", reason: form }));
  }
  assert.ok(told.some((each) => each.includes("[redacted:")));
  assert.equal(told.filter((each) => /^arw\.invalid-input.*kept secret/.test(each)).length, 3 * traces.length);
  await come("agents.run", { agent: "prober", title: "probing", input: {}, grants: [{ key: "*" }] });
  await until(() => kit.kinds().some((kind) => /agents\.run\.(finished|failed)/.test(kind)), "the run ends");
  await until(() => kit.kinds().includes("task.finished"), "its task ends");
  assert.ok(kit.kinds().includes("beliefs.held"));
  assertClean(told.join("\n"), "an answer");
  assertClean(
    kit
      .events()
      .map((each) => JSON.stringify(each))
      .join("\n"),
    "the journal",
  );
  assertClean(JSON.stringify(kit.samples), "a sample");
  assertClean(kit.errors.join("\n"), "the log");
  for (const view of kit.kernel.table.views.values())
    assertClean(JSON.stringify(kit.kernel.views.list(view, { limit: 1000 })), view.name);
  const blobs: string[] = [];
  for await (const { ref } of kit.blobs.list()) blobs.push(Buffer.from((await kit.blobs.get(ref)) ?? []).toString());
  assertClean(blobs.join("\n"), "a blob");
});

test("a disk that takes nothing is told in words without the value, and the secret is as before", async () => {
  const { kit, secrets, come, disk } = await house();
  await using _kit = kit;
  disk.isFull = true;
  const refused = await come("secrets.set", { name: "API_KEY", value: planted });
  assert.match(refused, /^arw\.store-failed/);
  assertClean(refused, "the problem");
  assertClean(kit.errors.join(""), "the log");
  assert.match(await come("secrets.bind", { name: "API_KEY", host: ["a.example"] }), /^arw\.not-found/);
  assert.equal(secrets.secretFor("API_KEY", "a.example"), null);
});

test("what is no secret is refused: short values, names that are none, hosts with a path", async () => {
  const { kit, come } = await house();
  await using _kit = kit;
  const set = (name: string, value: string) => come("secrets.set", { name, value });
  for (const refused of [
    await set("API_KEY", "short"),
    await set("api_key", planted),
    await set("../KEY", planted),
    await come("secrets.bind", { name: "API_KEY", host: ["example.com/path"] }),
    await come("secrets.bind", { name: "API_KEY", host: ["*.example.com"] }),
    await come("secrets.bind", { name: "API_KEY", host: ["user@example.com"] }),
  ])
    assert.match(refused, /^arw\.invalid-input/);
});

test("a secret is found in the Base64 of any text that it stands in, as in the header of a sign-in", () => {
  const beside = fc.uint8Array({ maxLength: 7 });
  fc.assert(
    fc.property(fc.string({ minLength: 9, maxLength: 40 }), beside, beside, (value, before, after) => {
      const bytes = Buffer.concat([before, Buffer.from(value), after]);
      for (const alphabet of ["base64", "base64url"] as const) {
        const text = bytes.toString(alphabet);
        const found = formsOf(value).filter((form) => text.includes(form));
        // What stands outside of it holds less than a character of the value at either end.
        assert.ok(
          found.some((form) => form.length >= (value.length * 4) / 3 - 4),
          `${text} shows ${value}`,
        );
      }
    }),
    runs(200),
  );
});

test.each([
  ["PHP", "wJalr/K7M+x==", String.raw`wJalr\/K7M+x==`],
  ["PHP, past ASCII", "schlüssel/1", String.raw`schl\u00fcssel\/1`],
  ["Go", "wJalr/K7M<x&y>z", String.raw`wJalr/K7M\u003cx\u0026y\u003ez`],
  [".NET", "wJalr/K7M+xö'", String.raw`wJalr/K7M\u002Bx\u00F6\u0027`],
  ["JSON of PHP inside of JSON", "wJalr/K7M+x", String.raw`wJalr\\/K7M+x`],
  ["the text of an element", `wJalr"K7M&'x`, `wJalr"K7M&amp;'x`],
  ["markup of Python", "wJalr'K7M<x", "wJalr&#x27;K7M&lt;x"],
  ["XML", "wJalr'K7M<x", "wJalr&apos;K7M&lt;x"],
  ["markup of Go", `wJalr"K7M'x`, "wJalr&#34;K7M&#39;x"],
  ["a template", "wJalr/K7M+x==", "wJalr&#x2F;K7M+x&#x3D;&#x3D;"],
])("a secret is found as it is written by %s", (_writer, value, written) => {
  const kept = createKeptSecrets();
  kept.add(formsOf(value));
  assert.equal(kept.text(`"${written}"`), '"[redacted:secret]"');
});

test("a secret is found in Base64 that is wrapped into lines, quoted or not", () => {
  const beside = fc.uint8Array({ maxLength: 90 });
  const wrapping = fc.record({
    value: fc.string({ minLength: 9, maxLength: 60 }),
    before: beside,
    after: beside,
    column: fc.integer({ min: 8, max: 76 }),
    broken: fc.constantFrom("\n", "\r\n", "\n    ", "\n> "),
  });
  fc.assert(
    fc.property(wrapping, ({ value, before, after, column, broken }) => {
      const redactor = createRedactor({ secrets: formsOf(value) });
      const text = Buffer.concat([before, Buffer.from(value), after]).toString("base64");
      const lines = [...text.matchAll(new RegExp(`.{1,${column}}`, "gu"))].map(([each]) => each);
      const shown = redactor.text(`see: ${lines.join(broken)}\n\nand no more`).replaceAll(/[\s>]/gu, "");
      assert.match(shown, /^see:.*\[redacted:value\].*andnomore$/u);
      assert.equal(
        formsOf(value).some((form) => shown.includes(form)),
        false,
      );
    }),
    runs(200),
  );
  const words = "correcthorse\nbatterystaple\nvendorlist\n";
  assert.equal(createRedactor({ secrets: formsOf("horse-battery") }).text(words), words);
});

test("whatever text a secret stands in, none of its forms comes through, and other text stays as it was", () => {
  const text = fc.string({ maxLength: 40, unit: "grapheme" });
  const secret = fc.string({ minLength: 8, maxLength: 40, unit: "binary" }).filter((each) => each.length >= 8);
  fc.assert(
    fc.property(secret, text, text, (value, before, after) => {
      const kept = createKeptSecrets();
      kept.add(formsOf(value));
      for (const form of formsOf(value)) {
        const nested = kept.clean({ [`${before}${form}`]: [`${form}${after}`, { deep: form }] });
        assert.ok(!JSON.stringify(Object.entries(nested)).includes(JSON.stringify(form).slice(1, -1)));
      }
      const harmless = { a: before, b: [after, 1, null, true] };
      if (!formsOf(value).some((form) => before.includes(form) || after.includes(form)))
        assert.equal(kept.clean(harmless), harmless);
    }),
    runs(100),
  );
});
