import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { test } from "vitest";
import { randomBytesOf, seededRandom } from "../../../test/kit/chance.ts";
import { createFakeWire } from "../../../test/kit/fake-wire.ts";
import { makeKernel, until } from "../../../test/kit/kernel.ts";
import { serveHttp } from "../../../test/kit/loopback-server.ts";
import { createProxyDoor } from "../../adapters/egress/proxy.ts";
import type { Caller } from "../../contract/caller.ts";

const agent: Caller = { kind: "agent", id: "builder" };
const operation = "shell:run";

/** A server, an agent's child that may send there, and these allowances. */
async function world(...allowances: readonly Readonly<Record<string, unknown>>[]) {
  const arrived: number[] = [];
  const server = await serveHttp((incoming, response) => {
    let sizeBytes = 0;
    incoming.on("error", () => undefined);
    incoming.on("data", (piece: Buffer) => void (sizeBytes += piece.byteLength));
    incoming.on("close", () => void arrived.push(sizeBytes));
    incoming.on("end", () => response.end("thanks"));
  });
  const door = createProxyDoor({
    randomBytes: randomBytesOf(seededRandom(1)),
    resolver: () => Promise.resolve(["127.0.0.1"]),
  });
  const kit = await makeKernel({ egress: { wire: createFakeWire(), door } });
  const host = `docs.example:${server.port}`;
  await kit.call("egress.allow", { host, isPrivate: true });
  await kit.call("leases.grant", { capability: "net:send", holder: "agent:builder", host });
  for (const each of allowances) await kit.call("budgets.allow", each);
  const { signal } = new AbortController();
  const child = await kit.egress.children.admit({ caller: agent, corrId: "run-1", operation, signal });
  const proxy = new URL(child.environment["HTTP_PROXY"] ?? "");
  const ledger = (wanted: string) =>
    kit
      .events()
      .filter(({ kind }) => kind === wanted)
      .map(({ data }) => data as { bytesOut: number; fault: string | null; rule: string; source: string });
  return {
    kit,
    arrived,
    ledger,
    /** What a child would do that honours the variables. */
    async post(bodyBytes: number): Promise<string> {
      const before = ledger("egress.sent").length;
      const going = request({
        host: proxy.hostname,
        port: proxy.port,
        method: "POST",
        path: `http://${host}/`,
        agent: false,
        headers: {
          host,
          "content-length": bodyBytes,
          "proxy-authorization": `Basic ${Buffer.from(`${proxy.username}:${proxy.password}`).toString("base64")}`,
        },
      });
      // It goes on sending while it is already told no.
      going.on("error", () => undefined);
      going.end(Buffer.alloc(bodyBytes, "x"));
      const [answer] = (await once(going, "response")) as [AsyncIterable<Buffer> & { readonly statusCode: number }];
      const pieces: Buffer[] = [];
      for await (const piece of answer) pieces.push(piece);
      // Where a connection was opened, it is told of once it is over.
      if (answer.statusCode === 200 || answer.statusCode === 502)
        await until(() => ledger("egress.sent").length > before, "the connection is told of");
      return `${answer.statusCode} ${Buffer.concat(pieces).toString("utf8").trim()}`;
    },
    async used(): Promise<readonly number[]> {
      const { outcome } = await kit.call("budgets.list", {});
      const { output } = outcome as unknown as { output: { allowances: readonly { readonly used: number }[] } };
      return output.allowances.map((each) => each.used);
    },
    async [Symbol.asyncDispose]() {
      child[Symbol.dispose]();
      await door[Symbol.asyncDispose]();
      await kit[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("what a child sends is taken from the allowance of its agent before it leaves", async () => {
  const text = "1 KB out/hour for agent:builder";
  await using it = await world({ allowance: [text] });
  assert.match(await it.post(20_000), /^502 shell:run can use 19.* KB out, and there is 0 B out left of 1 KB out/);
  const [cut] = it.ledger("egress.sent");
  assert.ok(cut?.fault === "ended" && cut.bytesOut < 1_000);
  assert.ok(it.arrived.every((sizeBytes) => sizeBytes === 0));
  const [refusal] = it.ledger("egress.refused");
  assert.equal(refusal?.source, text);
  assert.deepEqual(await it.used(), [cut.bytesOut]);

  assert.equal(await it.post(300), "200 thanks");
  const [, sent] = it.ledger("egress.sent");
  assert.deepEqual(await it.used(), [cut.bytesOut + (sent?.bytesOut ?? 0)]);
  while (((await it.used())[0] ?? 0) < 1_000 - 200) if (!(await it.post(1)).startsWith("200")) break;
  assert.match(await it.post(300), /^(429|502) .*left of 1 KB out/);
  assert.ok(((await it.used())[0] ?? 0) <= 1_000);
});

test("a long way takes more as it goes, and gives the rest back", async () => {
  await using it = await world({ allowance: ["1 MB out/hour for agent:builder"] });
  assert.equal(await it.post(400_000), "200 thanks");
  const [sent] = it.ledger("egress.sent");
  assert.ok((sent?.bytesOut ?? 0) > 400_000);
  assert.deepEqual(await it.used(), [sent?.bytesOut]);
  assert.match(await it.post(700_000), /^502 .*left of 1 MB out/);
  assert.ok(((await it.used())[0] ?? 0) <= 1_000_000);
  await until(() => it.arrived.length === 2, "the server sees its end");
  assert.ok((it.arrived[1] ?? 0) < 600_000);
});

test("each connection is a call of its host, and none of its agent, whose call was counted", async () => {
  await using it = await world(
    { allowance: ["2 calls/hour for host:docs.example"] },
    { allowance: ["1 calls/hour for agent:builder"] },
  );
  assert.equal(await it.post(1), "200 thanks");
  assert.equal(await it.post(1), "200 thanks");
  assert.match(await it.post(1), /^429 .*2 calls/);
  assert.deepEqual(
    (await it.used()).toSorted((a, b) => a - b),
    [0, 2],
  );
});

test("over a soft limit that asks nothing leaves, as nobody can be asked on the way", async () => {
  await using it = await world({ allowance: ["10 KB out/hour for agent:builder"], soft: "50%", over: "ask" });
  assert.equal(await it.post(2_000), "200 thanks");
  assert.match(await it.post(4_000), /^502 nobody can be asked on the way: .*above 5 KB/);
  assert.ok(((await it.used())[0] ?? 0) <= 5_000);
});

test("without an allowance nothing is counted", async () => {
  await using it = await world();
  assert.equal(await it.post(200_000), "200 thanks");
  assert.deepEqual(
    it.kit.kinds().filter((kind) => kind.startsWith("budgets.")),
    [],
  );
});
