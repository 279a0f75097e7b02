/** `arw encrypt`: makes the state directory unreadable without a passphrase or a key file, and readable again. No hub runs there meanwhile. */
import { randomBytes } from "node:crypto";
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { diskFree } from "../adapters/files/disk.ts";
import { fileCalls, writeNewFile } from "../adapters/files/file-calls.ts";
import { acquireStateLock, StateLocked } from "../adapters/files/state-lock.ts";
import { type ConversionStep, damagedFiles } from "../adapters/sealed-state/convert.ts";
import {
  keysFile,
  type PassphraseCost,
  passphraseCost,
  readKeys,
  recoveryWay,
  type Secret,
  type Way,
  wayOf,
  writeKeys,
} from "../adapters/sealed-state/keys.ts";
import { codeText, recoveryBytes } from "../adapters/sealed-state/recovery-code.ts";
import { createSealer, masterBytes } from "../adapters/sealed-state/sealer.ts";
import { openLine, places } from "../adapters/sealed-state/sealed-text.ts";
import { formatDurationMs } from "../base/units.ts";
import { StoreFault } from "../kernel/ports.ts";
import { type CliParts, exitCodes, type Globals, type OwnCommand } from "../surfaces/cli/port.ts";
import type { Environment } from "./config/places.ts";
import type { ConfigValues } from "./config/schema.ts";
import { keyFileVariable, passphraseVariable } from "./key-places.ts";
import {
  finishConversion,
  isKeyGiven,
  keyFileBytesMin,
  readKeyBytes,
  refuseInside,
  type Unlocked,
  unlockState,
  withoutBreak,
} from "./unlock.ts";

export interface EncryptOptions {
  readonly terminal: CliParts["terminal"];
  readonly env: Environment;
  readonly pid: number;
  readonly nowMs: () => number;
  readonly valuesOf: (globals: Globals) => Pick<ConfigValues, "state" | "journal">;
  /** From a person one line that is not shown, from a pipe all of it. */
  readonly readSecret: (question: string) => Promise<string>;
  /** What a try at the passphrase costs; less only in tests. */
  readonly cost?: PassphraseCost;
}

type Given = Parameters<OwnCommand["run"]>[0];

export const encryptCommands = (options: EncryptOptions): readonly OwnCommand[] => [
  {
    words: "encrypt on",
    about: "Encrypt the state directory with a passphrase or a key file; the hub is stopped meanwhile.",
    options: secretFlags,
    run: (given) => told(options, () => turnOn(options, given)),
  },
  {
    words: "encrypt off",
    about: "Write the state directory in plain again.",
    options: [
      ["--key-file <path>", "the key file that opens it"],
      ["--passphrase-stdin", "read the passphrase, or the recovery code, from the input"],
    ],
    run: (given) => told(options, () => turnOff(options, given)),
  },
  {
    words: "encrypt status",
    about: "Tell whether the state directory is encrypted, and by which ways it opens.",
    options: [],
    run: (given) => told(options, () => status(options, given)),
  },
  {
    words: "encrypt passphrase",
    about: "Change the passphrase, or the key file; nothing else is written anew.",
    options: [
      keyFileFlag,
      [
        "--passphrase-stdin",
        "read from the input what opens it now, unless the environment names that, then the new one",
      ],
      ["--recovery", "make a new recovery code as well; the old one then opens nothing"],
    ],
    run: (given) => told(options, () => change(options, given)),
  },
  {
    words: "encrypt log",
    about: "Print the lines of an encrypted hub.log.",
    options: [],
    run: (given) => told(options, () => printLog(options, given)),
  },
];

const keyFileFlag: OwnCommand["options"][number] = [
  "--key-file <path>",
  "a file outside of the state directory that opens it; made where there is none",
];
const secretFlags: OwnCommand["options"] = [
  keyFileFlag,
  ["--passphrase-stdin", "read the new passphrase from the input"],
];

/** Long enough that trying costs years: a short sentence. */
const passphraseLengthMin = 12;
/** Of the disk, left alone. */
const reserveBytes = 50_000_000;
/** A sealed journal is larger than a plain one, by what each value carries. */
const growthFactor = 1.6;

async function told({ terminal }: EncryptOptions, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StateLocked) terminal.writeError(`✗ ${error.message}. Stop it first.\n`);
    else if (error instanceof StoreFault) terminal.writeError(`✗ ${error.message}.\n`);
    else throw error;
    return exitCodes.problem;
  }
}

async function turnOn(options: EncryptOptions, given: Given): Promise<number> {
  const { terminal, valuesOf } = options;
  const { state, journal } = valuesOf(given.globals);
  const stateDir = state.dir;
  await using _lock = await locked(options, stateDir);
  const known = await readKeys(stateDir);
  if (known?.state === "sealed") return say(options, given, { words: "The state is encrypted already.", state: "on" });
  if (journal.tee !== "")
    throw new StoreFault("locked", "journal.tee writes every event in plain words; take it out of the configuration");
  await refuseDamaged(stateDir);
  if (known !== null) return await goOn(options, given, "sealing");
  await refuseFull(stateDir);
  const secret = await newSecret(options, given, stateDir);
  const master = new Uint8Array(randomBytes(masterBytes));
  const code = codeText(randomBytes(recoveryBytes));
  const { cost = passphraseCost } = options;
  const ways = [await wayOf(master, secret, { randomBytes, cost }), recoveryWay(master, code, { randomBytes })];
  const file = keysFile({ master, state: "sealing", ways });
  // Before anything is encrypted: whoever has lost the passphrase by the end of it must be able to get in.
  tellCode(terminal, code);
  await writeKeys(stateDir, file);
  const sealer = createSealer({ master, randomBytes });
  await convert(options, { stateDir, master, sealer, file });
  return say(options, given, { words: onWords(options, given, ways), state: "on" });
}

function onWords(options: EncryptOptions, given: Given, ways: readonly Way[]): string {
  const isTyped = ways.some(({ kind }) => kind === "passphrase");
  const start = isTyped ? "The hub asks for the passphrase when it starts." : startWords(options, given);
  return `✓ The state is encrypted. ${start}\n  What was there before may survive in parts of the disk that are no longer used, and in older backups.`;
}

const startWords = (options: EncryptOptions, given: Given): string =>
  `Start the hub with ${keyFileVariable}=${keyFileOf(options, given) ?? options.env[keyFileVariable] ?? "FILE"}: the key file opens it.`;

/** As it was named to the command. */
function keyFileOf({ terminal }: EncryptOptions, { flags }: Given): string | undefined {
  const [path] = (flags["keyFile"] as readonly string[] | undefined) ?? [];
  return path === undefined ? undefined : terminal.resolvePath(path);
}

async function turnOff(options: EncryptOptions, given: Given): Promise<number> {
  const stateDir = options.valuesOf(given.globals).state.dir;
  await using _lock = await locked(options, stateDir);
  if ((await readKeys(stateDir)) === null)
    return say(options, given, { words: "The state is not encrypted.", state: "off" });
  await refuseFull(stateDir);
  return await goOn(options, given, "opening");
}

/** Notes the direction, and goes there: from where the state is, however it came there. */
async function goOn(options: EncryptOptions, given: Given, state: "sealing" | "opening"): Promise<number> {
  const unlocked = await unlockedOf(options, given, await presentSecret(options, given));
  const file = keysFile({ master: unlocked.master, state, ways: unlocked.file.ways });
  await writeKeys(unlocked.stateDir, file);
  await convert(options, { ...unlocked, file });
  return state === "sealing"
    ? say(options, given, { words: onWords(options, given, file.ways), state: "on" })
    : say(options, given, { words: "✓ The state is in plain again; anybody with the disk can read it.", state: "off" });
}

async function status(options: EncryptOptions, given: Given): Promise<number> {
  const stateDir = options.valuesOf(given.globals).state.dir;
  const file = await readKeys(stateDir);
  if (file === null) {
    return say(options, given, { words: "Not encrypted. `arw encrypt on` does it.", state: "off" });
  }
  const ways = file.ways.map(({ kind }) => wayWords[kind]).join(", ");
  const underWay = file.state === "sealed" ? "" : " A change of that is under way; the next start goes on with it.";
  const words = `Encrypted. It opens with: ${ways}.${underWay}`;
  return say(options, given, { words, state: file.state === "sealed" ? "on" : "under way" });
}

const wayWords: Readonly<Record<Way["kind"], string>> = {
  passphrase: "a passphrase",
  keyFile: "a key file",
  recovery: "the recovery code",
};

async function change(options: EncryptOptions, given: Given): Promise<number> {
  const stateDir = options.valuesOf(given.globals).state.dir;
  await using _lock = await locked(options, stateDir);
  const isFromInput = given.flags["passphraseStdin"] === true && !options.terminal.isTty && !isKeyGiven(options.env);
  const asking = isFromInput ? lineByLine(options) : options;
  const present = isFromInput ? await readPresent(asking) : null;
  const { master, file } = await unlockedOf(options, given, present);
  const secret = await newSecret(asking, given, stateDir);
  const kept = file.ways.filter(
    ({ kind }) => kind !== secret.kind && !(kind === "recovery" && given.flags["recovery"] === true),
  );
  const { cost = passphraseCost } = options;
  const ways: Way[] = [await wayOf(master, secret, { randomBytes, cost }), ...kept];
  if (given.flags["recovery"] === true) {
    const code = codeText(randomBytes(recoveryBytes));
    ways.push(recoveryWay(master, code, { randomBytes }));
    tellCode(options.terminal, code);
  }
  await writeKeys(stateDir, keysFile({ master, state: file.state, ways }));
  const start = secret.kind === "keyFile" ? ` ${startWords(options, given)}` : "";
  const words = `✓ From now on it opens with: ${ways.map(({ kind }) => wayWords[kind]).join(", ")}.${start}`;
  return say(options, given, { words: `${words}\n  Older backups open with what opened them then.`, state: "on" });
}

async function printLog(options: EncryptOptions, given: Given): Promise<number> {
  const { sealer, stateDir } = await unlockedOf(options, given);
  for (const name of ["hub.log.1", "hub.log"]) {
    const text = await readFile(join(stateDir, name), "utf8").catch(() => "");
    for (const line of text.split("\n")) {
      const opened = line === "" ? null : openLine(sealer, line, places.logLine);
      if (opened !== null) options.terminal.write(`${opened}\n`);
    }
  }
  return exitCodes.ok;
}

const locked = ({ pid, nowMs }: EncryptOptions, stateDir: string): ReturnType<typeof acquireStateLock> =>
  acquireStateLock(stateDir, { pid, nowMs: nowMs() });

async function unlockedOf(
  { valuesOf, env, terminal, readSecret }: EncryptOptions,
  { globals }: Given,
  given: Secret | null = null,
): Promise<Unlocked> {
  const stateDir = valuesOf(globals).state.dir;
  const unlocked = await unlockState(stateDir, { env, ask: terminal.isTty ? readSecret : null, given });
  if (unlocked === null) throw new StoreFault("locked", `${stateDir} is not encrypted`);
  return unlocked;
}

/** What the command was handed to open the state with; null where the environment says it, or a person is here to type. */
async function presentSecret(options: EncryptOptions, given: Given): Promise<Secret | null> {
  const { terminal, env, valuesOf } = options;
  const path = keyFileOf(options, given);
  if (path !== undefined)
    return { kind: "keyFile", bytes: await readKeyBytes(path, valuesOf(given.globals).state.dir) };
  if (given.flags["passphraseStdin"] === true) return readPresent(options);
  if (terminal.isTty || isKeyGiven(env)) return null;
  const ways = `give --passphrase-stdin or --key-file, or set ${passphraseVariable} or ${keyFileVariable}`;
  throw new StoreFault("locked", `the state is encrypted, and nobody is here to type the passphrase: ${ways}`);
}

const readPresent = async ({ readSecret }: EncryptOptions): Promise<Secret> => ({
  kind: "passphrase",
  text: withoutBreak(await readSecret("Passphrase or recovery code: ")),
});

/** Where one input holds the answers to two questions: a line each. */
function lineByLine(options: EncryptOptions): EncryptOptions {
  let rest: string | null = null;
  return {
    ...options,
    async readSecret(question) {
      const [line = "", ...more] = (rest ?? (await options.readSecret(question))).split("\n");
      rest = more.join("\n");
      return `${line}\n`;
    },
  };
}

async function refuseDamaged(stateDir: string): Promise<void> {
  const names = await damagedFiles(stateDir);
  if (names.length === 0) return;
  const shown = names.slice(0, 10).join(", ");
  throw new StoreFault(
    "locked",
    `files that were put aside as damaged are in plain words: ${shown}. Look into them, then remove or move them`,
  );
}

async function refuseFull(stateDir: string): Promise<void> {
  const sizeBytes = (await lstat(join(stateDir, "journal.db")).catch(() => null))?.size ?? 0;
  const { freeBytes } = await diskFree(stateDir);
  if (freeBytes > sizeBytes * growthFactor + reserveBytes) return;
  throw new StoreFault("full", "there is no room for a second journal beside the first: free some space");
}

async function newSecret(options: EncryptOptions, given: Given, stateDir: string): Promise<Secret> {
  const { terminal, readSecret } = options;
  const { flags } = given;
  const path = keyFileOf(options, given);
  if (path !== undefined) return { kind: "keyFile", bytes: await keyFileAt(path, stateDir) };
  if (flags["passphraseStdin"] !== true && !terminal.isTty)
    throw new StoreFault("locked", "nobody is here to type a passphrase: give --passphrase-stdin or --key-file");
  const text = withoutBreak(await readSecret("New passphrase: "));
  if (text.length < passphraseLengthMin) {
    const why = `a passphrase of fewer than ${passphraseLengthMin} characters is found by trying; take a short sentence`;
    throw new StoreFault("locked", why);
  }
  if (flags["passphraseStdin"] !== true && withoutBreak(await readSecret("The same again: ")) !== text)
    throw new StoreFault("locked", "the two are not the same; nothing was changed");
  return { kind: "passphrase", text };
}

async function keyFileAt(path: string, stateDir: string): Promise<Uint8Array> {
  await refuseInside(path, stateDir);
  if ((await lstat(path).catch(() => null)) !== null) return readKeyBytes(path, stateDir);
  const bytes = randomBytes(keyFileBytesMin);
  await writeNewFile(fileCalls, path, once(bytes));
  return bytes;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function tellCode({ write }: EncryptOptions["terminal"], code: string): void {
  write(
    `Recovery code, shown this once: ${code}\n  Write it down, and keep it away from this machine: it opens the state like the passphrase.\n`,
  );
}

/** More often tells nobody more. */
const tellEveryMs = 500;

async function convert(options: EncryptOptions, unlocked: Unlocked): Promise<void> {
  const { terminal, nowMs } = options;
  let phase: ConversionStep["what"] | null = null;
  let [startedMs, toldMs] = [nowMs(), nowMs()];
  await finishConversion(unlocked, ({ what, done, total }) => {
    if (what !== phase) [phase, startedMs] = [what, nowMs()];
    if (!terminal.isScreen || nowMs() - toldMs < tellEveryMs) return;
    toldMs = nowMs();
    const leftMs = ((toldMs - startedMs) / done) * (total - done);
    terminal.write(`\r  ${what}: ${done} of ${total}, about ${formatDurationMs(leftMs)} left   `);
  });
  if (terminal.isScreen) terminal.write("\r\u001b[K");
}

interface Said {
  readonly words: string;
  readonly state: "on" | "off" | "under way";
}

function say({ terminal }: EncryptOptions, { globals }: Given, { words, state }: Said): number {
  terminal.write(globals.json === true ? `${JSON.stringify({ state })}\n` : `${words}\n`);
  return exitCodes.ok;
}
