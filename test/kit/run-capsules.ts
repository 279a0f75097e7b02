/** A hub in memory that makes run capsules: an agent that follows a script, files and a shelf in memory, and a key of a seed. */
import { createPrivateKey, sign } from "node:crypto";
import { createMemoryBlobs } from "../../src/adapters/files/memory-blobs.ts";
import { cutterOf } from "../../src/app/run-capsule-seat.ts";
import { publicBytesOf } from "../../src/base/ed25519.ts";
import { createKeptSecrets } from "../../src/base/kept-secrets.ts";
import { createRedactor } from "../../src/base/redact.ts";
import { bind, op } from "../../src/contract/operation.ts";
import { Problem, problem } from "../../src/contract/problem.ts";
import { closed, type Static, type TSchema, Type } from "../../src/contract/schema.ts";
import type { AgentProgram } from "../../src/domains/agents/contract.ts";
import { digestOfBytes, openCapsule, sealCapsule } from "../../src/domains/capsules/capsule-file.ts";
import { type CapsuleInfo, capsuleBytesMax, type Manifest } from "../../src/domains/capsules/contract.ts";
import {
  CapsuleFileFault,
  type CapsuleFiles,
  type CapsuleKeys,
  type CapsuleLimits,
  type SigningKey,
} from "../../src/domains/capsules/port.ts";
import { type Capsules, createCapsules } from "../../src/domains/capsules/service.ts";
import { formsOf } from "../../src/domains/secrets/forms.ts";
import { domainOf, type Kit, type KitOptions, makeKernel } from "./kernel.ts";

const Broken = problem({ code: "world.broken", status: 409, title: "Broken", about: "x" });
const Answer = closed({ text: Type.String() });
const Written = closed({
  path: Type.String(),
  digest: Type.String(),
  sizeBytes: Type.Integer(),
  beforeRef: Type.Union([Type.String(), Type.Null()]),
  isChanged: Type.Boolean(),
});
const worldOp = <O extends TSchema>(name: string, effect: "read" | "write", output: O) =>
  op({
    id: `world.${name}`,
    http: `POST /world/${name}`,
    effect,
    about: "x",
    input: closed({ text: Type.String() }),
    output,
    problems: [Broken],
  });
const tools = {
  read: worldOp("read", "read", Answer),
  big: worldOp("big", "read", Answer),
  huge: worldOp("huge", "read", Answer),
  words: worldOp("words", "read", Type.Object({ text: Type.String(), words: Type.Array(Type.String()) })),
  break: worldOp("break", "write", Answer),
  write: worldOp("write", "write", Written),
};
export type Word = readonly [tool: keyof typeof tools | "believe", text: string];

/** Does what its input says, word by word; what fails is gone past. */
export const actor: AgentProgram = {
  id: "actor",
  about: "x",
  model: "none",
  tools: Object.values(tools),
  async run(input, hands) {
    const { script } = input as { readonly script: readonly Word[] };
    for (const [tool, text] of script) {
      if (tool === "believe") await hands.believe({ topic: "t", statement: text, sources: [] });
      else await hands.call(tools[tool] as typeof tools.read, { text }, `${tool} ${text}`).catch(() => undefined);
    }
    return { outcome: `${script.length} words`, notDone: [], output: null };
  },
};

/** What stands before the 32 bytes of a private key. */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex");
export function seededKey(seed: number): SigningKey {
  const der = Buffer.concat([pkcs8Head, Buffer.alloc(32, seed)]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { publicKey: publicBytesOf(key), sign: (message) => sign(null, message, key) };
}

/** The same capsule, signed by somebody else. */
export function signedBy(seed: number, bytes: Uint8Array): Uint8Array {
  const { manifest, part } = openCapsule(bytes);
  return sealCapsule(
    manifest,
    manifest.parts.map((_each, place) => part(place)),
    seededKey(seed),
  );
}

/** The same run, but for what somebody wrote into its events; rightly signed, as by a hub whose code does something else. */
export const altered = (seed: number, bytes: Uint8Array, change: (journal: string) => string): Uint8Array =>
  forged(bytes, { seed, journal: change });

interface Forgery {
  readonly seed: number;
  readonly journal: (journal: string) => string;
  readonly claim?: (manifest: Manifest) => Partial<Manifest>;
}

/** The same, and its manifest says what somebody wants it to say. */
export function forged(bytes: Uint8Array, { seed, journal: change, claim = () => ({}) }: Forgery): Uint8Array {
  const { manifest, part } = openCapsule(bytes);
  const whole = Buffer.from(part(0)).toString("utf8");
  const unproven = whole.replace(/,"format":\d+,"dataHash":"[^"]*","prevHash":"[^"]*","hash":"[^"]*"/g, "");
  const journal = Buffer.from(change(unproven));
  const rest = manifest.parts.slice(1);
  const parts = [{ kind: "journal" as const, digest: digestOfBytes(journal), sizeBytes: journal.length }, ...rest];
  const pieces = [journal, ...rest.map((_each, place) => part(place + 1))];
  return sealCapsule({ ...manifest, chain: "none", parts, ...claim(manifest) }, pieces, seededKey(seed));
}

export interface CapsuleKit extends AsyncDisposable {
  readonly kit: Kit;
  readonly capsules: Capsules;
  readonly files: Map<string, Uint8Array>;
  /** What `write` puts into its file for a text, where that is something else. */
  readonly contents: Map<string, Uint8Array>;
  /** Rules in force; tests change them. */
  readonly rules: { text: string };
  learn(secret: string): void;
  /** Runs a script to its end; its episode. */
  run(script: readonly Word[]): Promise<string>;
  ask<O>(operation: { readonly id: string; readonly output: TSchema }, input: object): Promise<O>;
  /** The bytes of an episode's capsule. */
  exported(episode: string): Promise<{ readonly bytes: Uint8Array; readonly capsule: CapsuleInfo }>;
}

export interface CapsuleKitOptions extends KitOptions {
  readonly keySeed?: number;
  readonly limits?: Partial<CapsuleLimits>;
}

export async function openCapsuleKit(options: CapsuleKitOptions = {}): Promise<CapsuleKit> {
  const redactor = createRedactor();
  const vault = createKeptSecrets();
  const blobs = options.blobs ?? createMemoryBlobs({ sizeBytesMaxEach: 10_000_000 });
  const shelf = createMemoryBlobs({ sizeBytesMaxEach: capsuleBytesMax });
  const files = new Map<string, Uint8Array>();
  const contents = new Map<string, Uint8Array>();
  const rules = { text: "permit(principal, action, resource);" };
  const late: { kit?: Kit; capsules?: Capsules } = {};
  const kit = await makeKernel({
    ...options,
    blobs,
    programs: [actor],
    domains: (parts) => {
      late.capsules = createCapsules({
        parts,
        means: {
          shelf,
          blobs,
          clock: { nowMs: () => late.kit?.clock.nowMs() ?? 0, soon: (run) => queueMicrotask(run) },
          log: { info: () => undefined, error: () => undefined },
          files: memoryFiles(files),
          keys: memoryKeys(options.keySeed ?? 1),
          cutter: cutterOf(redactor, vault),
          limits: { sizeBytesMax: 100_000_000, ageMsMax: 1e12, ...options.limits },
          program: { version: "1.2.3", nodeVersion: "24.0.0" },
          rules: () => ({
            policies: [{ id: "own", source: "policies/own.cedar:1", effect: "permit", text: rules.text }],
            askPatterns: [],
            contracts: [],
            allowances: [],
          }),
          tell: ({ kind }) => kind,
        },
      });
      return [worldDomain(blobs, contents), late.capsules.domain];
    },
  });
  late.kit = kit;
  const ask = async <O>(operation: { readonly id: string }, input: object): Promise<O> => {
    const { outcome } = await kit.call(operation.id, input);
    if (outcome.kind !== "answer") throw new TypeError(`${operation.id} came to ${outcome.kind}`);
    return outcome.output as O;
  };
  return {
    kit,
    capsules: late.capsules as Capsules,
    files,
    contents,
    rules,
    ask,
    learn(secret) {
      redactor.add(formsOf(secret));
      vault.add(formsOf(secret));
    },
    async run(script) {
      const input = { agent: "actor", title: "Act", input: { script }, grants: [{ key: "world:*" }] };
      const { corrId } = await kit.call("agents.run", input);
      await kit.next("task.finished", (event) => event.corrId === corrId);
      return corrId;
    },
    async exported(episode) {
      const made = await ask<{ content: string; capsule: CapsuleInfo }>({ id: "capsules.export" }, { episode });
      return { bytes: Buffer.from(made.content, "base64"), capsule: made.capsule };
    },
    [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose](),
  };
}

function memoryFiles(files: Map<string, Uint8Array>): CapsuleFiles {
  return {
    read(path, sizeBytesMax) {
      const bytes = files.get(path);
      if (bytes === undefined) return Promise.reject(new CapsuleFileFault("refused", `${path}: there is no such file`));
      if (bytes.length > sizeBytesMax) return Promise.reject(new CapsuleFileFault("too-large", `${path} is too large`));
      return Promise.resolve(bytes);
    },
    write(path, bytes) {
      files.set(path, bytes);
      return Promise.resolve();
    },
  };
}

function memoryKeys(seed: number): CapsuleKeys {
  let held: SigningKey | null = null;
  return {
    known: () => Promise.resolve(held),
    own: () => Promise.resolve((held ??= seededKey(seed))),
  };
}

/** Answers with what it was asked, small, large or too large to be kept; a write keeps what was there before. */
function worldDomain(blobs: ReturnType<typeof createMemoryBlobs>, contents: ReadonlyMap<string, Uint8Array>) {
  const written = new Map<string, Uint8Array>();
  const answer =
    (copies: number) =>
    ({ text }: { readonly text: string }): Static<typeof Answer> => ({ text: text.repeat(copies) });
  return domainOf("world", {
    operations: [
      bind(tools.read, answer(1)),
      bind(tools.big, ({ text }) => ({ text: `${text} ${"x".repeat(70_000)}` })),
      bind(tools.huge, ({ text }) => ({ text: `${text} ${"x".repeat(4_200_000)}` })),
      bind(tools.words, ({ text }) => ({ text, words: text.split(/[^A-Za-z0-9]+/u) })),
      bind(tools.break, ({ text }) => {
        throw new Problem(Broken, `${text} broke`);
      }),
      bind(tools.write, async ({ text }) => {
        const bytes = contents.get(text) ?? Buffer.from(text);
        const before = written.get("notes.txt");
        written.set("notes.txt", bytes);
        const beforeRef = before === undefined ? null : await blobs.put(before);
        const digest = await blobs.put(bytes);
        return { path: "notes.txt", digest, sizeBytes: bytes.length, beforeRef, isChanged: true };
      }),
    ],
  });
}
