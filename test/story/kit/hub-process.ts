/** A real hub as a child process on a free port, with a state directory of its own, and a client that speaks to it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { programEnvironment, programFlags } from "../../../bin/program-flags.mjs";
import { until } from "./until.ts";

export const programRoot = join(import.meta.dirname, "..", "..", "..");
const hubMain = join(programRoot, "src", "app", "main.ts");
/** Far above a start on a busy machine; a hub that needs longer hangs. */
const startMsMax = 90_000;
const callMsMax = 90_000;

export interface HubOptions {
  readonly stateDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  /** Flags of Node itself, such as a preload. */
  readonly nodeFlags?: readonly string[];
  /** User id to run as; only root may choose one. */
  readonly uid?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests read answers field by field; each assertion is the check of its shape.
  readonly body: Json;
}
/** What `JSON.parse` gives. A story asserts on fields of documents whose shape the contract tests have checked. */
export type Json = ReturnType<typeof JSON.parse>;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningHub extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly token: string;
  readonly stateDir: string;
  readonly output: () => string;
  /** With the admin token. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** `GET /tasks`, with the admin token unless `headers` say who calls. */
  send(request: `${string} /${string}`, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  get(path: string): Promise<Json>;
  post(path: string, body: unknown): Promise<Json>;
  kill(signal: NodeJS.Signals): Promise<Exit>;
}

export async function startHub(options: HubOptions): Promise<RunningHub> {
  const child = launch(options);
  const url = await until(
    `the hub to answer\n${child.stderr()}`,
    () => {
      assert.equal(child.ended(), null, `the hub ended at its start: ${child.stdout()}${child.stderr()}`);
      return /running on (http:\S+)/.exec(child.stdout())?.[1];
    },
    startMsMax,
  ).catch(async (error: unknown) => {
    child.process.kill("SIGKILL");
    throw error;
  });
  const token = options.env?.["ARW_ADMIN_TOKEN"] ?? (await fileToken(options.stateDir));
  const send: RunningHub["send"] = (request, body, headers) => {
    const [method = "", path = ""] = request.split(" ", 2);
    return callUrl(`${url}${path}`, { method, body, headers: headers ?? { authorization: `Bearer ${token}` } });
  };
  const call: RunningHub["call"] = (method, path, body) =>
    callUrl(`${url}${path}`, { method, body, headers: { authorization: `Bearer ${token}` } });
  return {
    url,
    pid: child.process.pid ?? -1,
    token,
    stateDir: options.stateDir,
    output: () => `${child.stdout()}${child.stderr()}`,
    send,
    call,
    get: async (path) => expectOk(await call("GET", path), path),
    post: async (path, body) => expectOk(await call("POST", path, body), path),
    kill(signal) {
      child.process.kill(signal);
      return child.exited;
    },
    async [Symbol.asyncDispose]() {
      if (child.ended() === null) child.process.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Starts a hub that is expected to refuse, and answers how it ended. */
export async function startRefused(options: HubOptions): Promise<Exit> {
  const child = launch(options);
  try {
    await until("the hub to refuse", () => child.ended() ?? undefined, startMsMax);
  } finally {
    if (child.ended() === null) child.process.kill("SIGKILL");
  }
  return child.exited;
}

export async function callUrl(
  url: string,
  {
    method,
    body,
    headers = {},
  }: { readonly method: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> },
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: "manual",
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    signal: AbortSignal.timeout(callMsMax),
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, body: isJson && text !== "" ? JSON.parse(text) : text };
}

function expectOk({ status, body }: Answer, path: string): Json {
  assert.ok(status >= 200 && status < 300, `${path} answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

async function fileToken(stateDir: string): Promise<string> {
  const text = await readFile(join(stateDir, "credentials"), "utf8");
  const token = /ARW_ADMIN_TOKEN=(\S+)/.exec(text)?.[1];
  assert.ok(token, "the state directory holds a token");
  return token;
}

interface Launched {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: () => Exit | null;
  readonly exited: Promise<Exit>;
}

function launch({ stateDir, env = {}, flags = [], nodeFlags = [], uid }: HubOptions): Launched {
  return launchProcess([...programFlags, ...nodeFlags, hubMain, "--port", "0", "--state-dir", stateDir, ...flags], {
    // Stories do in seconds what people do in hours; those about the limits set their own.
    env: { ARW_ADMIN_RL: "100000/60", ARW_READ_RL: "100000/60", ...env },
    ...(uid === undefined ? {} : { uid }),
  });
}

/** Variables that the hub reads, or a tool hands to its children, of whoever runs the stories. */
const leaks = ["ARW_", "OTEL_", "VITEST", "NODE_OPTIONS"];

/** The developer's own hub and collector of traces have no part in a story. */
export function cleanEnvironment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !leaks.some((leak) => name.startsWith(leak)));
  return {
    ...programEnvironment(Object.fromEntries(own), programRoot),
    XDG_CONFIG_HOME: "/nonexistent",
    NO_COLOR: "1",
    ...extra,
  };
}

export function launchProcess(
  words: readonly string[],
  {
    env = {},
    uid,
    cwd = programRoot,
    input,
  }: {
    readonly env?: Readonly<Record<string, string>>;
    readonly uid?: number;
    readonly cwd?: string;
    readonly input?: string;
  },
): Launched {
  const child = spawn(process.execPath, [...words], {
    cwd,
    env: cleanEnvironment(env),
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  if (input !== undefined) child.stdin?.end(input);
  let stdout = "";
  let stderr = "";
  let ended: Exit | null = null;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const exited = new Promise<Exit>((resolve) => {
    child.on("close", (code, signal) => resolve((ended = { code, signal, stdout, stderr })));
    child.on("error", (error) => resolve((ended = { code: -1, signal: null, stdout, stderr: String(error) })));
  });
  return { process: child, stdout: () => stdout, stderr: () => stderr, ended: () => ended, exited };
}
