import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "vitest";
import { tokenHash } from "../../domains/access/port.ts";
import { credentialsPath, findToken, openCredentials } from "./credentials.ts";
import { createSessionFile } from "./session-file.ts";

let base = "";
let stateDir = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "arw-credentials-"));
  stateDir = join(base, "state");
});
afterEach(() => rm(base, { recursive: true, force: true }));

const modeOf = async (name: string): Promise<number> => (await stat(join(stateDir, name))).mode & 0o777;
const found = async (): Promise<string> => (await findToken({ environment: {}, stateDir }))?.token ?? "";

test("the first start makes a token that only its owner can read, the next one keeps it", async () => {
  const first = await openCredentials({ stateDir, randomBytes });
  const token = await found();
  assert.match(token, /^arw_[A-Za-z0-9_-]{43}$/);
  assert.deepEqual([first.isNew, first.source], [true, "file"]);
  assert.equal(tokenHash(first.token.salt, token), first.token.hash);
  assert.deepEqual([await modeOf("credentials"), await modeOf("tokens.json")], [0o600, 0o600]);
  assert.ok(!(await readFile(join(stateDir, "tokens.json"), "utf8")).includes(token));
  assert.deepEqual(await openCredentials({ stateDir, randomBytes }), { ...first, isNew: false });
});

test("a token that a person wrote into the file counts, and a damaged hash is made anew", async () => {
  await openCredentials({ stateDir, randomBytes });
  await writeFile(credentialsPath(stateDir), "# mine\nARW_ADMIN_TOKEN='my own'\n");
  const second = await openCredentials({ stateDir, randomBytes });
  assert.equal(tokenHash(second.token.salt, "my own"), second.token.hash);
  await writeFile(join(stateDir, "tokens.json"), "{");
  const third = await openCredentials({ stateDir, randomBytes });
  assert.equal(tokenHash(third.token.salt, "my own"), third.token.hash);
  assert.equal(third.isNew, false);
});

test("bits that others got by accident are taken away", async () => {
  await openCredentials({ stateDir, randomBytes });
  await chmod(credentialsPath(stateDir), 0o644);
  await openCredentials({ stateDir, randomBytes });
  assert.equal(await modeOf("credentials"), 0o600);
});

test("a token given from outside is written nowhere", async () => {
  const given = await openCredentials({ stateDir, givenToken: "from outside", randomBytes });
  assert.equal(tokenHash(given.token.salt, "from outside"), given.token.hash);
  assert.deepEqual(await readdir(base), []);
});

test("the command line takes the flag, then the environment, then the file", async () => {
  await openCredentials({ stateDir, randomBytes });
  const environment = { ARW_ADMIN_TOKEN: "E" };
  assert.deepEqual(await findToken({ flag: "F", environment, stateDir }), { token: "F", source: "flag" });
  assert.deepEqual(await findToken({ environment, stateDir }), { token: "E", source: "environment" });
  assert.equal((await findToken({ environment: { ARW_ADMIN_TOKEN: "" }, stateDir }))?.source, "file");
  assert.equal(await findToken({ environment: {}, stateDir: base }), null);
});

test("sign-ins are stored as they are, and a damaged file counts as none", async () => {
  await openCredentials({ stateDir, randomBytes });
  const file = createSessionFile(stateDir);
  assert.deepEqual(await file.load(), []);
  const session = { hash: "a".repeat(64), createdAtMs: 1, usedAtMs: 2 };
  await file.save([session]);
  assert.deepEqual(await createSessionFile(stateDir).load(), [session]);
  assert.equal(await modeOf("sessions.json"), 0o600);
  await writeFile(join(stateDir, "sessions.json"), '{"sessions":[{"hash":"x"}, 3]}');
  assert.deepEqual(await file.load(), []);
});
