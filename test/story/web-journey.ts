/** A built UI, a hub of its own in a temporary state directory, and a browser that tells every address it asks for. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findChromium } from "../chromium.ts";
import { until } from "./kit/until.ts";

export const repository = join(import.meta.dirname, "..", "..");
export const webDist = join(repository, "web", "dist");

/** Starting takes a second; a machine under load takes several. */
const startMsMax = 40_000;
/** Far above what a person would wait for: how quick a screen is, is measured by itself. */
const stepMsMax = 40_000;

/** Builds the UI when a source is newer than what was built last. */
export function buildWeb(): void {
  const web = join(repository, "web");
  const built = join(webDist, "index.html");
  const sources = ["src", "public"].flatMap((folder) =>
    readdirSync(join(web, folder), { recursive: true, encoding: "utf8" }).map((name) => join(web, folder, name)),
  );
  const newestMs = Math.max(
    ...[...sources, join(web, "index.html"), join(web, "vite.config.ts")].map((path) => statSync(path).mtimeMs),
  );
  if (existsSync(built) && statSync(built).mtimeMs > newestMs) return;
  const vite = join(repository, "node_modules", "vite", "bin", "vite.js");
  const { status, stderr } = spawnSync(process.execPath, [vite, "build"], {
    cwd: web,
    encoding: "utf8",
    // The test runner's own value would build the slow, talkative variant of React.
    env: { ...process.env, NODE_ENV: "production" },
  });
  assert.equal(status, 0, stderr);
}

export interface Hub {
  readonly url: string;
  readonly token: string;
  readonly stateDir: string;
  /** A link that signs in once. */
  signInLink(): Promise<string>;
  call<Answer>(path: string, body: object): Promise<Answer>;
  stop(): Promise<void>;
  /** Ends with no chance to say goodbye, as in a loss of power. */
  kill(): Promise<void>;
  /** On the same port and state. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

type Settings = Readonly<Record<string, string>>;

/** `settings` are environment variables, as a person would set them. */
export async function startHub(settings: Settings = {}): Promise<Hub> {
  const home = mkdtempSync(join(tmpdir(), "arw-web-"));
  const stateDir = join(home, "state");
  const forget = (): void => rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  let { child, url } = await spawnHub(home, { settings, port: 0 }).catch((error: unknown) => {
    forget();
    throw error;
  });
  const token = /ARW_ADMIN_TOKEN=(\S+)/u.exec(readFileSync(join(stateDir, "credentials"), "utf8"))?.[1] ?? "";
  const port = Number(new URL(url).port);
  const call = async <Answer>(path: string, body: object): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.ok(response.ok, `${path} answered ${response.status}`);
    return (await response.json()) as Answer;
  };
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  };
  const stop = (): Promise<void> => end("SIGTERM");
  return {
    url,
    token,
    stateDir,
    signInLink: async () => `${url}${(await call<{ path: string }>("/signin/code", {})).path}`,
    call,
    stop,
    kill: () => end("SIGKILL"),
    async restart() {
      await stop();
      ({ child, url } = await spawnHub(home, { settings, port }));
    },
    async [Symbol.asyncDispose]() {
      await stop();
      forget();
    },
  };
}

function spawnHub(
  home: string,
  { settings, port }: { readonly settings: Settings; readonly port: number },
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [join(repository, "src", "app", "main.ts")], {
    cwd: home,
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      TZ: "UTC",
      NO_COLOR: "1",
      ARW_STATE_DIR: join(home, "state"),
      ARW_PORT: String(port),
      // A journey asks for more in a minute than a person does.
      ARW_ADMIN_RL: "100000/60",
      ARW_READ_RL: "100000/60",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (why: string): void => reject(new assert.AssertionError({ message: `${why}\n${said}` }));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail("the hub did not start in time");
    }, startMsMax);
    const hear = (chunk: Buffer): void => {
      said += String(chunk);
      const url = /is running on (http:\/\/\S+)/u.exec(said)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve({ child, url });
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", () => {
      clearTimeout(timer);
      fail("the hub ended at once");
    });
  });
}

export const launch = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });

interface Stage {
  readonly hub: Hub;
  readonly browser: Browser;
}

/** The hub and the browser that the journeys of a file share. Where there is no Chromium, none of them begins. */
export async function openStage(settings?: Settings): Promise<Stage> {
  buildWeb();
  const executablePath = findChromium();
  if (executablePath === undefined) return {} as Stage;
  return { browser: await launch(executablePath), hub: await startHub(settings) };
}

export async function closeStage({ hub, browser }: Partial<Stage>): Promise<void> {
  await browser?.close();
  await hub?.[Symbol.asyncDispose]();
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Everything that went wrong in the page, and every request that left this machine. */
  readonly faults: readonly string[];
}

export async function visit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    ...options,
  });
  context.setDefaultTimeout(stepMsMax);
  const page = await context.newPage();
  const faults: string[] = [];
  context.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol !== "data:" && hostname !== "127.0.0.1") faults.push(`left the machine: ${request.url()}`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (/content security policy|uncaught/iu.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  return { page, context, faults, [Symbol.asyncDispose]: () => context.close() };
}

/** Each look is a call of its own: what looks again inside the page is ended by the policy of the page, which lets no text run. */
export const comesTrue = (page: Page, expression: string): Promise<true> =>
  until(expression, async () => ((await page.evaluate(expression)) === true ? true : undefined));

/** Signs in by a fresh link and waits for the shell. */
export async function signIn(page: Page, hub: Hub): Promise<void> {
  await page.goto(await hub.signInLink());
  await page.getByRole("navigation", { name: "Rooms" }).waitFor();
}

export interface Started {
  readonly corrId: string;
}

/** Starts Scout on a fresh sample and waits until its question is asked. */
export async function briefSample(hub: Hub): Promise<string> {
  const { folder } = await hub.call<{ folder: string }>("/scout/sample", {});
  const { corrId } = await hub.call<Started>("/scout/brief", { folder });
  for (let tries = 0; tries < 400; tries += 1) {
    const response = await fetch(`${hub.url}/state/approvals?status=waiting`, {
      headers: { authorization: `Bearer ${hub.token}` },
    });
    const { items } = (await response.json()) as { items: readonly { corrId: string }[] };
    if (items.some((approval) => approval.corrId === corrId)) return corrId;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new assert.AssertionError({ message: "Scout asked nothing" });
}

let axeSource: string | undefined;

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly target: readonly unknown[] }[];
  }[];
}

/** What axe finds wrong: each rule with the places that break it. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  axeSource ??= readFileSync(join(repository, "node_modules", "axe-core", "axe.min.js"), "utf8");
  await page.evaluate(axeSource);
  const result = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResult;
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/** As wide as the smallest phone. What would lie over a narrow page closes a moment after the page was made narrow. */
export async function makeNarrow(page: Page): Promise<void> {
  await page.setViewportSize({ width: 320, height: 720 });
  await page.getByRole("complementary").waitFor({ state: "detached" });
}

/** Chooses in the open palette what is found by some words: Enter takes what is chosen, which follows the words. */
export async function runFromPalette(page: Page, words: string, name: string): Promise<void> {
  await page.getByRole("dialog", { name: "Search or run" }).waitFor();
  await page.keyboard.type(words);
  await page.getByRole("option", { name, selected: true }).waitFor();
  await page.keyboard.press("Enter");
}

/** Parts of the page that a reader would have to scroll sideways for. Code and data grids may. */
export const sidewaysScroll = (page: Page): Promise<readonly string[]> =>
  page.evaluate(`[document.documentElement, ...document.querySelectorAll("main, header, nav, footer, aside, dialog")]
    .filter((element) => element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.tagName + " " + element.scrollWidth + " > " + element.clientWidth)`);
