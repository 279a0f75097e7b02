/**
 * A bundle for support: what happened in a run, without what was in it. Every text is cut to a number and its length, but for those
 * that name something: operations, rules, codes, paths, hosts. The same text has the same number all over the bundle; a digest of a
 * short one could be guessed by whoever gets the bundle. It cannot be replayed.
 */
import { canonicalJson, digestOf } from "../../base/canonical-json.ts";
import type { Envelope } from "../../contract/event.ts";
import { bind, type Bound, type Context, op } from "../../contract/operation.ts";
import { closed, CorrelationId, SizeBytes, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { About, Healthz, ShowConfig } from "../system/contract.ts";
import { CapsuleFile, CapsuleTooLarge, FileNotTaken, RunIsGoing } from "./contract.ts";
import type { CapsuleFiles, Cutter } from "./port.ts";
import type { RecordingSource } from "./recording.ts";
import { fileWords } from "./source.ts";

export const Debug = op({
  id: "capsules.debug",
  http: "POST /capsules/debug",
  cli: "capsule debug <episode> [file]",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about:
    "Write a bundle about a run for whoever helps you: what happened and under which rules, and no content of files.",
  input: closed({ episode: CorrelationId, file: Type.Optional(CapsuleFile) }),
  output: closed({
    file: Type.Union([Type.String(), Type.Null()]),
    sizeBytes: SizeBytes,
    holds: Type.Array(Type.String(), { description: "What is in it, in words." }),
    cut: closed({ texts: Type.Integer({ minimum: 0 }), chars: Type.Integer({ minimum: 0 }) }),
    content: Type.Union([Type.String(), Type.Null()], { description: "The bundle, where no file was named." }),
  }),
  problems: [NotFound, RunIsGoing, CapsuleTooLarge, FileNotTaken],
  needs: ["hub:read", "fs:write"],
  scope: ({ file }) => (file === undefined ? {} : { path: file }),
});

export interface DebugMeans {
  readonly recordings: RecordingSource;
  readonly files: Pick<CapsuleFiles, "write">;
  readonly cutter: Pick<Cutter, "text">;
  /** The person's folder; paths below it are shown as `~`. */
  readonly home: string;
}

export const debugOperation = (means: DebugMeans): Bound =>
  bind(Debug, async ({ episode, file }, ctx) => {
    const { text, cut } = await bundleOf(episode, ctx, means);
    const bytes = new TextEncoder().encode(text);
    if (file !== undefined) await fileWords(() => means.files.write(file, bytes));
    const content = file === undefined ? text : null;
    return { file: file ?? null, sizeBytes: bytes.byteLength, holds: [...holds], cut, content };
  });

const format = "arw-debug-bundle/1";
const holds = [
  "The events of one run in their order: who did what with which tool, which rule said what, and how long it took.",
  "The manifest of the run: its agent, model, grants, folders, hosts, and digests of the rules in force.",
  "The hub: version, health and configuration.",
  "Names of operations, rules, files, folders and hosts are as they were; paths below your home begin with ~.",
  "All other texts are cut to a number, the same for the same text, and a length: contents, what was written, asked and answered, and why: a reason or an error may quote any of them. Its rule or code is there.",
  "Digests of contents are such numbers, too.",
  "Secrets that the hub knows are cut out of names, too.",
];
/** Fields whose texts name something. What is not here is taken for content. */
const namingFields: ReadonlySet<string> = new Set([
  ..."agent approvalId asOf by caller callerKind capability chain code conditions configuration decision effect episode".split(
    " ",
  ),
  ..."folder folders from fromAgent hash holder host hosts how id key keyId kind kinds kept label labels level model name".split(
    " ",
  ),
  ..."needs node nodeVersion nodes operation operationId outcomeCode path policyDigest ref ruleSource role rule scope".split(
    " ",
  ),
  ..."server source sources status step tableHash taskId tool tools unit until version visibility window".split(" "),
]);
/** Content whatever its fields are called. */
const contentFields: ReadonlySet<string> = new Set(["result", "input", "output", "args", "changes", "hints"]);
/** A name that is longer is no name. */
const nameCharsMax = 4096;
const digestPattern = /^(?:sha256:)?[0-9a-f]{64}$/;
/** Digests of the rules and of the program, which say whether two hubs have the same. */
const toldDigests: ReadonlySet<string> = new Set(["tableHash", "policyDigest", "contractsDigest", "allowancesDigest"]);

interface Cutting {
  readonly name: (text: string) => string;
  /** Numbers of what was cut, by its digest. */
  readonly numbers: Map<string, number>;
  readonly count: { texts: number; chars: number };
}

/** Canonical JSON, so that the same run gives the same events. */
async function bundleOf(
  episode: string,
  ctx: Context,
  { recordings, cutter, home }: DebugMeans,
): Promise<{ readonly text: string; readonly cut: Static<typeof Debug.output>["cut"] }> {
  const { manifest, events } = await recordings.of(episode, ctx.signal);
  const cutting: Cutting = { name: nameOf(cutter, home), numbers: new Map(), count: { texts: 0, chars: 0 } };
  const run = { manifest: shown(manifest, "", cutting), events: events.map((event) => eventOf(event, cutting)) };
  const hub = {
    about: await ctx.call(About, {}),
    health: await ctx.call(Healthz, {}),
    configuration: (await ctx.call(ShowConfig, { sources: true })).values,
  };
  const bundle = { format, holds, cut: cutting.count, hub: named(hub, cutting), run };
  return { text: `${canonicalJson(bundle)}\n`, cut: cutting.count };
}

/** The home first: a secret that is part of a path is cut out of what is left. */
const nameOf =
  (cutter: Pick<Cutter, "text">, home: string) =>
  (text: string): string => {
    const isHome = home.length > 1;
    return cutter.text(isHome ? text.replaceAll(home, "~") : text).slice(0, nameCharsMax);
  };

/** What the hub says of itself is names alone. */
function named(value: unknown, cutting: Cutting): unknown {
  if (typeof value === "string") return cutting.name(value);
  if (Array.isArray(value)) return value.map((each) => named(each, cutting));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, named(each, cutting)]));
}

const eventOf = ({ data, ...head }: Envelope, cutting: Cutting) => ({
  ...(named(head, cutting) as object),
  data: shown(data, "", cutting),
});

function shown(value: unknown, field: string, cutting: Cutting): unknown {
  if (contentFields.has(field)) return cutOf(value, cutting);
  if (typeof value === "string") {
    if (digestPattern.test(value)) return toldDigests.has(field) ? value : `content ${numberOf(value, cutting)}`;
    return namingFields.has(field) ? cutting.name(value) : cutOf(value, cutting);
  }
  if (Array.isArray(value)) return value.map((each) => shown(each, field, cutting));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shown(each, key, cutting)]));
}

/** In the order in which they come, so that the same run gives the same ones. */
function numberOf(digest: string, { numbers }: Cutting): number {
  const number = numbers.get(digest) ?? numbers.size + 1;
  numbers.set(digest, number);
  return number;
}

function cutOf(value: unknown, cutting: Cutting): unknown {
  const { count } = cutting;
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  const chars = typeof value === "string" ? value.length : canonicalJson(value).length;
  count.texts += 1;
  count.chars += chars;
  return { cut: numberOf(digestOf(value), cutting), chars };
}
