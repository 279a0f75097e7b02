/** The set-up as a person meets it, in a small clone without dependencies, so that no network takes part. */
import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, beforeEach, test } from "vitest";

const repository = join(import.meta.dirname, "../..");
const manifest = { name: "small", version: "1.0.0", type: "module", workspaces: ["vite"] };
const lock = {
  name: "small",
  version: "1.0.0",
  lockfileVersion: 3,
  packages: {
    "": { name: "small", version: "1.0.0", workspaces: ["vite"] },
    "node_modules/vite": { resolved: "vite", link: true },
    vite: { version: "1.0.0" },
  },
};
const pipes: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
let clone = "";

beforeEach(() => {
  clone = realpathSync(mkdtempSync(join(tmpdir(), "arw-clone-")));
  for (const folder of ["tools/bootstrap", "bin"])
    cpSync(join(repository, folder), join(clone, folder), { recursive: true });
  write("package.json", JSON.stringify(manifest));
  write("package-lock.json", JSON.stringify(lock));
  write("web/index.html", "one");
  // Stands for the real builder, under its name and path: it copies the page.
  write("vite/package.json", JSON.stringify({ name: "vite", version: "1.0.0" }));
  write("vite/bin/vite.js", `const fs = require("fs"); fs.cpSync("web/index.html", "web/dist/index.html");`);
  write(
    "src/app/main.ts",
    `process.stdout.write(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }));`,
  );
  write("src/app/cli.ts", `process.stdout.write("cli");`);
});

afterEach(() => rmSync(clone, { recursive: true, force: true }));

test("the first start sets up and says so, the second takes no set-up, a changed lock file sets up again", async () => {
  const first = await run(["arw", "brief", "notes"]);
  assert.deepEqual([first.code, first.out], [0, "cli"]);
  assert.match(first.error, /^Installing dependencies[^\n]+\n {2}done in [\d.]+ s\n$/);
  assert.deepEqual(await run(["arw", "brief"]), { code: 0, out: "cli", error: "" });
  write("package-lock.json", JSON.stringify(lock, undefined, 1));
  assert.match((await run(["arw", "brief"])).error, /Installing dependencies/);
});

test("the web interface is built before the hub starts, and again only when its sources changed", async () => {
  const page = join(clone, "web/dist/index.html");
  assert.match((await run(["start"])).error, /Building the web interface/);
  assert.equal(readFileSync(page, "utf8"), "one");
  assert.equal((await run(["start"])).error, "");
  write("web/index.html", "two");
  await run(["start"]);
  assert.equal(readFileSync(page, "utf8"), "two");
  write("vite/bin/vite.js", `console.error("no such colour"); process.exitCode = 1;`);
  write("web/index.html", "three");
  const failed = await run(["start"]);
  assert.deepEqual([failed.code, failed.out], [1, ""]);
  assert.match(failed.error, /The web interface did not build\.\n\nno such colour/);
});

test("an interrupted set-up is repeated", async () => {
  await run(["arw", "brief"]);
  // What an interruption leaves: the stamp is taken away before the work begins.
  rmSync(join(clone, ".arw/set-up/dependencies"));
  writeFileSync(join(clone, ".arw/set-up/lock"), "2147483646");
  assert.match((await run(["arw", "brief"])).error, /Installing dependencies/);
  assert.deepEqual(readdirSync(join(clone, ".arw/set-up")), ["dependencies"]);
});

test("two starts at once set up once", async () => {
  const both = await Promise.all([run(["arw", "brief"]), run(["arw", "brief"])]);
  assert.deepEqual(
    both.map(({ code, out }) => [code, out]),
    [
      [0, "cli"],
      [0, "cli"],
    ],
  );
  const installs = both.filter(({ error }) => error.includes("Installing dependencies"));
  assert.equal(installs.length, 1);
});

test("a registry out of reach is told in words, with the next step", async () => {
  const dependencies = { "arw-not-published": "1.0.0" };
  const packages = {
    "": { name: "small", version: "1.0.0", dependencies },
    "node_modules/arw-not-published": { version: "1.0.0", integrity: "sha512-AAAA" },
  };
  write("package.json", JSON.stringify({ name: "small", version: "1.0.0", dependencies }));
  write("package-lock.json", JSON.stringify({ ...lock, packages }));
  // Port 1 on loopback refuses at once.
  const failed = await run(["arw", "brief"], {
    npm_config_registry: "http://127.0.0.1:1/",
    npm_config_fetch_retries: "0",
  });
  assert.equal(failed.code, 1);
  assert.match(failed.error, /registry cannot be reached\. Check the network/);
  assert.doesNotMatch(failed.error, /^\s+at /m);
  assert.equal(existsSync(join(clone, ".arw/set-up/dependencies")), false);
});

test("flags pass through, paths are meant from where the person stands, and the exit code comes back", async () => {
  const elsewhere = join(clone, "elsewhere");
  mkdirSync(elsewhere);
  const started = await run(["start", "--port", "9000", "--state-dir", "x", "--yes"], { INIT_CWD: elsewhere });
  assert.deepEqual(JSON.parse(started.out), { args: ["--port", "9000", "--state-dir", "x", "--yes"], cwd: elsewhere });
  write("src/app/main.ts", "process.exitCode = 7;");
  assert.equal((await run(["start"])).code, 7);
  assert.equal((await run(["sing"])).code, 2);
});

test("a signal reaches the hub, which ends in its own time and with its own code", async () => {
  await run(["start"]);
  write(
    "src/app/main.ts",
    `const alive = setInterval(() => undefined, 1000);
     process.on("SIGTERM", () => { clearInterval(alive); process.stdout.write("bye"); process.exitCode = 3; });
     process.stdout.write("ready ");`,
  );
  const ended = await run(["start"], {}, "ready");
  assert.deepEqual(ended, { code: 3, out: "ready bye", error: "" });
});

test("the hub ends when the shell that npm started it through is ended", async (context) => {
  context.skip(process.platform === "win32", "Windows has no such shell");
  await run(["start"]);
  write(
    "src/app/main.ts",
    `const alive = setInterval(() => undefined, 1000);
     process.on("SIGTERM", () => { clearInterval(alive); process.stdout.write("bye"); });
     process.stdout.write("ready ");`,
  );
  // The second command keeps the shell from becoming the bootstrap.
  const line = `"$0" tools/bootstrap/run.mjs start; true`;
  const ended = await outputOf(spawn("sh", ["-c", line, process.execPath], { cwd: clone, stdio: pipes }), "ready");
  assert.equal(ended.out, "ready bye");
});

function write(path: string, text: string): void {
  mkdirSync(join(clone, path, ".."), { recursive: true });
  writeFileSync(join(clone, path), text);
}

/** Runs the bootstrap to its end; with `stopAt`, asks it to stop once that text was printed. */
function run(given: readonly string[], variables: Readonly<Record<string, string>> = {}, stopAt?: string) {
  const { INIT_CWD: _, ...inherited } = process.env;
  const bootstrap = join(clone, "tools/bootstrap/run.mjs");
  const options = { cwd: clone, env: { ...inherited, ...variables }, stdio: pipes };
  return outputOf(spawn(process.execPath, [bootstrap, ...given], options), stopAt);
}

/** What a process and those it leaves behind print, until the last of them has closed its output. */
function outputOf(child: ChildProcessByStdio<null, Readable, Readable>, stopAt?: string) {
  return new Promise<{ code: number | null; out: string; error: string }>((resolve, reject) => {
    let out = "";
    let error = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stopAt !== undefined && !out.includes(stopAt) && (out + text).includes(stopAt)) child.kill("SIGTERM");
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      error += text;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, out, error }));
  });
}
