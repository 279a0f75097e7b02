import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "vitest";
import type { Terminal } from "../surfaces/cli/port.ts";
import { connectCommand } from "./cli-connect.ts";

const config = `{
  // mine
  "mcpServers": { "files": { "command": "npx", "args": ["-y", "files"], "env": { "KEY": "planted-value" } } }
}
`;

interface Place extends AsyncDisposable {
  readonly path: string;
  read(): Promise<string>;
  write(text: string): Promise<void>;
  /** Runs the command; answers its exit code and what it wrote. */
  arw(flags: object, typed?: string): Promise<readonly [number, string]>;
}

async function createPlace(): Promise<Place> {
  const home = await mkdtemp(join(tmpdir(), "arw-connect-"));
  const path = join(home, ".cursor", "mcp.json");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, config, { mode: 0o600 });
  return {
    path,
    read: () => readFile(path, "utf8"),
    write: (text) => writeFile(path, text),
    async arw(flags, typed) {
      const said: string[] = [];
      const say = (text: string): void => void said.push(text);
      const terminal = { write: say, writeError: say, isTty: typed !== undefined, ask: async () => typed ?? "" };
      const command = connectCommand({
        terminal: terminal as unknown as Terminal,
        machine: { platform: "linux", env: {}, home, workDir: join(home, "work") },
        stateDirOf: () => join(home, "state"),
        program: ["/node", "/arw.mjs"],
        nowMs: () => 1,
        connect: () => Promise.reject(new RangeError("no hub runs")),
        address: () => "http://127.0.0.1:1",
      });
      return [await command.run({ argument: "", flags: { ...flags }, globals: {} }), said.join("")];
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

test("a change is shown, made on yes alone, and taken back to the byte", async () => {
  await using place = await createPlace();
  for (const typed of [undefined, "no", ""]) {
    const [code, said] = await place.arw({}, typed);
    assert.equal(code, 0);
    assert.match(said, /Cursor .*mcp\.json\n +files +→ behind the hub/);
    assert.match(said, /^\+.*"mcp", "wrap", "--agent", "cursor", "--name", "files", "--", "npx"/m);
    assert.doesNotMatch(said, /planted-value/);
    assert.equal(await place.read(), config);
  }
  assert.equal((await place.arw({}, "yes"))[0], 0);
  const written = await place.read();
  assert.match(written, /\/\/ mine[^]*"command": "\/node", "args": \["\/arw.mjs", "mcp", "wrap"/);
  assert.equal((await stat(place.path)).mode & 0o777, 0o600);
  assert.match((await place.arw({}))[1], /behind the hub already[^]*nothing to change/);
  assert.equal(await place.read(), written);
  const [, shown] = await place.arw({ undo: true });
  assert.match(shown, /^-.*"wrap"/m);
  assert.equal(await place.read(), written);
  assert.equal((await place.arw({ undo: true, yes: true }))[0], 0);
  assert.equal(await place.read(), config);
  await assert.rejects(stat(`${place.path}.before-arw`));
  assert.match((await place.arw({ undo: true, yes: true }))[1], /Nothing of/);
});

test("what others wrote since stays when ours is taken back, and a file that cannot be read is left", async () => {
  await using place = await createPlace();
  await place.arw({ yes: true });
  const written = await place.read();
  await place.write(written.replace("// mine", "// mine, and changed").replace('"-y"', '"-y", "--new"'));
  await place.arw({ undo: true, yes: true });
  assert.equal(await place.read(), config.replace("// mine", "// mine, and changed").replace('"-y"', '"-y", "--new"'));
  await place.arw({ yes: true });
  await place.write("{ broken");
  const [code, said] = await place.arw({ undo: true, yes: true });
  assert.equal(code, 1);
  assert.match(said, /changed since, and it is no JSON[^]*left as it is/);
  assert.equal(await place.read(), "{ broken");
});

test("a server that came later goes behind the hub, and all of them come back", async () => {
  await using place = await createPlace();
  await place.arw({ yes: true });
  const more = '"later": { "command": "later", "args": ["1"] }, "files"';
  await place.write((await place.read()).replace('"files"', more));
  await place.arw({ yes: true });
  assert.match(await place.read(), /"--name", "later"/);
  await place.arw({ undo: true, yes: true });
  assert.equal(await place.read(), config.replace('"files"', more));
});

test("only the named agent is touched, and a machine without any says so", async () => {
  await using place = await createPlace();
  assert.match((await place.arw({ agent: ["zed"], yes: true }))[1], /No agent/);
  assert.equal(await place.read(), config);
});

test("questions in the agent's own window are chosen, with the risk told before the yes", async () => {
  await using place = await createPlace();
  const [, plain] = await place.arw({}, "no");
  assert.doesNotMatch(plain, /ask-in-client/);
  const [code, said] = await place.arw({ askInClient: true }, "yes");
  assert.equal(code, 0);
  assert.match(said, /"--name", "files", "--ask-in-client", "--", "npx"/);
  assert.match(said, /nobody here can tell whether you answered or the agent did/);
  assert.match((await place.arw({ askInClient: true }, "yes"))[1], /`arw connect --undo` first/);
  assert.equal((await place.arw({ undo: true, yes: true }))[0], 0);
  assert.equal(await place.read(), config);
});

test("files with a mark of their encoding, and with comments inside lists, come back to the byte", async () => {
  await using place = await createPlace();
  const marked = `\ufeff${config}`;
  await place.write(marked);
  const codex = join(dirname(dirname(place.path)), ".codex", "config.toml");
  await mkdir(dirname(codex));
  const text = `[mcp_servers.files]\ncommand = 'node'\nargs = [ "a b.js", # c\n  'lit\\n' ]\n`;
  await writeFile(codex, text);
  const [code, said] = await place.arw({ yes: true });
  assert.equal(code, 0, said);
  assert.match(await place.read(), /^\ufeff\{[^]*"--name", "files", "--", "npx"/u);
  assert.match(await readFile(codex, "utf8"), /"--name", "files", "--", 'node', "a b\.js", # c\n {2}'lit\\n' \]/u);
  // Whatever somebody added in between stays, beside the file as it was.
  await writeFile(codex, `${await readFile(codex, "utf8")}# mine\n`);
  assert.equal((await place.arw({ undo: true, yes: true }))[0], 0);
  assert.equal(await place.read(), marked);
  assert.equal(await readFile(codex, "utf8"), `${text}# mine\n`);
});
