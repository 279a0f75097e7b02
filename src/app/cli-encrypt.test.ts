/** The commands over a state directory of their own: the ways in, and what is refused. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { acquireStateLock } from "../adapters/files/state-lock.ts";
import { openSqliteStore } from "../adapters/sqlite/store.ts";
import { StoreFault } from "../kernel/ports.ts";
import { CallFailed } from "../surfaces/cli/port.ts";
import { encryptCommands } from "./cli-encrypt.ts";
import { connect } from "./cli-connection.ts";
import { contractTable } from "./domains.ts";
import { openSeal } from "./seal-seat.ts";
import { openSealed } from "./unlock.ts";

async function makeState() {
  const path = await mkdtemp(join(tmpdir(), "arw-encrypt-"));
  const stateDir = join(path, "state");
  let out = "";
  /** What a person types, in order; without it nobody is there. */
  async function arw(words: string, { typed, input, flags = {}, env = {}, tee = "" }: Run = {}) {
    const before = out.length;
    let err = "";
    const command = encryptCommands({
      env,
      pid: process.pid,
      nowMs: () => 1,
      cost: { cost: 16, blockSize: 1, parallel: 1 },
      // The command reads these two alone.
      valuesOf: () => ({ state: { dir: stateDir }, journal: { tee } }) as never,
      readSecret: async () => input?.shift() ?? `${typed?.shift() ?? ""}\n`,
      terminal: {
        write: (text: string) => void (out += text),
        writeError: (text: string) => void (err += text),
        isTty: typed !== undefined,
        isScreen: false,
        resolvePath: (given: string) => given,
      } as never,
    }).find((each) => each.words === `encrypt ${words}`);
    assert.ok(command);
    const code = await command.run({ argument: "", flags, globals: {} });
    return { code, out: out.slice(before), err };
  }
  openSqliteStoreIn(stateDir);
  return { path, stateDir, arw, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

interface Run {
  readonly typed?: string[];
  /** What a pipe holds, read whole and once; nobody is there then. */
  readonly input?: string[];
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly tee?: string;
}

function openSqliteStoreIn(stateDir: string): void {
  mkdirSync(stateDir, { mode: 0o700 });
  openSqliteStore(join(stateDir, "journal.db"))[Symbol.dispose]();
}

const codeIn = (text: string): string => /once: (\S+)/.exec(text)?.[1] ?? "";
const sentence = "a marsh at night";

test("a passphrase that was typed twice opens the state, as do the code and a key file beside it", async () => {
  await using state = await makeState();
  const { path, stateDir, arw } = state;
  assert.match((await arw("status")).out, /^Not encrypted/);
  const on = await arw("on", { typed: [sentence, sentence] });
  assert.equal(on.code, 0, on.err);
  const keyPath = join(path, "arw.key");
  const opens = async (typed: string[]) =>
    (await openSealed(stateDir, { env: {}, ask: async () => typed.shift() ?? "" })) !== null;
  assert.ok(await opens(["not it", sentence]));
  assert.ok(await opens([codeIn(on.out).toLowerCase()]));
  const added = await arw("passphrase", { typed: [codeIn(on.out)], flags: { keyFile: [keyPath], recovery: true } });
  assert.match(added.out, /opens with: a key file, a passphrase, the recovery code/);
  assert.equal((await stat(keyPath)).mode & 0o777, 0o600);
  assert.notEqual(codeIn(added.out), codeIn(on.out));
  await assert.rejects(opens(["x", "y", codeIn(on.out)]), isLocked);
  for (const typed of [["x", "y", "z"], [""]]) {
    const { code, err } = await arw("off", { typed });
    assert.deepEqual([code, /encrypted/.test(err)], [1, true], err);
  }
  const env = { ARW_STATE_KEY_FILE: keyPath };
  assert.match((await arw("status")).out, /It opens with: a key file, a passphrase, the recovery code\./);
  assert.equal((await arw("off", { env })).code, 0);
  assert.equal(await openSealed(stateDir, { env: {}, ask: null }), null);
});

const isLocked = (error: unknown): boolean => error instanceof StoreFault && error.reason === "locked";

test("what would leave plain words, or a key that is none, is refused, and nothing is changed", async () => {
  await using state = await makeState();
  const { path, stateDir, arw } = state;
  const open = join(path, "open.key");
  await writeFile(open, Buffer.alloc(32, 1), { mode: 0o644 });
  const short = join(path, "short.key");
  await writeFile(short, "short", { mode: 0o600 });
  const refusals: readonly (readonly [Run, RegExp])[] = [
    [{}, /nobody is here to type/],
    [{ typed: ["short"] }, /fewer than 12/],
    [{ typed: [sentence, "another marsh at night"] }, /not the same/],
    [{ typed: [sentence, sentence], tee: "events.jsonl" }, /journal\.tee/],
    [{ flags: { keyFile: [join(stateDir, "arw.key")] } }, /lies in the state directory/],
    [{ flags: { keyFile: [open] } }, /others may read/],
    [{ flags: { keyFile: [short] } }, /has 5 bytes/],
  ];
  for (const [run, says] of refusals) {
    const { code, err } = await arw("on", run);
    assert.equal(code, 1);
    assert.match(err, says);
  }
  await writeFile(join(stateDir, "tokens.json.corrupt-1"), "x");
  assert.match((await arw("on", { typed: [sentence, sentence] })).err, /tokens\.json\.corrupt-1/);
  assert.match((await arw("off", { typed: [] })).out, /not encrypted/);
  {
    await using _hub = await acquireStateLock(stateDir, { pid: 1, nowMs: 1 });
    assert.match((await arw("on", { typed: [sentence, sentence] })).err, /in use.*Stop it first/);
  }
  await assert.rejects(stat(join(stateDir, "keys.json")));
});

test("keys that somebody changed, or that are damaged, open nothing and stay as they are", async () => {
  await using state = await makeState();
  const { path, stateDir, arw } = state;
  const keyPath = join(path, "arw.key");
  const env = { ARW_STATE_KEY_FILE: keyPath };
  assert.equal((await arw("on", { flags: { keyFile: [keyPath] } })).code, 0);
  const at = join(stateDir, "keys.json");
  const text = await readFile(at, "utf8");
  for (const [changed, says] of [
    [text.replace('"sealed"', '"opening"'), /changed by somebody who has no key/],
    [text.slice(0, 40), /damaged/],
  ] as const) {
    await writeFile(at, changed);
    await assert.rejects(
      openSealed(stateDir, { env, ask: null }),
      (error) => isLocked(error) && says.test(String(error)),
    );
    assert.equal(await readFile(at, "utf8"), changed);
  }
  await writeFile(at, text);
  assert.equal((await arw("off", { env })).code, 0);
});

test("a key that comes into the state directory by a link is refused, as is a passphrase that lies there", async () => {
  await using state = await makeState();
  const { path, stateDir, arw } = state;
  await mkdir(join(stateDir, "inner"));
  const before = await readdir(stateDir);
  for (const [name, target] of [
    ["link", stateDir],
    ["deeper", join(stateDir, "inner")],
  ] as const) {
    const link = join(path, name);
    await symlink(target, link);
    const { code, err } = await arw("on", { flags: { keyFile: [join(link, "arw.key")] } });
    assert.deepEqual([code, /lies in the state directory/.test(err)], [1, true], err);
  }
  assert.deepEqual((await readdir(stateDir)).toSorted(), [...before, "lock.db"].toSorted());
  assert.deepEqual(await readdir(join(stateDir, "inner")), []);

  const keyPath = join(path, "arw.key");
  const on = await arw("on", { flags: { keyFile: [keyPath] } });
  assert.equal(on.code, 0, on.err);
  assert.ok(on.out.includes(`Start the hub with ARW_STATE_KEY_FILE=${keyPath}`), on.out);
  assert.doesNotMatch(on.out, /asks for the passphrase/);
  await writeFile(join(stateDir, "arw.key"), await readFile(keyPath), { mode: 0o600 });
  for (const variable of ["ARW_STATE_KEY_FILE", "ARW_STATE_PASSPHRASE_FILE"])
    for (const folder of [stateDir, join(path, "link"), `${path}/deeper/..`]) {
      const env = { [variable]: `${folder}/arw.key` };
      await assert.rejects(openSealed(stateDir, { env, ask: null }), (error) => isLocked(error) && isInside(error));
    }
  await symlink(path, join(path, "outside"));
  const env = { ARW_STATE_KEY_FILE: join(path, "outside", "arw.key") };
  assert.notEqual(await openSealed(stateDir, { env, ask: null }), null);
});

const isInside = (error: unknown): boolean => /lies in the state directory/.test(String(error));

test("what opens the state now is taken from the input and from flags, too", async () => {
  await using state = await makeState();
  const { path, arw } = state;
  const flags = { passphraseStdin: true };
  const on = await arw("on", { flags, input: [`${sentence}\n`] });
  assert.equal(on.code, 0, on.err);
  assert.match(on.out, /The hub asks for the passphrase when it starts\./);
  assert.match((await arw("off")).err, /nobody is here.*--passphrase-stdin/);
  assert.match((await arw("off", { flags, input: ["another\n"] })).err, /the passphrase does not open the state/);
  const next = "a marsh in the morning";
  assert.match((await arw("passphrase", { flags, input: [`${next}\n`] })).err, /does not open the state/);
  assert.equal((await arw("passphrase", { flags, input: [`${sentence}\r\n${next}\r\n`] })).code, 0);
  const keyFile = [join(path, "arw.key")];
  const added = await arw("passphrase", { flags: { ...flags, keyFile }, input: [`${next}\n`] });
  assert.ok(added.out.includes(`ARW_STATE_KEY_FILE=${keyFile[0]}`), added.err);
  assert.match((await arw("off", { flags: { keyFile: [join(path, "none.key")] } })).err, /cannot be read/);
  assert.equal((await arw("off", { flags: { keyFile } })).code, 0);
  const again = await arw("on", { flags, input: [sentence] });
  assert.equal((await arw("off", { flags, input: [`${codeIn(again.out)}\n`] })).code, 0);
});

test("a command that opens the state by itself tells why it does not open, and touches nothing", async () => {
  await using state = await makeState();
  const { path, stateDir, arw } = state;
  assert.equal((await arw("on", { flags: { passphraseStdin: true }, input: [sentence] })).code, 0);
  const [wrong, open] = [join(path, "wrong"), join(path, "open")];
  await writeFile(wrong, "another marsh at night\n", { mode: 0o600 });
  await writeFile(open, sentence, { mode: 0o644 });
  const before = await readdir(stateDir);
  for (const [env, says] of [
    [{}, /nobody is here to type the passphrase: set ARW_STATE_PASSPHRASE_FILE/],
    [{ ARW_STATE_PASSPHRASE_FILE: wrong }, /does not open the state/],
    [{ ARW_STATE_PASSPHRASE_FILE: open }, /others may read .*chmod 600/],
  ] as const) {
    const connecting = connect(
      {
        table: contractTable(),
        env: { XDG_CONFIG_HOME: path },
        workDir: path,
        programDir: path,
        // As a hub opens it, before all else.
        openHub: async (config) => {
          await openSeal(config, { env, ask: null });
          return assert.fail("it opened");
        },
        onAddress: () => undefined,
      },
      { stateDir, local: true },
    );
    await assert.rejects(connecting, (error) => {
      assert.ok(error instanceof CallFailed, String(error));
      const { code, detail } = error.document;
      assert.equal(code, "cli.state-encrypted");
      assert.match(detail, says);
      assert.match(detail, /Nothing was touched\. `arw encrypt status`/);
      return true;
    });
  }
  assert.deepEqual(await readdir(stateDir), before);
});
