import assert from "node:assert/strict";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { planCommands } from "../surfaces/cli/plan.ts";
import { CallFailed, type Globals } from "../surfaces/cli/port.ts";
import { type ConnectionOptions, locate } from "./cli-connection.ts";
import { cliPresentation } from "./cli-presentation.ts";
import { contractTable } from "./domains.ts";

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly globals?: Globals;
  readonly note?: string;
  readonly config?: string;
}

async function found({
  env = {},
  globals = {},
  note,
  config,
}: Given): Promise<{ baseUrl: string; token: string | undefined }> {
  const folder = await mkdtemp(join(tmpdir(), "arw-cli-"));
  try {
    const stateDir = join(folder, "state");
    await mkdir(stateDir);
    await writeFile(join(stateDir, "credentials"), "# ours\nARW_ADMIN_TOKEN=from-file\n", { mode: 0o600 });
    if (note !== undefined) await writeFile(join(stateDir, "hub.json"), note);
    await mkdir(join(folder, "arw"));
    if (config !== undefined) await writeFile(join(folder, "arw", "config.toml"), config);
    const options: ConnectionOptions = {
      table: contractTable(),
      env: { XDG_CONFIG_HOME: folder, ...env },
      workDir: folder,
      programDir: folder,
      openHub: () => assert.fail(),
      onAddress: () => undefined,
    };
    return await locate(options, { stateDir, ...globals });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const note = '{"address":"http://127.0.0.1:4711","pid":1,"startedAt":0}';

test("the hub is found by flag, then environment, then its note, then its usual port", async () => {
  assert.equal((await found({ globals: { url: "http://h:1/" }, env: { ARW_PORT: "2" }, note })).baseUrl, "http://h:1");
  assert.equal((await found({ globals: { port: "3" }, env: { ARW_PORT: "2" }, note })).baseUrl, "http://127.0.0.1:3");
  assert.equal((await found({ env: { ARW_PORT: "2" }, note })).baseUrl, "http://127.0.0.1:2");
  assert.equal((await found({ note })).baseUrl, "http://127.0.0.1:4711");
  assert.equal((await found({ note: '{"addr' })).baseUrl, "http://127.0.0.1:8090");
  assert.equal((await found({ config: "[server]\nport = 5\n" })).baseUrl, "http://127.0.0.1:5");
});

test("the token is the flag's, then the environment's, then the state directory's", async () => {
  const env = { ARW_ADMIN_TOKEN: "from-environment" };
  assert.equal((await found({ globals: { token: "from-flag" }, env })).token, "from-flag");
  assert.equal((await found({ env })).token, "from-environment");
  assert.equal((await found({})).token, "from-file");
});

test("the token of this machine's hub is sent to no other machine", async () => {
  assert.equal((await found({ globals: { url: "http://192.0.2.7:8090" } })).token, undefined);
  assert.equal((await found({ globals: { url: "http://localhost:8090" } })).token, "from-file");
  assert.equal(
    (await found({ globals: { url: "http://192.0.2.7:8090" }, env: { ARW_ADMIN_TOKEN: "mine" } })).token,
    "mine",
  );
});

test("a broken configuration matters only when it is needed", async () => {
  const config = "[server\n";
  assert.equal((await found({ config, globals: { port: "3", token: "t" } })).baseUrl, "http://127.0.0.1:3");
  await assert.rejects(found({ config }), CallFailed);
});

test("every word that the presentation names is there", () => {
  const table = contractTable();
  const presentation = cliPresentation(() => "");
  const plans = planCommands(table, presentation);
  const paths = new Set(plans.flatMap(({ words }) => words.map((_word, index) => words.slice(0, index + 1).join(" "))));
  for (const word of presentation.groups.flatMap((group) => group.words)) {
    assert.ok(
      paths.has(word) || ["hub", "completion", "events tail", "capsule import", "encrypt on"].includes(word),
      word,
    );
  }
  const { follow, shortIds, answers, items, jobsLeft = {}, failures = {} } = presentation;
  const named = [
    follow.events,
    follow.newest.operation,
    ...Object.keys(jobsLeft),
    ...Object.keys(failures),
    follow.question,
    follow.decide,
    follow.story,
    ...Object.values(shortIds)
      .flat()
      .map(({ list }) => list),
  ];
  for (const id of [...named, ...Object.keys(shortIds), ...Object.keys(answers), ...Object.keys(items)]) {
    assert.ok(table.operations.has(id), id);
  }
  for (const kind of [follow.askedKind, ...follow.progressKinds, ...follow.answeredKinds])
    assert.ok(table.events.has(kind), kind);
});

test("a short id of what is stopped or taken back is looked up in a list that no rule of others closes", () => {
  const { operations } = contractTable();
  // The answer of a conversation is a run, and stopped as one.
  const isWayOut = (id: string): boolean => operations.get(id)?.operation.isWayOut === true && !id.startsWith("chat.");
  for (const [id, [first]] of Object.entries(cliPresentation(() => "").shortIds))
    if (isWayOut(id)) assert.ok(first !== undefined && isWayOut(first.list), id);
});

test("no two operations want the same words", () => {
  const words = planCommands(
    contractTable(),
    cliPresentation(() => ""),
  ).map((plan) => plan.words.join(" "));
  assert.equal(new Set(words).size, words.length);
});
