import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "vitest";
import { randomBytesOf, seededRandom } from "../../../test/kit/chance.ts";
import { StoreFault } from "../../kernel/ports.ts";
import {
  keysFile,
  keysName,
  passphraseCost,
  readKeys,
  recoveryWay,
  type Secret,
  unlockKeys,
  wayOf,
  writeKeys,
} from "./keys.ts";
import { codeBytes, codeText, recoveryBytes } from "./recovery-code.ts";

const randomBytes = randomBytesOf(seededRandom(45));
const cost = { cost: 16, blockSize: 1, parallel: 1 };
const master = randomBytes(32);
const typed = (text: string): Secret => ({ kind: "passphrase", text });
const keyBytes = randomBytes(32);

async function make() {
  const code = codeText(randomBytes(recoveryBytes));
  const ways = [
    await wayOf(master, typed("a short sentence é"), { randomBytes, cost }),
    await wayOf(master, { kind: "keyFile", bytes: keyBytes }, { randomBytes }),
    recoveryWay(master, code, { randomBytes }),
  ];
  return { code, file: keysFile({ master, state: "sealed", ways }) };
}

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "arw-keys-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test("each way in gives the master key, and nothing else does", async () => {
  const { code, file } = await make();
  const opens = [
    typed("a short sentence é"),
    // The same letters, as another keyboard sends them.
    typed("a short sentence e\u0301"),
    { kind: "keyFile", bytes: keyBytes } as const,
    typed(code),
    typed(code.toLowerCase().replaceAll("-", " ")),
  ];
  for (const secret of opens) assert.deepEqual(await unlockKeys(file, secret), Buffer.from(master));
  const other = codeText(randomBytes(recoveryBytes));
  for (const secret of [typed("a short sentence"), typed(other), { kind: "keyFile", bytes: randomBytes(32) } as const])
    assert.equal(await unlockKeys(file, secret), null);
});

test("a passphrase costs whoever tries it a hundred megabytes", () => {
  assert.ok(passphraseCost.cost * passphraseCost.blockSize * 128 >= 100_000_000);
});

test("a file whose words were changed opens nothing, though the passphrase is right", async () => {
  const { file } = await make();
  const [first, ...rest] = file.ways;
  assert.ok(first);
  const changes = [
    { ...file, state: "opening" as const },
    { ...file, ways: [first] },
    { ...file, ways: [first, ...rest, first] },
  ];
  for (const changed of changes)
    await assert.rejects(
      unlockKeys(changed, typed("a short sentence é")),
      (error) => error instanceof StoreFault && error.reason === "locked",
    );
});

test("the file is its owner's, comes back as it was written, and stays untouched when it is damaged", async () => {
  await using folder = await temporaryFolder();
  assert.equal(await readKeys(folder.path), null);
  const { file } = await make();
  await writeKeys(folder.path, file);
  assert.deepEqual(await readKeys(folder.path), file);
  const path = join(folder.path, keysName);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  for (const damage of ["", "{}", JSON.stringify({ ...file, ways: [] }), "x".repeat(100_000)]) {
    await writeFile(path, damage);
    await assert.rejects(readKeys(folder.path), (error) => error instanceof StoreFault && error.reason === "locked");
    assert.equal(await readFile(path, "utf8"), damage);
  }
});

test("a recovery code is what it was written from, and little else is a code", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: recoveryBytes, maxLength: recoveryBytes }), fc.string(), (bytes, text) => {
      const code = codeText(bytes);
      assert.match(code, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}$/);
      assert.deepEqual([...(codeBytes(code) ?? [])], [...bytes]);
      assert.deepEqual(codeBytes(code.replaceAll("0", "O").replaceAll("1", "l")), codeBytes(code));
      if (text.length < 32) assert.equal(codeBytes(text), null);
    }),
  );
});
