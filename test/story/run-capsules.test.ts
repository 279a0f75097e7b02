/** A run as one file: out of one hub, looked at and kept on another, with no secret in it that is known by then. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { altered, forged, signedBy } from "../kit/run-capsules.ts";
import { cleanEnvironment, launchProcess, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { briefToEnd } from "./kit/scout-run.ts";

let room: Room;
let hub: RunningHub;
let episode = "";

/** Stands in the sample folder, and nobody knew yet that it is one. */
const secret = "Drain the water tank";

const cli = [...programFlags, join(programRoot, "src", "app", "cli.ts")];
const arw = (words: readonly string[]) =>
  launchProcess([...cli, ...words], { env: { ARW_STATE_DIR: hub.stateDir } }).exited;
/** The same with bytes through its pipes. */
const piped = (words: readonly string[], input: Uint8Array = new Uint8Array()) =>
  spawnSync(process.execPath, [...cli, ...words], {
    env: cleanEnvironment({ ARW_STATE_DIR: hub.stateDir }),
    input,
    timeout: pipedMsMax,
  });
const pipedMsMax = 90_000;

beforeAll(async () => {
  room = await createRoom();
  hub = await startHub({ stateDir: room.stateDir });
  const folder = await room.sample("notes");
  episode = (await briefToEnd(hub, { folder, allowWrite: true })).id;
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

test("a run is exported, imported on a yes, listed, verified, shown, compared and removed", async () => {
  const file = join(room.path, "brief.capsule");
  const exported = await arw(["capsule", "export", episode.slice(-8), file]);
  assert.equal(exported.code, 0, exported.stderr);
  assert.match(exported.stdout, /Replayable: all 5 steps\./);
  const first = await readFile(file);
  await hub.post("/capsules/export", { episode, file });
  assert.deepEqual(await readFile(file), first);

  const asked = await arw(["capsule", "import", file]);
  assert.equal(asked.code, 1);
  assert.match(asked.stdout, /Signed by {3}this hub\n[^]*Permitted {3}fs:list, .* in /);
  assert.deepEqual((await hub.get("/state/capsules")).items, []);
  const kept = await arw(["capsule", "import", file, "--yes"]);
  assert.equal(kept.code, 0, kept.stderr);
  const [{ digest }] = (await hub.get("/state/capsules")).items;
  const forged = join(room.path, "forged.capsule");
  await writeFile(forged, signedBy(9, first));
  const again = await arw(["capsule", "import", forged, "--yes"]);
  assert.match(
    again.stdout,
    /Signed by {3}a key that this hub does not know[^]*that copy stays\. It is signed by this hub\./,
  );
  assert.match((await arw(["capsule", "ls"])).stdout, /all 5 steps {2}Brief of notes {2}imported/);

  const short = digest.slice(7, 19);
  const copy = join(room.path, "copy.capsule");
  const copied = await arw(["capsule", "export", digest.slice(0, 19), copy]);
  assert.equal(copied.code, 0, copied.stderr);
  assert.deepEqual(await readFile(copy), first);
  await writeFile(copy, "mine");
  const refused = await hub.send("POST /capsules/export", { episode: digest, file: copy });
  assert.deepEqual([refused.status, await readFile(copy, "utf8")], [409, "mine"]);
  const verified = await hub.post("/capsules/verify", { capsule: short });
  assert.deepEqual([verified.signature, verified.capsule.digest], ["holds", digest]);
  const shown = await arw(["capsule", "show", file]);
  assert.match(shown.stdout, /5 {2}Done: Keep the list of files for next time/);
  const { isEqual } = await hub.post("/capsules/diff", { a: short, b: episode });
  assert.equal(isEqual, true);
  assert.deepEqual((await hub.send(`DELETE /capsules/${short}`)).body, { digest });
  assert.equal((await hub.send("POST /capsules/verify", { capsule: short })).status, 404);
});

test("a run that would go another way by now stops there, and shows both sides where they differ", async () => {
  const content: string = (await hub.post("/capsules/export", { episode })).content;
  const file = join(room.path, "other.capsule");
  const change = (journal: string): string => journal.replace('"summary":"Keep the list', '"summary":"Burn the list');
  await writeFile(file, altered(9, Buffer.from(content, "base64"), change));
  const { code, stdout } = await arw(["replay", file]);
  assert.equal(code, 1);
  assert.match(stdout, /✗ It went another way: at step 5, the code said something else/);
  assert.match(stdout, /\n {2}- data\.summary: "Burn the list.*\n {2}\+ data\.summary: "Keep the list/);
});

test("a stranger's words stand in their lines, and what nobody made again did not happen again", async () => {
  const content: string = (await hub.post("/capsules/export", { episode })).content;
  const bytes = Buffer.from(content, "base64");
  const agent = "sc\u043eut";
  const title = "Brief\n  Signed by   this hub\u{e0041}";
  const journal = (text: string): string =>
    text
      .replaceAll('"agent":"scout"', `"agent":"${agent}"`)
      .replace(/"title":"[^"]*"/, () => `"title":${JSON.stringify(title)}`)
      .replace(/"statement":"[^"]*"/g, '"statement":"Send the key to nobody."');
  const path = join(room.path, "stranger.capsule");
  await writeFile(path, forged(bytes, { seed: 9, journal, claim: ({ run }) => ({ run: { ...run, agent, title } }) }));
  const shown = await arw(["capsule", "show", path]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /^Brief\u240a {2}Signed by {3}this hub\u27e8U\+E0041\u27e9\n/u);
  assert.match(shown.stdout, /\n {2}Agent {7}sc\u043eut \(in Latin and Cyrillic letters\)/u);
  assert.doesNotMatch(shown.stdout, /^ {2}Signed by {3}this hub/mu);
  const replayed = await arw(["replay", path]);
  assert.match(replayed.stdout, /^! Its answers fit its record\. Nothing happened again\./u);
  assert.match(replayed.stdout, /is the word of whoever signed it: a key that this hub does not know/u);
  const cut = forged(bytes, { seed: 9, journal: (text) => text, claim: () => ({ cuts: { events: 1, blobs: 0 } }) });
  const { status, body } = await hub.send("POST /capsules/preview", { content: Buffer.from(cut).toString("base64") });
  assert.deepEqual([status, body.reason], [422, "inconsistent"]);
});

test("a capsule goes out by one pipe and comes in by another, and nothing else with it", async () => {
  const { digest } = (await hub.post("/capsules/export", { episode })).capsule;
  const sent = piped(["capsule", "export", episode, "-"]);
  assert.equal(sent.status, 0, String(sent.stderr));
  assert.equal((await hub.post("/capsules/preview", { content: sent.stdout.toString("base64") })).digest, digest);
  const taken = piped(["capsule", "import", "-", "--yes"], sent.stdout);
  assert.equal(taken.status, 0, String(taken.stderr));
  assert.match(String(taken.stdout), /✓ Kept\./);
  await hub.send(`DELETE /capsules/${digest.slice(7, 19)}`);
});

test("a file of examples is known to no hub, and one that was touched is refused with a reason", async () => {
  const path = join(programRoot, "examples", "capsules", "denied-injection.capsule");
  const seen = await hub.post("/capsules/preview", { file: path });
  assert.deepEqual([seen.signer.kind, seen.isKept, seen.manifest.counts.refusals], ["unknown", false, 1]);
  const bytes = await readFile(path);
  bytes[bytes.length - 5] = 0x41;
  const { status, body } = await hub.send("POST /capsules/preview", { content: bytes.toString("base64") });
  assert.deepEqual([status, body.code, body.reason], [422, "capsules.unsound", "forged-digest"]);
  const none = await hub.send("POST /capsules/preview", { file: join(room.path, "none.capsule") });
  assert.deepEqual([none.status, none.body.code], [409, "capsules.file-refused"]);
});

test("a secret that is handed over after the run is cut out of its capsule, which says how far it replays", async () => {
  const { status } = await hub.send("PUT /secrets/LATE", { value: secret });
  assert.equal(status, 200);
  const { content, capsule } = await hub.post("/capsules/export", { episode });
  const bytes = Buffer.from(content, "base64");
  const inEnvelope = Buffer.from(/"payload":"([^"]*)"/.exec(bytes.toString("latin1"))?.[1] ?? "", "base64");
  assert.ok(!bytes.includes(secret) && !inEnvelope.includes(secret));
  const { toStep, ofSteps, reason } = capsule.manifest.replayable;
  assert.ok(toStep < ofSteps, `${toStep} of ${ofSteps}`);
  assert.match(reason, /^a secret was cut out of step/);
  assert.equal(capsule.manifest.chain, "none");
  await hub.post("/capsules/preview", { content });
});
