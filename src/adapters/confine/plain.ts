/** Children without confinement: they may do what the user may who runs the hub. A group of their own ends them, as far as it goes. */
import { type ChildProcess, spawn } from "node:child_process";
import { Buffer } from "node:buffer";
import {
  type Child,
  type ChildCeilings,
  childCeilings,
  ChildFault,
  type ChildOrder,
  type Confinement,
} from "../../domains/shell/port.ts";
import { type Ambient, plainEnvironment } from "./environment.ts";
import { confinementBy } from "./nursery.ts";
import { checkFolders, ownedAt } from "./order-folders.ts";
import { graceMsDefault, tend, yieldToOthers } from "./tend.ts";

export interface PlainOptions {
  readonly environment: Ambient;
  /** Files and folders of the hub itself. */
  readonly own: readonly string[];
  readonly programs?: readonly string[];
  readonly lack: string;
  readonly ceilings?: ChildCeilings;
  readonly graceMs?: number;
}

export function createPlain(options: PlainOptions): Confinement {
  const abilities = { confinesFiles: false, confinesNetwork: false, by: "nothing", lack: options.lack };
  return confinementBy(abilities, (order, signal) => start(order, { signal, options }));
}

async function start(
  order: ChildOrder,
  { signal, options }: { readonly signal: AbortSignal; readonly options: PlainOptions },
): Promise<Child> {
  await checkFolders(order, await ownedAt(options.own));
  signal.throwIfAborted();
  const { command, args, cwd, env, limits } = order;
  const isGroup = process.platform !== "win32";
  const spawned = spawn(command, args, {
    cwd,
    env: { ...plainEnvironment(options.environment, options.programs ?? []), ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: isGroup,
    windowsHide: true,
  });
  yieldToOthers(spawned);
  const refusal = await begun(spawned);
  if (refusal !== null) return neverBegan(command, refusal);
  return tend({
    process: spawned,
    ceilings: options.ceilings ?? childCeilings,
    rootPid: () => spawned.pid ?? null,
    limits,
    signal,
    graceMs: options.graceMs ?? graceMsDefault,
    signalGroup: (name) => signalTo(spawned, { name, isGroup }),
    endOf: (exitCode, by) => Promise.resolve({ exitCode, signal: by, isFault: false }),
  });
}

function signalTo(
  { pid, kill }: ChildProcess,
  { name, isGroup }: { readonly name: "SIGTERM" | "SIGKILL"; readonly isGroup: boolean },
): void {
  try {
    if (isGroup && pid !== undefined) process.kill(-pid, name);
    else kill(name);
  } catch {
    // The group is gone, which is what was wanted.
  }
}

/** Null once it runs, or why it does not. */
function begun(spawned: ChildProcess): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    spawned.once("spawn", () => resolve(null));
    spawned.once("error", resolve);
  });
}

/** Where a shell would say so and answer with these codes, there is a child that says so and has ended with them. */
function neverBegan(command: string, { code = "", message }: NodeJS.ErrnoException): Child {
  const known: Readonly<Record<string, readonly [number, string]>> = {
    ENOENT: [127, "there is no such command"],
    EACCES: [126, "it may not be run"],
    ENOEXEC: [126, "it is no program"],
  };
  const [exitCode, why] = known[code] ?? [];
  if (exitCode === undefined) throw new ChildFault(`${command} could not be started: ${message}`);
  return {
    stdin: { write: () => Promise.resolve(), end: () => undefined },
    stdout: textOf(""),
    stderr: textOf(`${command}: ${why}\n`),
    exited: Promise.resolve({ exitCode, signal: null, endedBy: "itself" }),
    end: () => undefined,
  };
}

async function* textOf(text: string): AsyncGenerator<Uint8Array> {
  if (text !== "") yield Buffer.from(text);
}
