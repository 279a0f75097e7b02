import assert from "node:assert/strict";
import { test } from "vitest";
import type { Context } from "../../contract/operation.ts";
import { createDepartures, createFarLink } from "./far-link.ts";

interface Carried {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

test("a server with an address that knows no greeting says so, and is told beside the body what the body says", async () => {
  const carried: Carried[] = [];
  const call = (_operation: unknown, input: Carried): Promise<unknown> => {
    carried.push(input);
    const { id, method } = JSON.parse(input.body) as { readonly id: number; readonly method: string };
    const refused = { jsonrpc: "2.0", id: null, error: { code: -32_022, message: "no such revision" } };
    const messages = method === "initialize" ? [refused] : [{ jsonrpc: "2.0", id, result: { method } }];
    return Promise.resolve({ status: method === "initialize" ? 400 : 200, messages });
  };
  const ctx = { corrId: "e-1", call } as unknown as Context;
  const headers = { authorization: "Bearer secret:FAR_KEY" };
  const link = createFarLink({ name: "far", url: "https://far.example/mcp", headers }, createDepartures());
  const { error } = await link.request("initialize", { protocolVersion: "2025-11-25" }, ctx);
  assert.deepEqual(error, { code: -32_022, message: "no such revision" });
  const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  assert.deepEqual(await link.request("tools/call", { name: "read", _meta }, ctx), {
    result: { method: "tools/call" },
  });
  const beside = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "read" };
  assert.deepEqual(
    carried.map((each) => each.headers),
    [headers, { ...headers, ...beside }],
  );
});
