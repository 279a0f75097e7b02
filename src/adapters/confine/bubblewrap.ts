/**
 * Children in namespaces of their own, made by bubblewrap: no network but a socket to the hub's proxy, no files but their folders
 * and the system's programs, no other processes, and no way to outlive the hub.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import {
  type Child,
  type ChildCeilings,
  childCeilings,
  ChildFault,
  type ChildOrder,
  type Confinement,
} from "../../domains/shell/port.ts";
import { type Ambient, confinedEnvironment, confinedHome } from "./environment.ts";
import { forwarderText } from "./forwarder.ts";
import { insideNode, insideSocket, inOrder, type Mount, orderMounts, systemMounts } from "./mounts.ts";
import { confinementBy } from "./nursery.ts";
import { createOrders, type Orders } from "./orders.ts";
import { checkFolders, ownedAt } from "./order-folders.ts";
import { graceMsDefault, type Outcome, tend, yieldToOthers } from "./tend.ts";

export interface BubblewrapOptions {
  readonly environment: Ambient;
  /** Files and folders of the hub itself. */
  readonly own: readonly string[];
  /** Path of it. */
  readonly program: string;
  readonly version: string;
  /** Folders whose programs a child may run and read, beside the system's. */
  readonly programs?: readonly string[];
  readonly nodePath: string;
  readonly ceilings?: ChildCeilings;
  readonly graceMs?: number;
}

export function createBubblewrap(options: BubblewrapOptions): Confinement {
  const orders = createOrders();
  const abilities = { confinesFiles: true, confinesNetwork: true, by: `bubblewrap ${options.version}`, lack: null };
  return confinementBy(abilities, (order, signal) => start(order, { signal, options, orders }));
}

interface Starting {
  readonly signal: AbortSignal;
  readonly options: BubblewrapOptions;
  readonly orders: Orders;
}

async function start(order: ChildOrder, { signal, options, orders }: Starting): Promise<Child> {
  const owned = await ownedAt(options.own);
  await checkFolders(order, owned);
  const { programs = [] } = options;
  const cover = await orders.cover(order.folders);
  const mounts = [
    ...(await systemMounts(options.nodePath)),
    ...programs.map((path) => ({ at: path, args: ["--ro-bind-try", path, path] })),
    ...orderMounts(order, owned),
    ...cover.mounts,
  ];
  const env = { ...confinedEnvironment(options.environment, programs), ...order.env };
  try {
    signal.throwIfAborted();
    const child = await begin({ program: options.program, mounts, env, cwd: order.cwd, line: lineOf(order) }, order, {
      signal,
      options,
    });
    return { ...child, exited: child.exited.then((end) => cover.lift().then(() => end)) };
  } catch (error) {
    await cover.lift();
    throw error;
  }
}

async function begin(
  wrapping: Wrapping,
  order: ChildOrder,
  { signal, options }: Pick<Starting, "signal" | "options">,
): Promise<Child> {
  const wrapped = await wrap(wrapping);
  return tend({
    process: wrapped.process,
    limits: order.limits,
    signal,
    graceMs: options.graceMs ?? graceMsDefault,
    ceilings: options.ceilings ?? childCeilings,
    rootPid: wrapped.firstPid,
    signalGroup: wrapped.signalGroup,
    endOf: wrapped.endOf,
  });
}

/** `sh` only says what there is to say about a command that is none; no word of the order is read by it. */
function lineOf({ command, args, network }: ChildOrder): readonly string[] {
  if (network.kind === "none" || network.socketPath === null)
    return ["/bin/sh", "-c", 'exec "$@"', "sh", command, ...args];
  return [insideNode, "-e", forwarderText, "--", insideSocket, String(network.port), command, ...args];
}

interface Wrapping {
  readonly program: string;
  readonly mounts: readonly Mount[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly line: readonly string[];
}

interface Wrapped {
  readonly process: ChildProcess;
  firstPid(): number | null;
  signalGroup(signal: "SIGTERM" | "SIGKILL"): void;
  endOf(exitCode: number | null, signal: string | null): Promise<Outcome>;
}

/** Descriptors beyond the three that everybody has: bubblewrap reads and closes all but the first before the command runs. */
const statusFd = 3;
const argsFd = 4;
/** Programs that ask who they are find a user, and `localhost` is found without asking anybody. */
const madeFiles = (): readonly (readonly [at: string, text: string])[] => {
  const user = process.getuid?.() ?? 0;
  const group = process.getgid?.() ?? 0;
  const self = `${user === 0 ? "root" : "arw"}:x:${user}:${group}:arw:${confinedHome}:/bin/sh\n`;
  return [
    ["/etc/passwd", `${self}nobody:x:65534:65534:nobody:/:/bin/false\n`],
    ["/etc/group", `${group === 0 ? "root" : "arw"}:x:${group}:\nnogroup:x:65534:\n`],
    ["/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"],
  ];
};

const apart = "--unshare-all --die-with-parent --new-session --cap-drop ALL --hostname arw --clearenv".split(" ");
/**
 * What bubblewrap made itself is as large as memory, and nobody writes there. The settings of the kernel in `/proc/sys` are those
 * of the machine, and open to the user 0 without any right of root: a hub that runs as root would hand them over.
 */
const closed = "--remount-ro /proc --remount-ro /dev --remount-ro /".split(" ");

async function wrap({ program, mounts, env, cwd, line }: Wrapping): Promise<Wrapped> {
  const made = madeFiles();
  const files = made.map(([at], index) => ({ at, args: ["--ro-bind-data", String(argsFd + 1 + index), at] }));
  // Through a descriptor, as everybody on the machine may read the arguments of a process.
  const args = [
    ...apart,
    "--json-status-fd",
    String(statusFd),
    ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]),
    ...inOrder([...mounts, ...files]),
    ...closed,
    "--chdir",
    cwd,
  ];
  const spawned = spawn(program, ["--args", String(argsFd), "--", ...line], {
    // Nothing of the order's own variables: they are for the command, and this program runs outside.
    env: {},
    cwd: "/",
    stdio: ["pipe", "pipe", "pipe", "pipe", "pipe", ...made.map(() => "pipe" as const)],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    spawned.once("spawn", resolve);
    spawned.once("error", (cause) => reject(new ChildFault(`bubblewrap could not be started`, { cause })));
  });
  // It waits for its arguments, so it has started nothing yet.
  yieldToOthers(spawned);
  for (const [index, content] of [
    args.map((each) => `${each}\0`).join(""),
    ...made.map(([, each]) => each),
  ].entries()) {
    const pipe = spawned.stdio[argsFd + index] as Writable;
    // A confinement that could not be made says so itself.
    pipe.on("error", () => undefined);
    pipe.end(content);
  }
  return withStatus(spawned);
}

/** Bubblewrap tells the first process of the confinement, and how the command ended if it ran at all. */
function withStatus(spawned: ChildProcess): Wrapped {
  let told = "";
  const pipe = spawned.stdio[statusFd] as Readable;
  pipe.setEncoding("utf8").on("data", (part: string) => (told += part));
  const isTold = new Promise<void>((resolve) => pipe.once("close", resolve));
  const firstPid = (): number | null => numberIn(told, "child-pid");
  return {
    process: spawned,
    firstPid,
    signalGroup(signal) {
      const pid = firstPid();
      try {
        // It leads the group of all that did not leave it, and with its own end everything in there ends.
        if (pid === null) spawned.kill("SIGKILL");
        else process.kill(signal === "SIGTERM" ? -pid : pid, signal);
      } catch {
        // Nobody is left, which is what was wanted.
      }
    },
    async endOf(exitCode, signal) {
      await isTold;
      const code = numberIn(told, "exit-code");
      if (code === null) return { exitCode, signal, isFault: true };
      const name = code > 128 ? signalName(code - 128) : null;
      return { exitCode: name === null ? code : null, signal: name, isFault: false };
    },
  };
}

function numberIn(told: string, name: "child-pid" | "exit-code"): number | null {
  const found = new RegExp(`"${name}": (\\d+)`).exec(told)?.[1];
  return found === undefined ? null : Number(found);
}

const signalName = (number: number): string | null =>
  Object.entries(constants.signals).find(([, each]) => each === number)?.[0] ?? null;

/** Everything a start needs, tried once. Null when it works, or what stands in the way. */
export async function probe(program: string, nodePath: string): Promise<string | null> {
  const mounts = await systemMounts(nodePath);
  const line = [insideNode, "-e", "0"];
  try {
    const { process: probing } = await wrap({ program, mounts, env: {}, cwd: "/", line });
    const timer = setTimeout(() => probing.kill("SIGKILL"), probeMsMax);
    const ended = new Promise<number | null>((resolve) => probing.once("exit", resolve));
    const [errors, code] = await Promise.all([text(probing.stderr as Readable), ended]);
    clearTimeout(timer);
    return code === 0 ? null : (errors.split("\n")[0] ?? "").slice(0, 300) || `it ended with ${code}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
/** It takes milliseconds. A machine that needs seconds for it would have no use of it either. */
const probeMsMax = 10_000;
