/** What an agent was granted nothing of, it does not get to know by asking to write it. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { makeKernel, until } from "../../../test/kit/kernel.ts";
import { createMemoryFolders } from "../../adapters/files/memory-folder.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import { createFolderReader } from "./reader.ts";
import { createFs } from "./service.ts";

const folder = "/home/ada/private";
const paths = ["a.md", "none.md", "a.md/below.md", "link/b.md"];
const granted: Caller = { kind: "agent", id: "scout", grants: [{ key: "fs:read", folder }] };

async function open() {
  const folders = createMemoryFolders();
  const reader = createFolderReader({ folders, redactor: createRedactor() });
  const kit = await makeKernel({ domains: (parts) => [createFs({ reader, recorder: () => parts.recorder })] });
  const tree = folders.tree(folder);
  tree.put("a.md", "hello\n");
  tree.make("link", "link");
  const asked = () => kit.kinds().filter((kind) => kind === "approvals.requested").length;
  const answerOf = async (caller: Caller, path: string, text: string): Promise<string> => {
    const before = asked();
    const leave = new AbortController();
    const end: { code?: string } = {};
    const credentials = { kind: "caller", caller } as const;
    const call = kit.kernel
      .dispatch({ operationId: "fs.write", input: { folder, path, text }, credentials, signal: leave.signal })
      .catch((error: unknown) => void (end.code = isProblem(error) ? error.definition.code : String(error)));
    await until(() => asked() > before || end.code !== undefined, "it asks or ends");
    const code = asked() > before ? "asked" : String(end.code);
    leave.abort();
    await call;
    return code;
  };
  return { ...kit, answerOf };
}

test("whatever is there, an agent without a grant is answered alike: a person is asked", async () => {
  await using kit = await open();
  for (const caller of [
    { kind: "agent", id: "scout" },
    { kind: "agent", id: "scout", grants: [{ key: "*", folder: "/home/ada/else" }] },
  ] as const satisfies readonly Caller[])
    for (const path of paths) assert.equal(await kit.answerOf({ ...caller }, path, "x"), "asked", path);
});

test("an agent that may look there is told at once what cannot work", async () => {
  await using kit = await open();
  assert.equal(await kit.answerOf(granted, "a.md", "x"), "asked");
  assert.match(await kit.answerOf(granted, "link/b.md", "x"), /^fs\./);
});
