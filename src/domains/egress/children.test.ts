import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { test } from "vitest";
import { randomBytesOf, seededRandom } from "../../../test/kit/chance.ts";
import { createFakeWire } from "../../../test/kit/fake-wire.ts";
import { type Kit, makeKernel } from "../../../test/kit/kernel.ts";
import { serveHttp } from "../../../test/kit/loopback-server.ts";
import { createProxyDoor } from "../../adapters/egress/proxy.ts";
import type { Caller } from "../../contract/caller.ts";

const run = promisify(execFile);
const agent: Caller = { kind: "agent", id: "builder" };

/** Not `fetch`, which does not tell what a proxy says when it refuses. */
const program = `
  import { get } from "node:http";
  get(process.argv[1], (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (part) => (text += part));
    answer.on("end", () => process.stdout.write(answer.statusCode + " " + text));
  });
`;

async function childFetch(environment: Readonly<Record<string, string>>, url: string): Promise<string> {
  const env = { ...environment, NODE_NO_WARNINGS: "1" };
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program, url], { env, timeout: 30_000 });
  return stdout;
}

async function world() {
  const door = createProxyDoor({
    randomBytes: randomBytesOf(seededRandom(1)),
    resolver: () => Promise.resolve(["127.0.0.1"]),
  });
  const kit = await makeKernel({ egress: { wire: createFakeWire(), door } });
  const end = new AbortController();
  const grant = { caller: agent, corrId: "run-1", operation: "shell:run", signal: end.signal };
  return {
    kit,
    end,
    child: await kit.egress.children.admit(grant),
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await kit[Symbol.asyncDispose]();
    },
  };
}

const told = (kit: Kit) =>
  kit
    .events()
    .filter(({ kind }) => kind === "egress.sent" || kind === "egress.refused")
    .map(({ kind, caller, corrId, data }) => {
      const { host, rule, status = null } = data as { host: string; rule: string; status?: number };
      return [kind, caller, corrId, host, rule.replace(/:.*/, ""), status];
    });

/** The word of a person that this agent's children may send there. */
const maySend = (kit: Kit, host: string) =>
  kit.call("leases.grant", { capability: "net:send", holder: "agent:builder", host });

test("a child goes where its agent may, as long as that may be, and the ledger has its episode", async () => {
  await using server = await serveHttp((_request, response) => void response.end("hello"));
  await using it = await world();
  const { environment } = it.child;
  const url = `http://docs.example:${server.port}/`;
  assert.match(await childFetch(environment, url), /^403 .*docs\.example:\d+ is closed to agent builder/);
  await it.kit.call("egress.allow", { host: `docs.example:${server.port}`, isPrivate: true });
  await maySend(it.kit, `docs.example:${server.port}`);
  await maySend(it.kit, "inside.example");
  assert.equal(await childFetch(environment, url), "200 hello");
  assert.equal(server.count, 1);
  assert.deepEqual(told(it.kit), [
    ["egress.refused", "agent:builder", "run-1", "docs.example", "egress.closed", null],
    ["egress.sent", "agent:builder", "run-1", "docs.example", "lease", 200],
  ]);
  await it.kit.call("egress.allow", { host: "inside.example" });
  assert.match(await childFetch(environment, "http://inside.example/"), /^403 .*not open/);
  assert.deepEqual(told(it.kit).at(-1)?.slice(3, 5), ["inside.example", "egress.private-address"]);
  it.end.abort();
  assert.match(await childFetch(environment, url), /^407 /);
});

test("a halt closes the door to every child", async () => {
  await using server = await serveHttp((_request, response) => void response.end("hello"));
  await using it = await world();
  await it.kit.call("egress.posture.set", { posture: "public" });
  await it.kit.call("halt.engage", {});
  assert.match(await childFetch(it.child.environment, `http://docs.example:${server.port}/`), /^407 /);
  assert.equal(server.count, 0);
});

test.each([{ labels: [] }, { labels: ["file"] }] as const)(
  "a child of an agent is built from the files that it reads, whatever its agent had read: $labels",
  async ({ labels }) => {
    await using server = await serveHttp((_request, response) => void response.end("hello"));
    await using it = await world();
    const host = `docs.example:${server.port}`;
    await it.kit.call("egress.allow", { host, isPrivate: true });
    const caller: Caller = { ...agent, labels: [...labels] };
    const grant = { caller, corrId: "run-2", operation: "shell:run", signal: it.end.signal };
    using child = await it.kit.egress.children.admit(grant);
    const url = `http://${host}/?stolen`;
    const answer = await childFetch(child.environment, url);
    const next = `arw lease grant net:send --holder agent:builder --host ${host} --ttl 15m`;
    assert.match(answer, /^403 .*is asked for/);
    assert.ok(answer.includes(`\`${next}\``), answer);
    assert.equal(server.count, 0);
    await it.kit.call("leases.grant", { capability: "net:send", holder: "agent:other", host });
    assert.match(await childFetch(child.environment, url), /^403 /);
    await maySend(it.kit, host);
    assert.equal(await childFetch(child.environment, url), "200 hello");
    const [given] = it.kit
      .events()
      .filter(({ kind }) => kind === "leases.granted")
      .toReversed();
    await it.kit.call("leases.revoke", { leaseId: String((given?.data as { leaseId: string } | undefined)?.leaseId) });
    assert.match(await childFetch(child.environment, url), /^403 /);
    assert.equal(server.count, 1);
  },
);

test("a person's own child goes where the person may", async () => {
  await using server = await serveHttp((_request, response) => void response.end("hello"));
  await using it = await world();
  const host = `docs.example:${server.port}`;
  await it.kit.call("egress.allow", { host, isPrivate: true });
  const caller: Caller = { kind: "person", id: "admin" };
  const grant = { caller, corrId: "own", operation: "shell:run", signal: it.end.signal };
  using child = await it.kit.egress.children.admit(grant);
  assert.equal(await childFetch(child.environment, `http://${host}/`), "200 hello");
});
