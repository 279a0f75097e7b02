/** `npm start`: loads the configuration, opens the hub, prints one screen and runs until it is asked to stop. */
import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { homedir } from "node:os";
import { styleText } from "node:util";
import { StateLocked } from "../adapters/files/state-lock.ts";
import { hasTerminal } from "../adapters/system/terminal.ts";
import { isProblem } from "../contract/problem.ts";
import { FolderFault } from "../domains/fs/port.ts";
import { StoreFault } from "../kernel/ports.ts";
import { hubFlags } from "./config/flags.ts";
import { loadConfig, type LoadedConfig } from "./config/load.ts";
import { platformOf } from "./config/places.ts";
import { readSecretFromInput } from "./cli-secret.ts";
import { openHub, type OpenHub } from "./hub.ts";
import { commandName, programRoot } from "./state-dir.ts";
import { firstOf } from "./system-faults.ts";

/** Exit code of a refused start: the sysexits code for a configuration that cannot be used. */
const refusedExitCode = 78;

export async function main(given: readonly string[]): Promise<number> {
  const { env } = process;
  try {
    const config = loadConfig({
      flags: hubFlags(given.filter((flag) => flag !== "--yes")),
      env,
      platform: platformOf(process.platform),
      home: homedir(),
      workDir: process.cwd(),
      programDir: programRoot(),
      readFile: textOf,
    });
    const givenToken = env["ARW_ADMIN_TOKEN"] === "" ? undefined : env["ARW_ADMIN_TOKEN"];
    await using hub = await openHub({
      config,
      givenToken,
      otlpHeaders: env["OTEL_EXPORTER_OTLP_HEADERS"],
      pid: process.pid,
      unlocking: { env, ask: process.stdin.isTTY ? readSecretFromInput : null },
    });
    // From before anybody can know that it runs: whoever stops it then stops it in good order, too.
    const stopping = stopReason(hub);
    const { url } = await hub.listen();
    process.stdout.write(await screen({ hub, url, config }));
    // Now, and not at the end: by then the code of the start is forgotten, and whoever is killed keeps none.
    flushCompileCache();
    const reason = await stopping;
    process.stdout.write(`\nStopping: ${reason}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${refusal(firstOf(error))}\n`);
    return refusedExitCode;
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function stopReason(hub: OpenHub): Promise<string> {
  const beganInTerminal = process.stdout.isTTY;
  return new Promise((resolve) => {
    // Kept on: a second signal while the hub stops in good order must not cut it short.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve(`${signal} received`));
    process.on("SIGHUP", () => {
      // A terminal that closes sends it, too, and so does Windows, which ends the process soon after.
      if (process.platform !== "win32" && !(beganInTerminal && !hasTerminal())) return void hub.reload();
      // What is still written has nowhere to go, which must not keep the hub from ending in good order.
      for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
      return resolve("the terminal was closed");
    });
    void hub.stopAsked.then(resolve);
  });
}

async function screen(options: {
  readonly hub: OpenHub;
  readonly url: string;
  readonly config: LoadedConfig;
}): Promise<string> {
  const { hub, url, config } = options;
  const arw = commandName();
  const strong = (text: string): string => styleText("bold", text, { stream: process.stdout });
  const quiet = (text: string): string => styleText("dim", text, { stream: process.stdout });
  const lines = [
    "",
    `  ${strong("ARW")} is running on ${strong(url)}`,
    "",
    `  Sign in   ${url}${await hub.signinPath()}`,
    quiet(`            (works once, within 10 minutes; ${arw} signin makes another)`),
    `  State     ${hub.stateDir}`,
    ...(config.file === null ? [] : [`  Settings  ${config.file}`]),
    "",
    "  Try next  open the link and press Start: Scout briefs a sample folder, with no model and no network",
    `            ${arw} brief <folder>    brief a folder of your own, from another terminal`,
    `            ${arw} episodes          what agents did`,
    "",
    quiet(`  Ctrl-C stops the hub. ${whatLeaves(config)}`),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** Traces hold names, codes and times, and may go to a collector elsewhere. */
function whatLeaves({ values }: LoadedConfig): string {
  const { endpoint } = values.otlp;
  return endpoint === ""
    ? "Nothing leaves this machine: no rule permits it."
    : `Traces go to ${new URL(endpoint).host}; nothing else leaves this machine.`;
}

/** Why the hub did not start, and what to do about it. */
function refusal(error: unknown): string {
  if (error instanceof StateLocked) {
    const { holder } = error;
    const where = holder === null || holder.address === null ? "" : ` It answers on ${holder.address}.`;
    const next = holder === null ? "" : ` Stop it first (process ${holder.pid}), or give this one its own --state-dir.`;
    return `ARW does not start: ${error.message}.${where}${next}`;
  }
  if (error instanceof StoreFault && error.reason === "newer") {
    return `ARW does not start: ${error.message}.\nNothing was touched. Start the newer ARW, or restore a backup of this one's time into another --state-dir.`;
  }
  if (error instanceof StoreFault && error.reason === "locked")
    return `ARW does not start: ${error.message}.\nNothing was touched. \`arw encrypt status\` says what opens it.`;
  if (error instanceof StoreFault) {
    return `ARW does not start: the store cannot be used (${error.reason}): ${error.message}\nNothing was changed. Restore a backup, or start with another --state-dir.`;
  }
  if (isProblem(error)) return `ARW does not start: ${error.message}`;
  const fault = systemFault(error);
  if (fault !== null) return `ARW does not start: ${fault}`;
  return `ARW does not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

/** Faults of the disk that come with the choice of the state directory. */
const stateDirFaults = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "ENOTDIR",
  "EEXIST",
  "ENOENT",
  "ENAMETOOLONG",
  "ENOSPC",
  "EDQUOT",
]);

/** What the operating system refused, and the next step; null when it refused nothing known. */
function systemFault(error: unknown): string | null {
  if (error instanceof FolderFault) return `${error.message}. Give it a --state-dir that it may write to.`;
  if (!(error instanceof Error) || !("code" in error)) return null;
  const { code, message, syscall, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  if (code === "EADDRINUSE")
    return `the port ${port ?? ""} is taken. Choose another with --port, or stop the program that has it.`;
  if (syscall === "listen" || syscall === "getaddrinfo" || syscall === "bind")
    return `it cannot listen (${message}). Choose another --bind or --port.`;
  // SQLite names no file: what it could not open in the state directory, when it was not the store, is the lock.
  return stateDirFaults.has(code ?? "") || code === "ERR_SQLITE_ERROR"
    ? `${message}. Give it a --state-dir that it may write to.`
    : null;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
