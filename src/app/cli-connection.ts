/** Finds the hub that a command means: by flags, then by the environment, then by the state directory. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { findToken } from "../adapters/credentials/credentials.ts";
import { isProblem, problemDocument } from "../contract/problem.ts";
import type { Table } from "../kernel/kernel.ts";
import { createHttpTransport } from "../surfaces/cli/http-transport.ts";
import { createLocalTransport, type LocalHub } from "../surfaces/cli/local-transport.ts";
import { CallFailed, type Globals, type Transport } from "../surfaces/cli/port.ts";
import { type LoadedConfig, loadConfig } from "./config/load.ts";
import { type Environment, isLoopback, platformOf } from "./config/places.ts";
import { faultDocument } from "./system-faults.ts";

export interface ConnectionOptions {
  readonly table: Table;
  readonly env: Environment;
  readonly workDir: string;
  readonly programDir: string;
  readonly openHub: (config: LoadedConfig) => Promise<LocalHub>;
  /** Told once the address is known. */
  readonly onAddress: (address: string) => void;
  readonly streamTriesMax?: number;
}

export async function connect(options: ConnectionOptions, globals: Globals): Promise<Transport> {
  if (globals.local === true) return createLocalTransport(await openLocal(options, configOf(options, globals)));
  const { baseUrl, token } = await locate(options, globals);
  options.onAddress(baseUrl);
  return createHttpTransport({
    operations: options.table.operations,
    baseUrl,
    token,
    send: fetch,
    wait: (delayMs, signal) => pause(delayMs, undefined, { signal }),
    streamTriesMax: options.streamTriesMax,
  });
}

/** Exported for tests. The configuration is read only where flags and environment leave something open. */
export async function locate(
  options: ConnectionOptions,
  globals: Globals,
): Promise<{ readonly baseUrl: string; readonly token: string | undefined }> {
  const { env } = options;
  let known: LoadedConfig | undefined;
  const config = (): LoadedConfig => (known ??= configOf(options, globals));
  const baseUrl =
    addressOf(env, globals) ?? noteOf(config().values.state.dir) ?? localAddress(String(config().values.server.port));
  const given = globals.token ?? (env["ARW_ADMIN_TOKEN"] || undefined);
  if (given !== undefined) return { baseUrl, token: given };
  // The token of this machine's hub is shown to nobody else.
  if (!URL.canParse(baseUrl) || !isLoopback(new URL(baseUrl).hostname)) return { baseUrl, token: undefined };
  const found = await findToken({ stateDir: config().values.state.dir, environment: {} });
  return { baseUrl, token: found?.token };
}

const localAddress = (port: string): string => `http://127.0.0.1:${port}`;

function addressOf(env: Environment, { url, port }: Globals): string | undefined {
  if (url !== undefined) return url.replace(/\/+$/u, "");
  const chosen = port ?? (env["ARW_PORT"] || undefined);
  return chosen === undefined ? undefined : localAddress(chosen);
}

function noteOf(stateDir: string): string | undefined {
  const text = textOf(join(stateDir, "hub.json"));
  if (text === null) return undefined;
  try {
    const { address } = JSON.parse(text) as { readonly address?: unknown };
    return typeof address === "string" && URL.canParse(address) ? address : undefined;
  } catch {
    // A note that was cut short says as little as none.
    return undefined;
  }
}

/** The configuration as a client reads it. */
export function configOf(
  { env, workDir, programDir }: Pick<ConnectionOptions, "env" | "workDir" | "programDir">,
  { stateDir, portable, config }: Globals,
): LoadedConfig {
  // The port that a client calls is no setting of a hub, and a hub's network rules are not the client's to keep.
  const { ARW_PORT: _port, ARW_BIND: _bind, ...rest } = env;
  try {
    return loadConfig({
      flags: { stateDir, portable, config },
      env: rest,
      platform: platformOf(process.platform),
      home: homedir(),
      workDir,
      programDir,
      readFile: textOf,
    });
  } catch (error) {
    throw isProblem(error) ? new CallFailed(problemDocument(error, "")) : error;
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

async function openLocal({ openHub }: ConnectionOptions, config: LoadedConfig): Promise<LocalHub> {
  try {
    return await openHub(config);
  } catch (error) {
    const document = faultDocument(error);
    throw document === null ? error : new CallFailed(document);
  }
}
