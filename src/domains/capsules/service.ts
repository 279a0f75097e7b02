/** Run capsules: exported, looked at, kept, told and compared. Nothing of a capsule is ever run here. */
import { keyIdOf } from "../../base/ed25519.ts";
import type { Domain } from "../../contract/domain.ts";
import { type Bound, bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { recordConditions } from "./conditions.ts";
import {
  CapsuleExported,
  CapsuleImported,
  type CapsuleInfo,
  CapsuleProgress,
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
  SignerPinned,
  SignerUnpinned,
  storyLinesMax,
  Unpin,
  Verify,
} from "./contract.ts";
import { stepOf } from "./describe.ts";
import { diffOf } from "./diff.ts";
import { breatheWith } from "./pieces.ts";
import type { CapsuleMeans } from "./port.ts";
import type { RecordingSource, SignedSource } from "./recording.ts";
import { unsound } from "./refusal.ts";
import { createShelf, type Shelf } from "./shelf.ts";
import { createSigners, type Signed, type Signers } from "./signers.ts";
import { type CapsuleSource, createSource, fileWords } from "./source.ts";
import { waitingFor } from "./telling.ts";
import { capsuleSigners, capsules } from "./views.ts";

export interface CapsulesDeps {
  readonly parts: KernelParts;
  readonly means: CapsuleMeans;
  /** Operations of this domain that need more than it has, such as the replay. */
  readonly more?: (source: SignedSource) => readonly Bound[];
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
  const signers = createSigners(parts, means);
  const shelf = createShelf(parts, { ...means, signers });
  const source = createSource(parts, { ...means, signers }, shelf);
  const desk: Desk = { parts, means, shelf, source, signers };
  return {
    source,
    keptBytes: () => shelf.all().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    domain: {
      name: "capsules",
      operations: [...exporting(desk), ...taking(desk), ...reading(desk), ...signing(desk), ...more(source)],
      events: [
        CapsuleImported,
        CapsuleExported,
        CapsuleProgress,
        CapsuleRemoved,
        SignerPinned,
        SignerUnpinned,
        ConditionsRecorded,
      ],
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
  readonly signers: Signers;
}

const exporting = (desk: Desk): readonly Bound[] => [
  bind(Export, async ({ episode, file, keep }, ctx) => {
    const { means, shelf, source } = desk;
    const { file: made, bytes } = await source.exported(episode, waitingFor(episode, ctx));
    const { episode: run } = made.manifest.run;
    // Whoever left meanwhile finds no file.
    ctx.signal.throwIfAborted();
    if (file !== undefined) await fileWords(() => means.files.write(file, bytes));
    if (keep === true) await shelf.keep({ file: made, bytes, origin: "exported" }, ctx);
    const { digest, sizeBytes } = made;
    await ctx.emit(CapsuleExported, { digest, sizeBytes, episode: run, file: file ?? null });
    const capsule = await infoOf(made, desk);
    return { capsule, file: file ?? null, content: file === undefined ? inBase64(bytes) : null };
  }),
];

const inBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** What was sent along has no name. */
const waitingForGiven = ({ file = "-" }: { readonly file?: string }, ctx: Context) => waitingFor(file, ctx);

const taking = (desk: Desk): readonly Bound[] => [
  bind(
    Preview,
    async (input, ctx) => await infoOf((await desk.source.given(input, waitingForGiven(input, ctx))).file, desk),
  ),
  bind(Import, async ({ digest, ...input }, ctx) => {
    const { file, bytes } = await desk.source.given(input, waitingForGiven(input, ctx));
    if (file.digest !== digest)
      throw unsound("changed", "the file is another capsule than the one that was looked at; look at it again");
    const { isNew, ...kept } = await desk.shelf.keep({ file, bytes, origin: "imported" }, ctx);
    // Of the copy that is kept now, which another may have signed than the one that was given.
    return { capsule: await infoOf({ ...kept, manifest: file.manifest }, desk), isNew };
  }),
  bind(Remove, async ({ capsule }, ctx) => ({ digest: await desk.shelf.remove(capsule, ctx) })),
];

const reading = (desk: Desk): readonly Bound[] => [
  bind(Verify, async ({ capsule }, ctx) => {
    const { file, contents } = await desk.source.open(capsule, waitingFor(capsule, ctx));
    const { parts: pieces, chain } = file.manifest;
    const info = await infoOf(file, desk);
    return { capsule: info, signature: "holds" as const, digests: pieces.length, chain, linksProven: contents.links };
  }),
  bind(Show, async ({ capsule, seq }, ctx) => {
    const { file, contents } = await desk.source.open(capsule, waitingFor(capsule, ctx));
    const told = contents.events.slice(0, storyLinesMax);
    const story = told.map((event) => {
      const { seq, timeMs, kind } = event;
      return { seq, timeMs, kind, step: stepOf(event), text: desk.means.tell(event) };
    });
    const info = await infoOf(file, desk);
    const shown = { capsule: info, story, storyMore: contents.events.length - told.length };
    if (seq === undefined) return shown;
    const event = contents.events.find((each) => each.seq === seq);
    if (event === undefined) throw new Problem(NotFound, `the capsule has no event at position ${seq}`);
    return { ...shown, event: JSON.stringify(event) };
  }),
  bind(Diff, async ({ a, b }, ctx) => {
    const { tell, clock } = desk.means;
    const left = await desk.source.open(a, waitingFor(a, ctx));
    const waiting = waitingFor(b, ctx);
    const right = await desk.source.open(b, waiting);
    return await diffOf(left.contents, right.contents, { tell, breathe: breatheWith(clock, waiting) });
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

type Told = Signed & Pick<CapsuleInfo, "sizeBytes" | "manifest">;

async function infoOf({ manifest, digest, sizeBytes, keyId }: Told, { parts, signers }: Desk): Promise<CapsuleInfo> {
  // The copy of another signer is another file, and who signed this one is told.
  const isKept = parts.kernel.views.get(capsules, digest)?.keyId === keyId;
  return { digest, sizeBytes, signer: await signers.of({ digest, keyId }), isKept, manifest };
}
