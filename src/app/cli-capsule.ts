/** `arw policy capsule …`: what needs no hub (keys, templates, signatures), and what carries a file to one. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { KeyFault, makeKeyFile, readKeyFile } from "../adapters/provenance/key-file.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { keyIdOf, publicBytesOf } from "../base/ed25519.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { readCapsule } from "../domains/provenance/capsule.ts";
import { Adopt, Verify } from "../domains/provenance/contract.ts";
import { isRefused } from "../domains/provenance/envelope.ts";
import { envelopeCharsMax, headerCharsMax, leaseMsMax } from "../domains/provenance/format.ts";
import { headerText, sealCapsule } from "../domains/provenance/seal.ts";
import { type CliParts, exitCodes, type Globals, type OwnCommand, type Transport } from "../surfaces/cli/port.ts";
import { unreadWords } from "./system-faults.ts";

export interface CapsuleCommandOptions {
  readonly terminal: Pick<CliParts["terminal"], "write" | "writeError" | "resolvePath">;
  readonly connect: (globals: Globals) => Promise<Transport>;
  readonly nowMs: () => number;
}

export const capsuleCommands = (options: CapsuleCommandOptions): readonly OwnCommand[] => [
  keygenCommand(options),
  templateCommand(options),
  signCommand(options),
  verifyCommand(options),
  adoptCommand(options),
];

function keygenCommand({ terminal }: CapsuleCommandOptions): OwnCommand {
  return {
    words: "policy capsule keygen",
    about: "Make a key to sign capsules with; the private half goes into a new file for your eyes alone.",
    argument: { name: "file", about: "file for the private key, which must not be there yet" },
    options: [],
    run: ({ argument, globals }) =>
      told(terminal, async () => {
        const path = terminal.resolvePath(argument);
        const bytes = publicBytesOf(await makeKeyFile(path));
        const publicKey = Buffer.from(bytes).toString("base64");
        const keyId = keyIdOf(bytes);
        const lines = [`✓ ${path}`, `  public key  ${publicKey}`, `  key id      ${keyId}`];
        const next = `  Trust it on a hub: arw policy issuers add NAME ${publicKey}`;
        terminal.write(
          globals.json ? `${JSON.stringify({ file: path, publicKey, keyId })}\n` : `${[...lines, next].join("\n")}\n`,
        );
        return exitCodes.ok;
      }),
  };
}

/** What `sign` adds when it is not there: nonce, times. */
const template = {
  id: "no-tools",
  version: 1,
  issuer: "NAME",
  hopTtl: 1,
  propagate: "none",
  denies: ["web:*"],
  contracts: [{ id: "scout-writes-nothing", patterns: ["fs:write"], subjectAgent: "scout", reason: "read only today" }],
};

function templateCommand({ terminal }: CapsuleCommandOptions): OwnCommand {
  return {
    words: "policy capsule template",
    about: "Print a capsule to begin with; signing adds nonce and times.",
    options: [],
    run() {
      terminal.write(`${JSON.stringify(template, null, 2)}\n`);
      return Promise.resolve(exitCodes.ok);
    },
  };
}

const leaseSecsDefault = 86_400;

function signCommand({ terminal, nowMs }: CapsuleCommandOptions): OwnCommand {
  return {
    words: "policy capsule sign",
    about: "Sign a capsule and print its envelope.",
    argument: { name: "file", about: "the capsule, as `arw policy capsule template` prints one" },
    options: [
      ["--key <file>", "private key, as `arw policy capsule keygen` made it"],
      ["--lease <seconds>", "how long its rules hold, unless the capsule says so; a day if not given"],
      ["--header", "print the form that goes into the header X-ARW-Gate"],
    ],
    run: ({ argument, flags }) =>
      told(terminal, async () => {
        const keyPath = lastOf(flags["key"]);
        if (keyPath === null) throw new KeyFault("name the private key: --key FILE");
        const leaseSecs = Number(lastOf(flags["lease"]) ?? leaseSecsDefault);
        if (!(leaseSecs > 0 && leaseSecs * 1000 <= leaseMsMax))
          throw new KeyFault(`--lease takes 1 to ${leaseMsMax / 1000} seconds`);
        const draft = await readDraft(terminal.resolvePath(argument));
        const issuedAtMs = nowMs();
        const notAfterMs = issuedAtMs + Math.ceil(leaseSecs * 1000);
        const nonce = randomBytes(16).toString("base64url");
        const capsule = readCapsule(Buffer.from(canonicalJson({ nonce, issuedAtMs, notAfterMs, ...draft })));
        if (isRefused(capsule)) throw new KeyFault(capsule.detail);
        const envelope = JSON.stringify(sealCapsule(capsule, await readKeyFile(terminal.resolvePath(keyPath))));
        const header = headerText(envelope);
        if (flags["header"] === true && header.length > headerCharsMax)
          throw new KeyFault(`a header takes ${headerCharsMax} characters, and this capsule has ${header.length}`);
        terminal.write(`${flags["header"] === true ? header : envelope}\n`);
        return exitCodes.ok;
      }),
  };
}

function verifyCommand({ terminal, connect }: CapsuleCommandOptions): OwnCommand {
  return {
    words: "policy capsule verify",
    about: "Ask a hub whether it would adopt a signed capsule now; nothing is changed.",
    argument: { name: "file", about: "the envelope that `arw policy capsule sign` printed" },
    options: [],
    run: ({ argument, globals }) =>
      told(terminal, async () => {
        const output = await asked(Verify.id, { terminal, connect, globals, argument });
        const { isGood, detail } = output as { isGood: boolean; detail: string };
        terminal.write(globals.json ? `${JSON.stringify(output)}\n` : `${isGood ? "✓" : "✗"} ${detail}\n`);
        return isGood ? exitCodes.ok : exitCodes.problem;
      }),
  };
}

function adoptCommand({ terminal, connect }: CapsuleCommandOptions): OwnCommand {
  return {
    words: "policy capsule adopt",
    about: "Have a hub take the rules of a signed capsule into force, until they end.",
    argument: { name: "file", about: "the envelope that `arw policy capsule sign` printed" },
    options: [],
    run: ({ argument, globals }) =>
      told(terminal, async () => {
        const output = await asked(Adopt.id, { terminal, connect, globals, argument });
        const { adopted, isNew } = output as { adopted: { id: string; untilMs: number }; isNew: boolean };
        const until = new Date(adopted.untilMs).toISOString();
        const words = `✓ ${adopted.id} is ${isNew ? "" : "already "}in force until ${until}\n`;
        terminal.write(globals.json ? `${JSON.stringify(output)}\n` : words);
        return exitCodes.ok;
      }),
  };
}

interface Asking extends Pick<CapsuleCommandOptions, "terminal" | "connect"> {
  readonly globals: Globals;
  readonly argument: string;
}

async function asked(operation: string, { terminal, connect, globals, argument }: Asking): Promise<unknown> {
  const envelope = (await readText(terminal.resolvePath(argument))).trim();
  await using transport = await connect(globals);
  const result = await transport.call(operation, { envelope }, new AbortController().signal);
  if (result.kind !== "answer") throw new KeyFault("a person is asked about it first: arw approvals");
  return result.output;
}

async function readDraft(path: string): Promise<object> {
  try {
    return Object(parseStrictJson(await readText(path), { depthMax: 8 }));
  } catch (error) {
    if (error instanceof TypeError) throw new KeyFault(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

async function readText(path: string): Promise<string> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length > envelopeCharsMax) throw new KeyFault(`${path} is too large to be a capsule`);
    return text;
  } catch (error) {
    if (error instanceof Error && "code" in error)
      throw new KeyFault(`${path}: ${unreadWords(error)}`, { cause: error });
    throw error;
  }
}

const lastOf = (given: unknown): string | null => {
  const last: unknown = Array.isArray(given) ? given.at(-1) : given;
  return typeof last === "string" ? last : null;
};

/** A fault of what was given is told in one line. */
async function told(terminal: CapsuleCommandOptions["terminal"], run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof KeyFault)) throw error;
    terminal.writeError(`✗ ${error.message}\n`);
    return exitCodes.problem;
  }
}
