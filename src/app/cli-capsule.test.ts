/** Keys, templates and signatures on the command line, and the one thing that must never be seen: the private key. */
import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { startMs } from "../../test/kit/kernel.ts";
import { isSignedBy } from "../base/ed25519.ts";
import { isRefused, openEnvelope } from "../domains/provenance/envelope.ts";
import { readCapsule } from "../domains/provenance/capsule.ts";
import { capsuleCommands } from "./cli-capsule.ts";

async function openDesk() {
  const folder = await mkdtemp(join(tmpdir(), "arw-capsule-"));
  const shown: string[] = [];
  const write = (text: string): void => void shown.push(text);
  const commands = capsuleCommands({
    terminal: { write, writeError: write, resolvePath: (path) => join(folder, path) },
    connect: () => Promise.reject(new TypeError("no hub is needed here")),
    nowMs: () => startMs,
  });
  return {
    folder,
    shown,
    async run(words: string, argument = "", flags: Readonly<Record<string, unknown>> = {}) {
      const command = commands.find((each) => each.words === `policy capsule ${words}`);
      assert.ok(command !== undefined, words);
      const before = shown.length;
      const code = await command.run({ argument, flags, globals: { json: flags["json"] === true } });
      return { code, text: shown.slice(before).join("") };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

test("a key is made for its owner's eyes alone, and signs what the template becomes", async () => {
  await using desk = await openDesk();
  const made = JSON.parse((await desk.run("keygen", "key.pem", { json: true })).text) as Record<string, string>;
  const path = join(desk.folder, "key.pem");
  if (process.platform !== "win32") assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFile(join(desk.folder, "capsule.json"), (await desk.run("template")).text);
  const flags = { key: ["key.pem"], lease: ["60"] };
  const { code, text } = await desk.run("sign", "capsule.json", flags);
  assert.equal(code, 0);
  const opened = openEnvelope(text.trim());
  assert.ok(!isRefused(opened));
  const [signature] = opened.signatures;
  assert.ok(signature !== undefined);
  assert.equal(signature.keyId, made["keyId"]);
  const key = Buffer.from(made["publicKey"] ?? "", "base64");
  assert.ok(isSignedBy(key, opened.signedBytes, signature.bytes));
  const capsule = readCapsule(opened.payload);
  assert.ok(!isRefused(capsule));
  assert.deepEqual([capsule.issuedAtMs, capsule.notAfterMs], [startMs, startMs + 60_000]);
  const header = await desk.run("sign", "capsule.json", { ...flags, header: true });
  assert.ok(!isRefused(openEnvelope(header.text.trim())));
  assert.match(header.text, /^[A-Za-z0-9_-]+\n$/);
  const [, secret = ""] = (await readFile(path, "utf8")).split("\n");
  assert.ok(secret.length > 20 && !desk.shown.join("").includes(secret));
});

test("a key file is never written over, never read when others may, and what is no capsule is not signed", async () => {
  await using desk = await openDesk();
  await desk.run("keygen", "key.pem");
  const key = await readFile(join(desk.folder, "key.pem"));
  assert.equal((await desk.run("keygen", "key.pem")).code, 1);
  assert.deepEqual(await readFile(join(desk.folder, "key.pem")), key);
  await writeFile(join(desk.folder, "good.json"), (await desk.run("template")).text);
  await writeFile(join(desk.folder, "twice.json"), '{"id":"a","id":"b"}');
  await writeFile(join(desk.folder, "allows.json"), '{"allows":["*"]}');
  await writeFile(join(desk.folder, "no.pem"), "not a key", { mode: 0o600 });
  const cases = [
    ["good.json", {}],
    ["good.json", { key: ["missing.pem"] }],
    ["good.json", { key: ["no.pem"] }],
    ["good.json", { key: ["key.pem"], lease: ["0"] }],
    ["good.json", { key: ["key.pem"], lease: ["99999999"] }],
    ["twice.json", { key: ["key.pem"] }],
    ["allows.json", { key: ["key.pem"] }],
    ["missing.json", { key: ["key.pem"] }],
  ] as const;
  for (const [file, flags] of cases) {
    const { code, text } = await desk.run("sign", file, flags);
    assert.deepEqual([code, text.startsWith("✗ ")], [1, true], `${file} ${JSON.stringify(flags)}: ${text}`);
  }
  if (process.platform === "win32") return;
  await chmod(join(desk.folder, "key.pem"), 0o644);
  assert.match((await desk.run("sign", "good.json", { key: ["key.pem"] })).text, /chmod 600/);
});
