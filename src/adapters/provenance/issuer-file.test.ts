import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import type { StoredIssuer } from "../../domains/provenance/port.ts";
import { createStateFiles } from "../files/state-file.ts";
import { createIssuerFile } from "./issuer-file.ts";

const issuer: StoredIssuer = {
  id: "parent",
  addedAtMs: 1,
  revokedAtMs: null,
  keys: [{ keyId: "sha256:x", publicKey: "eA==", validFromMs: 1, validToMs: null }],
};

async function openFolder() {
  const folder = await mkdtemp(join(tmpdir(), "arw-issuers-"));
  const files = createStateFiles({ nowMs: () => 1 });
  const path = join(folder, "provenance-issuers.json");
  return {
    path,
    file: createIssuerFile({ stateDir: folder, files }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

test("without a file nobody is trusted, and what is saved is for its owner alone, with no copy of what was", async () => {
  await using folder = await openFolder();
  assert.deepEqual(await folder.file.load(), []);
  await folder.file.save([issuer]);
  await folder.file.save([{ ...issuer, revokedAtMs: 2 }]);
  assert.deepEqual(await folder.file.load(), [{ ...issuer, revokedAtMs: 2 }]);
  if (process.platform !== "win32") assert.equal((await stat(folder.path)).mode & 0o777, 0o600);
  await assert.rejects(readFile(`${folder.path}.bak`), { code: "ENOENT" });
});

test("one entry that is not understood condemns the file", async () => {
  await using folder = await openFolder();
  const wrong: readonly unknown[] = [
    "not JSON",
    {},
    [{ ...issuer, id: "../x" }],
    [{ ...issuer, keys: [{}] }],
    [issuer, { ...issuer, revokedAtMs: "never" }],
  ];
  for (const each of wrong) {
    await writeFile(folder.path, typeof each === "string" ? each : JSON.stringify(each));
    assert.equal(await folder.file.load(), null, JSON.stringify(each));
  }
});
