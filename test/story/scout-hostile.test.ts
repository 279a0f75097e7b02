/** Folders that were made to do harm, and what leaves them: nothing from outside, no secret, no hang. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, chown, link, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { beginBrief, briefToEnd, decide, episodeEnded, episodeWaits, resume, storyOf } from "./kit/scout-run.ts";
import { findInFiles } from "./kit/state-search.ts";

const isRoot = process.getuid?.() === 0;
/** Root reads everything, so as root the hub runs as the user who owns nothing. */
const nobody = 65_534;
const isUnix = process.platform !== "win32";

let room: Room;
let hub: RunningHub;
beforeAll(async () => {
  room = await createRoom();
  if (isRoot) await chown(room.path, nobody, nobody);
  hub = await startHub({ stateDir: room.stateDir, ...(isRoot ? { uid: nobody } : {}) });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

/** As `room.folder`, and the hub may write there. */
async function writable(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await room.folder(name, files);
  if (isRoot) await chown(folder, nobody, nobody);
  return folder;
}

test.runIf(isUnix)(
  "links, loops, devices, pipes, sockets and closed files neither hang a run nor lead out of the folder",
  async () => {
    const outside = await room.folder("outside", {
      "secret.md": "# Outside marker\n\nThe outside marker must not be read.\n",
    });
    const folder = await writable("traps", {
      "a.md": "# Plain\n\nA plain note stands between the traps.\n",
      "closed.md": "# Closed marker\n\nNobody may read this closed marker.\n",
      "closed/inner.md": "# Closed marker two\n",
    });
    await symlink(join(outside, "secret.md"), join(folder, "out-file.md"));
    await symlink(outside, join(folder, "out-folder"));
    await symlink(folder, join(folder, "loop"));
    await symlink("self", join(folder, "self"));
    await symlink("/dev/zero", join(folder, "zero.md"));
    await symlink("/etc/passwd", join(folder, "passwd.txt"));
    await link(join(outside, "secret.md"), join(folder, "second-name.bin"));
    await rm(join(folder, "second-name.bin"));
    assert.equal(spawnSync("mkfifo", [join(folder, "pipe.md")]).status, 0);
    if (isRoot) spawnSync("mknod", [join(folder, "zero-device.md"), "c", "1", "5"]);
    await chmod(join(folder, "closed.md"), 0);
    await chmod(join(folder, "closed"), 0);
    const socket = createServer().listen(join(folder, "socket.md"));
    try {
      const row = await briefToEnd(hub, { folder, allowWrite: true });
      assert.equal(row.status, "finished", row.outcome);
    } finally {
      await new Promise((resolve) => socket.close(resolve));
    }
    const text = await readFile(join(folder, "brief.md"), "utf8");
    assert.doesNotMatch(text, /outside marker|root:x:0|closed marker/i);
    assert.match(text, /A plain note stands between the traps/);
    assert.match(text, /2 files|3 files|1 file\b/);
    assert.deepEqual(
      await findInFiles(room.stateDir, ["outside marker", "Outside marker", "root:x:0", "closed marker"]),
      [],
    );
  },
);

test.runIf(isUnix)("what could not be read is told as not done", async () => {
  const folder = await writable("partly", {
    "a.md": "# A\n\nThis one is open to all.\n",
    "shut/inner.md": "# Inner\n",
  });
  await chmod(join(folder, "shut"), 0);
  const row = await briefToEnd(hub, { folder, allowWrite: true });
  const finished = (await storyOf(hub, row.id)).story.find((line) => line.kind === "agents.run.finished");
  assert.match(finished?.data.notDone.join("\n"), /shut.*unreadable/);
});

test.runIf(process.platform === "linux")(
  "names with newlines, controls, direction marks and broken bytes are shown harmlessly",
  async () => {
    const folder = await writable("names", { "plain.md": "# Plain\n\nThe plain note is here.\n" });
    const names = [
      "two\nlines.md",
      "bell\u0007.md",
      "\u202Egnp.exe.md",
      "-rf",
      "`tick`.md",
      "<img src=x>.md",
      "ze\u200bro.md",
      " lead.md",
      "trail .md",
      "[a](b).md",
      `${"n".repeat(250)}.md`,
    ];
    for (const name of names)
      await writeFile(
        join(folder, name),
        `# Named ${names.indexOf(name)}\n\nDo we keep file ${names.indexOf(name)}?\n`,
      );
    await writeFile(
      Buffer.concat([Buffer.from(`${folder}/bad`), Buffer.from([0xff, 0xfe]), Buffer.from(".md")]),
      "# Bad bytes\n",
    );
    const row = await briefToEnd(hub, { folder, allowWrite: true });
    assert.equal(row.status, "finished", row.outcome);
    const text = await readFile(join(folder, "brief.md"), "utf8");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is tested.
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f\u200b\u202a-\u202e\u2066-\u2069]/);
    assert.ok(
      text.split("\n").every((line) => line === "" || /^(# |## |- |Written|The |Found|… |\d|Nothing)/.test(line)),
      "no name begins a line of its own",
    );
  },
);

test("giant lines, deep folders and broken text are read as far as is good", async () => {
  const deep = Array.from({ length: 200 }, (_, depth) => `d${depth}`).join("/");
  const folder = await writable("sizes", {
    "line.md": `# One line\n\n${"endless ".repeat(700_000)}`,
    "zeros.bin": new Uint8Array(5_000_000),
    "latin.txt": Uint8Array.from([
      ...Buffer.from("Caf"),
      0xe9,
      ...Buffer.from(" opens on 3 May 2031.\n"),
      0xff,
      0xc3,
      0x28,
    ]),
    "utf16.txt": Buffer.from("\ufeffWhen do we open the doors?\n", "utf16le"),
    "marks.md": `${"[".repeat(100_000)}\n${"*".repeat(100_000)}\n${"`".repeat(100_000)}\n${"> ".repeat(50_000)}x\n`,
    "dates.md": `${"2031-02-03 ".repeat(50_000)}\n`,
    "ok.md": "# Fine\n\nThe fine note is read to its end.\n",
    [`${deep}/bottom.md`]: "# Bottom\n",
  });
  const row = await briefToEnd(hub, { folder, allowWrite: true }, 120_000);
  assert.equal(row.status, "finished", row.outcome);
  const text = await readFile(join(folder, "brief.md"), "utf8");
  assert.match(text, /The fine note is read to its end/);
  assert.match(text, /too long to be read to the end/);
  const finished = (await storyOf(hub, row.id)).story.find((line) => line.kind === "agents.run.finished");
  assert.match(finished?.data.notDone.join("\n"), /too-deep/);
});

test("files that vanish and appear while the folder is listed do not end the run", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 400 }, (_, index) => [`n${index}.md`, `# N ${index}\n\nIs number ${index} still there?\n`]),
  );
  const folder = await writable("vanishing", files);
  const { episode } = await beginBrief(hub, { folder, allowWrite: true });
  for (let index = 0; index < 400; index += 2) {
    await rm(join(folder, `n${index}.md`), { force: true });
    await writeFile(join(folder, `new${index}.md`), "# New\n");
  }
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
});

const aws = `AKIAQWERTYUIOPASDFGH`;
const github = `ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8`;
const pem = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7plantedpem01";
const rootSecret = "marmalade-7731-tangent";
const nestedSecret = "quokka-zanzibar-5521";
const laterSecret = "lighthouse-violet-9043";
const planted = [aws, github, pem, rootSecret, nestedSecret, laterSecret];

const leakyFiles = {
  ".gitignore": ".env\n*.local\n",
  ".env": `DB_PASSWORD=${rootSecret}\nDEBUG=true\n`,
  "server/.env": `API_SECRET="${nestedSecret}"\n`,
  "worker/.env.production": `export SIGNING_KEY='${laterSecret}'\n`,
  "notes.md": `# Notes\n\nTODO: rotate ${rootSecret} before 3 March 2031.\n\nDid somebody paste ${nestedSecret} into the wiki?\n\nThe old value ${laterSecret} works until 5 May 2031.\n`,
  "aws.md": `# Cloud\n\nTODO: remove ${aws} from here by 1 June 2031.\n\nWho owns ${github} now?\n`,
  "key.md": `# Key\n\n-----BEGIN PRIVATE KEY-----\n${pem}\n-----END PRIVATE KEY-----\n\nIs this the old key?\n`,
};

test("planted secrets reach neither events, brief, questions, log, metrics nor blobs", async () => {
  const folder = await writable("leaky", leakyFiles);
  const { episode } = await beginBrief(hub, { folder });
  const asked = await episodeWaits(hub, episode);
  await decide(hub, asked.approvalId, "allow");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  const text = await readFile(join(folder, "brief.md"), "utf8");
  assert.match(text, /\[redacted:|\\\[redacted:/);
  const shown = JSON.stringify([asked, await storyOf(hub, episode), await hub.get("/metrics")]) + text + hub.output();
  assert.deepEqual(
    planted.filter((secret) => shown.includes(secret)),
    [],
  );
  assert.deepEqual(await findInFiles(room.stateDir, planted), []);
});

test("a resumed run still knows the secrets that it learned before the hub was killed", async () => {
  await using own = await createRoom();
  const folder = await own.folder("leaky", leakyFiles);
  const fillers = Object.fromEntries(
    Array.from({ length: 300 }, (_, index) => [`a/filler-${index}.md`, `# Filler ${index}\n`]),
  );
  await own.folder("leaky", fillers);
  const first = await startHub({ stateDir: own.stateDir });
  const { episode } = await beginBrief(first, { folder, allowWrite: true });
  await first.get("/healthz");
  await first.kill("SIGKILL");
  await using next = await startHub({ stateDir: own.stateDir });
  const row = await next.get(`/state/episodes/${episode}`).catch(() => null);
  if (row?.status === "interrupted") await resume(next, episode);
  assert.equal((await episodeEnded(next, episode)).status, "finished");
  const text = await readFile(join(folder, "brief.md"), "utf8");
  assert.deepEqual(
    planted.filter((secret) => text.includes(secret)),
    [],
  );
  assert.deepEqual(await findInFiles(own.stateDir, planted), []);
});

test("one file read by a tool shows no secret of an environment file elsewhere in the folder", async () => {
  const folder = await writable("single", leakyFiles);
  const answer = await hub.send("POST /agents/run", {
    agent: "scout",
    title: "Outline one file",
    folder,
    input: { folder, output: "brief.md" },
    grants: [{ key: "*", folder }],
  });
  assert.equal(answer.status, 202);
  const read = await hub.post("/fs/read", { folder, path: "notes.md" });
  assert.deepEqual(
    planted.filter((secret) => read.text.includes(secret)),
    [],
  );
});

test("grants for one folder open no other", async () => {
  const mine = await writable("granted", { "a.md": "# Mine\n\nMy own note is here.\n" });
  const other = await writable("other", { "b.md": "# Other marker\n\nThe other marker must not be read.\n" });
  const keys = ["fs:list", "fs:read", "text:outline", "scout:recall", "scout:remember", "fs:write"];
  const answer = await hub.send("POST /agents/run", {
    agent: "scout",
    title: "Escape",
    folder: mine,
    input: { folder: other, output: "brief.md" },
    grants: keys.map((key) => ({ key, folder: mine })),
  });
  assert.equal(answer.status, 202);
  const row = await episodeEnded(hub, answer.body.corrId);
  assert.equal(row.status, "failed");
  assert.equal(row.refusals, 1);
  const { story } = await storyOf(hub, row.id);
  const refused = story.find((line) => line.kind === "actions.refused");
  assert.deepEqual([refused?.data.code, refused?.data.rule], ["arw.denied", "policy.no-permit"]);
  assert.deepEqual(await findInFiles(room.stateDir, ["other marker", "Other marker"]), []);
});

test("reading is granted, writing is not: the write asks, and a tricky spelling of the folder opens nothing", async () => {
  const mine = await writable("reading", { "a.md": "# Mine\n\nMy own note is here.\n" });
  await mkdir(join(room.path, "reading-two"));
  for (const folder of [`${mine}/`, `${mine}/../reading-two`, `${mine}-two`, `${mine}/.`]) {
    const answer = await hub.send("POST /agents/run", {
      agent: "scout",
      title: "Escape",
      input: { folder, output: "brief.md" },
      grants: [{ key: "*", folder: mine }],
    });
    assert.equal((await episodeEnded(hub, answer.body.corrId)).status, "failed", folder);
  }
  const asks = await hub.send("POST /agents/run", {
    agent: "scout",
    title: "Asks",
    input: { folder: mine, output: "brief.md" },
    grants: ["fs:list", "fs:read", "text:outline", "scout:*"].map((key) => ({ key, folder: mine })),
  });
  const asked = await episodeWaits(hub, asks.body.corrId);
  assert.equal(asked.key, "fs:write");
  await decide(hub, asked.approvalId, "deny");
  assert.equal((await episodeEnded(hub, asks.body.corrId)).status, "finished");
});

test("paths that lead out are refused by every file operation, with a clear problem", async () => {
  const folder = await writable("paths", { "a.md": "a\n", ".git/config": "[core]\n" });
  const paths = ["../x", "/etc/passwd", "a/../../x", "./a.md", "a//b", "", "a\u0000b", ".git/config", ".GIT/hooks/x"];
  for (const path of paths) {
    for (const [operation, body] of [
      ["/fs/read", { folder, path }],
      ["/fs/write", { folder, path, text: "x" }],
    ] as const) {
      const { status, body: problem } = await hub.send(`POST ${operation}`, body);
      assert.ok(
        status === 400 || status === 403 || status === 422,
        `${operation} ${JSON.stringify(path)} answered ${status}`,
      );
      assert.match(problem.code, /^(fs\.|arw\.)/);
    }
  }
});
