/** Run capsules: exported, looked at, kept, told and compared. Nothing of a capsule is ever run here. */
import { keyIdOf } from "../../base/ed25519.ts";
import type { Domain } from "../../contract/domain.ts";
import { type Bound, bind } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { recordConditions } from "./conditions.ts";
import {
  CapsuleExported,
  CapsuleImported,
  type CapsuleInfo,
  CapsuleRemoved,
  ConditionsRecorded,
  Diff,
  Export,
  Import,
  Pin,
  Preview,
  Remove,
  Show,
  ShowKey,
  type Signer,
  SignerPinned,
  SignerUnpinned,
  storyLinesMax,
  Unpin,
  Verify,
} from "./contract.ts";
import type { CapsuleFile } from "./capsule-file.ts";
import { stepOf } from "./describe.ts";
import { diffOf } from "./diff.ts";
import type { CapsuleMeans } from "./port.ts";
import type { RecordingSource } from "./recording.ts";
import { unsound } from "./refusal.ts";
import { createShelf, type Shelf } from "./shelf.ts";
import { type CapsuleSource, createSource, fileWords } from "./source.ts";
import { capsuleSigners, capsules } from "./views.ts";

export interface CapsulesDeps {
  readonly parts: KernelParts;
  readonly means: CapsuleMeans;
  /** Operations of this domain that need more than it has, such as the replay. */
  readonly more?: (source: RecordingSource) => readonly Bound[];
}

export interface Capsules {
  readonly domain: Domain;
  readonly source: RecordingSource;
  /** Bytes of all kept capsules. */
  keptBytes(): number;
}

/** Old capsules are looked for at every start, behind what is urgent, and twice a day. */
const tidyFirstMs = 120_000;
const tidyIntervalMs = 43_200_000;

export function createCapsules({ parts, means, more = () => [] }: CapsulesDeps): Capsules {
  const shelf = createShelf(parts, means);
  const source = createSource(parts, means, shelf);
  const desk: Desk = { parts, means, shelf, source };
  return {
    source,
    keptBytes: () => shelf.all().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    domain: {
      name: "capsules",
      operations: [...exporting(desk), ...taking(desk), ...reading(desk), ...signing(desk), ...more(source)],
      events: [CapsuleImported, CapsuleExported, CapsuleRemoved, SignerPinned, SignerUnpinned, ConditionsRecorded],
      views: [capsules, capsuleSigners],
      start(ctx) {
        recordConditions(parts, means, ctx);
        parts.scheduler.every({
          name: "capsules.tidy",
          firstMs: tidyFirstMs,
          intervalMs: tidyIntervalMs,
          run: (signal) => shelf.tidy(parts.act({ caller: ctx.caller, corrId: ctx.id(), signal })),
        });
        return Promise.resolve();
      },
    },
  };
}

interface Desk {
  readonly parts: KernelParts;
  readonly means: CapsuleMeans;
  readonly shelf: Shelf;
  readonly source: CapsuleSource;
}

const exporting = ({ parts, means, shelf, source }: Desk): readonly Bound[] => [
  bind(Export, async ({ episode, file, keep }, ctx) => {
    const { file: made, bytes } = await source.exported(episode, ctx.signal);
    if (file !== undefined) await fileWords(() => means.files.write(file, bytes));
    if (keep === true) await shelf.keep({ file: made, bytes, origin: "exported" }, ctx);
    const { digest, sizeBytes } = made;
    await ctx.emit(CapsuleExported, { digest, sizeBytes, episode, file: file ?? null });
    const capsule = await infoOf(made, { parts, means, shelf });
    return { capsule, file: file ?? null, content: file === undefined ? inBase64(bytes) : null };
  }),
];
const inBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

const taking = ({ parts, means, shelf, source }: Desk): readonly Bound[] => [
  bind(Preview, async (input) => await infoOf((await source.given(input)).file, { parts, means, shelf })),
  bind(Import, async ({ digest, ...input }, ctx) => {
    const { file, bytes } = await source.given(input);
    if (file.digest !== digest)
      throw unsound("changed", "the file is another capsule than the one that was looked at; look at it again");
    const isNew = await shelf.keep({ file, bytes, origin: "imported" }, ctx);
    return { capsule: await infoOf(file, { parts, means, shelf }), isNew };
  }),
  bind(Remove, async ({ capsule }, ctx) => ({ digest: await shelf.remove(capsule, ctx) })),
];

const reading = ({ parts, means, shelf, source }: Desk): readonly Bound[] => [
  bind(Verify, async ({ capsule }, ctx) => {
    const { file, contents } = await source.open(capsule, ctx.signal);
    const { parts: pieces, chain } = file.manifest;
    const info = await infoOf(file, { parts, means, shelf });
    return { capsule: info, signature: "holds" as const, digests: pieces.length, chain, linksProven: contents.links };
  }),
  bind(Show, async ({ capsule }, ctx) => {
    const { file, contents } = await source.open(capsule, ctx.signal);
    const told = contents.events.slice(0, storyLinesMax);
    const story = told.map((event) => {
      const { seq, timeMs, kind } = event;
      return { seq, timeMs, kind, step: stepOf(event), text: means.tell(event) };
    });
    const info = await infoOf(file, { parts, means, shelf });
    return { capsule: info, story, storyMore: contents.events.length - told.length };
  }),
  bind(Diff, async ({ a, b }, ctx) => {
    const [left, right] = [await source.open(a, ctx.signal), await source.open(b, ctx.signal)];
    return diffOf(left.contents, right.contents, means.tell);
  }),
];

const signing = ({ parts, means }: Desk): readonly Bound[] => [
  bind(ShowKey, async () => {
    const key = await means.keys.known();
    const { node } = parts;
    if (key === null) return { keyId: null, publicKey: null, node };
    return { keyId: keyIdOf(key.publicKey), publicKey: inBase64(key.publicKey), node };
  }),
  bind(Pin, async ({ keyId, name }, ctx) => {
    await ctx.emit(SignerPinned, { keyId, name });
    return { keyId, name };
  }),
  bind(Unpin, async ({ keyId }, ctx) => {
    if (parts.kernel.views.get(capsuleSigners, keyId) === undefined)
      throw new Problem(NotFound, `no signer is pinned with the key ${keyId}`);
    await ctx.emit(SignerUnpinned, { keyId });
    return { keyId };
  }),
];

async function infoOf(file: CapsuleFile, desk: Pick<Desk, "parts" | "means" | "shelf">): Promise<CapsuleInfo> {
  const { manifest, digest, sizeBytes, keyId } = file;
  const isKept = desk.parts.kernel.views.get(capsules, digest) !== undefined;
  return { digest, sizeBytes, signer: await signerOf(keyId, desk), isKept, manifest };
}

/** A signature proves a key. Whose it is, only a person can have said. */
async function signerOf(
  keyId: string,
  { parts, means, shelf }: Pick<Desk, "parts" | "means" | "shelf">,
): Promise<Signer> {
  const own = await means.keys.known();
  if (own !== null && keyIdOf(own.publicKey) === keyId) return { keyId, kind: "own", name: null };
  const pinned = parts.kernel.views.get(capsuleSigners, keyId);
  if (pinned !== undefined) return { keyId, kind: "pinned", name: pinned.name };
  return { keyId, kind: shelf.all().some((each) => each.keyId === keyId) ? "known" : "unknown", name: null };
}
