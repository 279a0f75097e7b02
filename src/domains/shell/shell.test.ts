import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { randomBytesOf, seededRandom } from "../../../test/kit/chance.ts";
import { lackOfConfinement } from "../../../test/kit/confinement.ts";
import { createFakeWire } from "../../../test/kit/fake-wire.ts";
import { makeKernel } from "../../../test/kit/kernel.ts";
import { serveHttp } from "../../../test/kit/loopback-server.ts";
import { createConfinement } from "../../adapters/confine/confinement.ts";
import { createPlain } from "../../adapters/confine/plain.ts";
import { createProxyDoor } from "../../adapters/egress/proxy.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import { labelOf } from "../agents/labels.ts";
import { forwarderPort } from "../egress/port.ts";
import type { Egress } from "../egress/service.ts";
import type { Static } from "../../contract/schema.ts";
import { NotStarted, Off, Run } from "./contract.ts";
import type { Confinement, ProxyPasses } from "./port.ts";
import { createShell } from "./service.ts";
import { createStarter } from "./starter.ts";

type Ran = Static<typeof Run.output>;

const lack = await lackOfConfinement();
const planted = "planted-7719-secret";

interface RunOptions {
  readonly as?: Caller;
  readonly stdin?: string;
  readonly timeoutMs?: number;
}

interface Options {
  readonly isEnabled?: boolean;
  readonly isPlain?: boolean;
  /** Also told to the policies. */
  readonly isUnconfined?: boolean;
}

/** A hub with a shell, a folder, and beside it what belongs to the hub. */
async function world({ isEnabled = true, isPlain = false, isUnconfined = false }: Options = {}) {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "arw-shell-")));
  const folder = join(home, "project");
  const state = join(home, "state");
  for (const path of [folder, state]) mkdirSync(path);
  writeFileSync(join(state, "token"), planted);
  const environment = { ...process.env, ARW_ADMIN_TOKEN: planted };
  const own = [state];
  const confinement: Confinement = isPlain
    ? createPlain({ environment, own, lack: "bubblewrap is not installed" })
    : createConfinement({ environment, own, platform: process.platform, nodePath: process.execPath, graceMs: 300 });
  const door = createProxyDoor({
    randomBytes: randomBytesOf(seededRandom(1)),
    resolver: () => Promise.resolve(["127.0.0.1"]),
  });
  const late: { egress?: Egress } = {};
  const passes: ProxyPasses = { admit: (grant) => (late.egress as Egress).children.admit(grant) };
  const learned: string[] = [];
  const kit = await makeKernel({
    isUnconfined,
    egress: { wire: createFakeWire(), door },
    domains: () => [
      createShell({
        isEnabled,
        starter: createStarter({ confinement, passes, forwarderPort }),
        learnSecrets: async (path) => void learned.push(path),
      }),
    ],
  });
  late.egress = kit.egress;
  const agent: Caller = { kind: "agent", id: "builder", grants: [{ key: "shell:run", folder }] };
  return {
    kit,
    folder,
    state,
    learned,
    agent,
    async run(command: string, args: readonly string[] = [], { as = agent, ...more }: RunOptions = {}): Promise<Ran> {
      const { outcome } = await kit.call("shell.run", { folder, command, args, ...more }, as);
      assert.equal(outcome.kind, "answer");
      return (outcome as { readonly output: Ran }).output;
    },
    async [Symbol.asyncDispose]() {
      await confinement[Symbol.asyncDispose]();
      await door[Symbol.asyncDispose]();
      await kit[Symbol.asyncDispose]();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const admin: Caller = { kind: "person", id: "admin" };

test("commands are off until the configuration turns them on, and nobody is asked before", async () => {
  await using it = await world({ isEnabled: false, isPlain: true });
  for (const as of [admin, it.agent, { ...it.agent, labels: ["web" as const] }])
    await assert.rejects(
      it.run("true", [], { as }),
      (error) => isProblem(error, Off) && /ARW_SHELL=1/.test(error.message),
    );
  assert.equal(it.kit.kinds().includes("approvals.requested"), false);
});

test("a command answers with what it printed and how it ended", async () => {
  await using it = await world({ isPlain: true });
  const answer = await it.run("sh", ["-c", "cat; echo wrong >&2; exit 4"], { stdin: "given\n" });
  const { durationMs: _, ...rest } = answer;
  assert.deepEqual(rest, {
    exitCode: 4,
    signal: null,
    endedBy: "itself",
    stdout: "given\n",
    stderr: "wrong\n",
    stdoutBytes: 6,
    stderrBytes: 6,
    isCut: false,
    isConfined: false,
    label: "tool",
  });
  assert.deepEqual(it.learned, [it.folder]);
  assert.equal(labelOf(Run), rest.label);
  assert.equal((await it.run("env", [], { as: admin })).stdout.includes(planted), false);
  const long = await it.run("sh", ["-c", "yes | head -c 1000000"], { as: admin });
  assert.deepEqual([long.isCut, long.stdoutBytes, long.stdout.length < 201_000], [true, 1_000_000, true]);
});

test("a folder that is none, or the hub's own, is refused in words", async () => {
  await using it = await world({ isPlain: true });
  for (const [folder, words] of [
    [join(it.folder, "none"), /is no folder/],
    [it.state, /belongs to the hub/],
  ] as const)
    await assert.rejects(
      it.kit.call("shell.run", { folder, command: "true" }),
      (error) => isProblem(error, NotStarted) && words.test(error.message),
    );
});

test("strangers' words, and a machine that confines nothing, are asked about whatever was granted", async () => {
  const cases: readonly (readonly [isUnconfined: boolean, as: Partial<Caller>, rule: string])[] = [
    [false, { labels: ["web"] }, "ask-before-strangers-words-leave"],
    [true, {}, "ask-before-unconfined"],
    [true, { grants: [] }, "ask-before-change"],
  ];
  for (const [isUnconfined, as, rule] of cases) {
    await using it = await world({ isPlain: true, isUnconfined });
    const asked = it.kit.next("approvals.requested");
    const ran = it.run("sh", ["-c", "echo 'a b'"], { as: { ...it.agent, ...as } });
    const question = (await asked).data as Question;
    const { approvalId, summary, canUndo } = question;
    const reach = "without confinement (bubblewrap is not installed): it can do whatever you can";
    assert.equal(summary, `run sh -c $'echo \\'a b\\'' in ${it.folder}, ${reach}`);
    assert.deepEqual([question.rule, canUndo], [rule, false]);
    await it.kit.call("approvals.decide", { approvalId, decision: "allow" });
    assert.equal((await ran).stdout, "a b\n");
  }
});

interface Question {
  readonly approvalId: string;
  readonly rule: string;
  readonly summary: string;
  readonly canUndo: boolean;
}

test("a call that is ended ends its command", async () => {
  await using it = await world({ isPlain: true });
  const leave = new AbortController();
  const { folder } = it;
  const call = it.kit.kernel.dispatch({
    operationId: "shell.run",
    input: { folder, command: "sh", args: ["-c", "echo $$ > pid; sleep 60"] },
    credentials: { kind: "caller", caller: it.agent },
    signal: leave.signal,
  });
  const ended = assert.rejects(call);
  const pid = await pidIn(join(folder, "pid"));
  leave.abort();
  await ended;
  assert.equal(await isGone(pid), true);
});

test("a permission that is taken back ends the command that it let pass", async () => {
  await using it = await world({ isPlain: true });
  const { outcome } = await it.kit.call("leases.grant", {
    capability: "exec",
    holder: "agent:builder",
    folder: it.folder,
  });
  const { leaseId } = (outcome as { readonly output: { readonly leaseId: string } }).output;
  const ended = assert.rejects(it.run("sh", ["-c", "echo $$ > pid; sleep 60"], { as: { ...it.agent, grants: [] } }));
  const pid = await pidIn(join(it.folder, "pid"));
  await it.kit.call("leases.revoke", { leaseId });
  await ended;
  assert.equal(await isGone(pid), true);
});

async function pidIn(path: string): Promise<number> {
  for (let tries = 0; tries < 3000; tries += 1) {
    try {
      const text = readFileSync(path, "utf8");
      if (text.endsWith("\n")) return Number(text);
    } catch {
      // It has not come so far.
    }
    await pause();
  }
  throw new RangeError("the command never began");
}

async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 3000; tries += 1) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await pause();
  }
  return false;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

/** Says what came of it, in one line. */
const fetching = `
  const http = await import("node:http");
  http.get(process.argv[1], { agent: new http.Agent({ proxyEnv: process.env }) }, (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (part) => (text += part));
    answer.on("end", () => console.log(answer.statusCode + " " + text.trim()));
  }).on("error", (error) => console.log(error.code));
`;

test("a confined command reaches hosts through the hub alone, and the ledger has its episode", async ({ skip }) => {
  if (lack !== null) skip(`optional: ${lack}`);
  await using server = await serveHttp((_request, response) => void response.end("hello"));
  await using it = await world();
  const node = "/run/arw/node";
  const fetch = async (url: string): Promise<string> => {
    const { stdout, stderr } = await it.run(node, ["--input-type=module", "-e", fetching, url]);
    return stdout.trim() || stderr;
  };
  const url = `http://docs.example:${server.port}/`;
  assert.match(await fetch(url), /^403 .*docs\.example:\d+ is closed to agent builder/);
  const host = `docs.example:${server.port}`;
  await it.kit.call("egress.allow", { host, isPrivate: true });
  // It is built from the files of its folder, and nobody can be asked on the way.
  await it.kit.call("leases.grant", { capability: "net:send", holder: "agent:builder", host });
  assert.equal(await fetch(url), "200 hello");
  // The loopback of the machine is another one.
  assert.equal(await fetch(`http://127.0.0.1:${server.port}/`), "ECONNREFUSED");
  const bare = await it.run("sh", [
    "-c",
    `unset http_proxy HTTP_PROXY; ${node} -e 'require("net").connect(${server.port}, "127.0.0.1").on("error", (e) => console.log(e.code))'`,
  ]);
  assert.equal(bare.stdout, "ECONNREFUSED\n");
  assert.equal(server.count, 1);
  const rows = it.kit.events().filter(({ kind }) => kind.startsWith("egress.") && kind !== "egress.lease.granted");
  assert.deepEqual(
    rows.map(({ kind, caller, data }) => [kind, caller, (data as { operation: string }).operation]),
    [
      ["egress.refused", "agent:builder", "shell:run"],
      ["egress.sent", "agent:builder", "shell:run"],
    ],
  );
});

test("a confined command sees nothing of the hub, and changes its folder alone", async ({ skip }) => {
  if (lack !== null) skip(`optional: ${lack}`);
  await using it = await world();
  const { isConfined, stdout } = await it.run("sh", ["-c", "echo made > made; cat made; env"]);
  assert.equal(isConfined, true);
  assert.match(stdout, /^made\n/);
  assert.equal(stdout.includes(planted), false);
  assert.equal(readFileSync(join(it.folder, "made"), "utf8"), "made\n");
  assert.match((await it.run("cat", [join(it.state, "token")])).stderr, /No such file/);
});

test("a command that multiplies ends with its time, and nothing of it is left", async ({ skip }) => {
  if (lack !== null) skip(`optional: ${lack}`);
  await using it = await world();
  const multiply = "for i in 1 2 3 4 5 6 7 8; do setsid sh -c 'trap \"\" TERM; sleep 77' & done; echo ready; wait";
  const answer = await it.run("sh", ["-c", multiply], { timeoutMs: 400 });
  assert.deepEqual([answer.endedBy, answer.exitCode], ["time", null]);
});
