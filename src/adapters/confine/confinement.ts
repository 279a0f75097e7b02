/** The best confinement that this machine has, found out when the first child is to start. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import type { ChildCeilings, Confinement, ConfinementAbilities } from "../../domains/shell/port.ts";
import { createBubblewrap, probe } from "./bubblewrap.ts";
import type { Ambient } from "./environment.ts";
import { createPlain } from "./plain.ts";

export interface ConfinementOptions {
  /** The hub's own, of which children see a few names. */
  readonly environment: Ambient;
  /** Files and folders of the hub itself, which no child is given or may put something else in the place of. */
  readonly own: readonly string[];
  /** Folders beside the system's whose programs a child may run and read. */
  readonly programs?: readonly string[];
  readonly platform: string;
  readonly nodePath: string;
  /** The program to look for. */
  readonly program?: string;
  readonly ceilings?: ChildCeilings;
  readonly graceMs?: number;
}

const versionMsMax = 10_000;

export function createConfinement(options: ConfinementOptions): Confinement {
  let best: Promise<Confinement> | null = null;
  let known: ConfinementAbilities | null = null;
  const chosen = (): Promise<Confinement> => (best ??= choose(options).then(noted));
  const noted = (confinement: Confinement): Confinement => {
    known = confinement.known();
    return confinement;
  };
  return {
    abilities: async () => (await chosen()).abilities(),
    known: () => known,
    start: async (order) => (await chosen()).start(order),
    endAll: async (reason) => (await best)?.endAll(reason),
    async [Symbol.asyncDispose]() {
      await (await best)?.[Symbol.asyncDispose]();
    },
  };
}

async function choose({ program: name = "bwrap", platform, ...options }: ConfinementOptions): Promise<Confinement> {
  if (platform !== "linux") return createPlain({ ...options, lack: "confinement needs Linux and bubblewrap" });
  const program = await found(name, options.environment["PATH"] ?? "");
  if (program === null) return createPlain({ ...options, lack: "bubblewrap is not installed" });
  const fault = await probe(program, options.nodePath);
  return fault === null
    ? createBubblewrap({ ...options, program, version: await versionOf(program) })
    : createPlain({ ...options, lack: lackOf(fault) });
}

async function found(name: string, searchPath: string): Promise<string | null> {
  const places = searchPath.split(delimiter).filter(isAbsolute);
  for (const path of isAbsolute(name) ? [name] : places.map((folder) => join(folder, name))) {
    const canRun = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (canRun) return path;
  }
  return null;
}

async function versionOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ["--version"], { timeout: versionMsMax, env: {} });
  return /(\d+(\.\d+)+)/.exec(stdout)?.[1] ?? "of an unknown version";
}

function lackOf(fault: string): string {
  if (/namespace|uid map|Operation not permitted|Permission denied/i.test(fault))
    return `user namespaces are not allowed here (${fault})`;
  if (/unknown option/i.test(fault)) return `bubblewrap is older than 0.7 (${fault})`;
  return `bubblewrap does not run here (${fault})`;
}
