/** Listing, reading and writing inside a folder. The corridor has checked grants and approvals before a handler runs. */
import { sha256Hex } from "../../base/canonical-json.ts";
import { unifiedDiff } from "../../base/text-diff.ts";
import { decodeUtf8 } from "../../base/text-marks.ts";
import { formatBytes } from "../../base/units.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, type Preview } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import type { Recorder } from "../../kernel/recorder.ts";
import { FileChanged, FileRefused, List, Read, Restore, Search, Write } from "./contract.ts";
import type { OpenFolder } from "./port.ts";
import { type FolderReader, isEnvFile } from "./reader.ts";
import { currentBytes, missingFolders, realFolderOf, refuseGit, restore } from "./restore.ts";
import { search } from "./search.ts";

const listDefault = 500;
/** Entries looked at for one page, the ignored included; bounds the work of a call. */
const entriesLookedAtMax = 20_000;
const linesDefault = 200;
const readBytesMax = 8_000_000;
/** Characters of one answer; the rest is read with the next `fromLine`. */
const textCharactersMax = 200_000;
const diffLinesMax = 4000;

interface FsDeps {
  readonly reader: FolderReader;
  readonly recorder: () => Recorder;
}

export const createFs = ({ reader, recorder }: FsDeps): Domain => ({
  name: "fs",
  operations: [
    bind(List, (input, ctx) => {
      const options = { signal: ctx.signal, isListing: true };
      return reader.within(input.folder, options, (open) => list(open, input, { ctx, reader }));
    }),
    bind(Read, (input, ctx) => reader.within(input.folder, ctx, (open) => read(open, input, { ctx, reader }))),
    bind(Search, (input, ctx) => search(input, ctx, reader)),
    bind(Write, (input, ctx) => write(input, ctx, { reader, recorder: recorder() }), {
      preview: (input, ctx) => reader.within(input.folder, ctx, (open) => preview(open, input, ctx)),
    }),
    bind(Restore, (input, ctx) => restore(input, ctx, { reader, recorder: recorder() })),
  ],
  events: [],
  views: [],
});

interface Doing {
  readonly ctx: Context;
  readonly reader: FolderReader;
}

async function list(
  open: OpenFolder,
  input: Static<typeof List.input>,
  { ctx, reader }: Doing,
): Promise<Static<typeof List.output>> {
  const ignored: string[] = [];
  const walk = open.walk({
    signal: ctx.signal,
    onIgnored: (path) => void (isEnvFile(path) && ignored.push(path)),
    limit: input.limit ?? listDefault,
    ignoreFiles: true,
    entriesMax: entriesLookedAtMax,
    ...(input.afterPath === undefined ? {} : { afterPath: input.afterPath }),
  });
  const entries: Static<typeof List.output>["entries"] = [];
  for await (const entry of walk) {
    if (entry.kind === "file" && isEnvFile(entry.path)) await reader.learn(open, entry.path, ctx.signal);
    entries.push({ path: entry.path, kind: entry.kind, sizeBytes: entry.sizeBytes, modifiedMs: entry.modifiedMs });
  }
  for (const path of ignored) await reader.learn(open, path, ctx.signal);
  return {
    entries,
    nextAfterPath: walk.nextAfterPath,
    skipped: walk.skipped.map(({ path, reason }) => ({ path, reason })),
  };
}

async function read(
  open: OpenFolder,
  input: Static<typeof Read.input>,
  { ctx, reader }: Doing,
): Promise<Static<typeof Read.output>> {
  refuseGit(input.path);
  const found = await reader.readText(open, input.path, { signal: ctx.signal, sizeBytesMax: readBytesMax });
  if (found.kind === "binary") throw new Problem(FileRefused, `${input.path} is not a text file`, { reason: "binary" });
  const { text, file } = found;
  const lines = text.split(/\r\n|\n|\r/);
  const fromLine = input.fromLine ?? 1;
  const wanted = lines.slice(fromLine - 1, fromLine - 1 + (input.lines ?? linesDefault)).join("\n");
  const shown = wanted.slice(0, textCharactersMax);
  const shownLines = shown === "" ? 0 : shown.split("\n").length;
  return {
    path: input.path,
    text: shown,
    fromLine,
    toLine: Math.max(fromLine, fromLine + shownLines - 1),
    totalLines: lines.length,
    sizeBytes: file.sizeBytes,
    digest: file.digest ?? `sha256:${sha256Hex(file.bytes)}`,
    isTruncated: file.isTruncated || shown.length < wanted.length || fromLine - 1 + shownLines < lines.length,
  };
}

async function preview(open: OpenFolder, input: Static<typeof Write.input>, ctx: Context): Promise<Preview> {
  refuseGit(input.path);
  const before = await currentBytes(open, input.path, ctx.signal);
  const diff = unifiedDiff({
    path: input.path,
    before: before === null ? "" : decodeUtf8(before.bytes).text,
    after: input.text,
    linesMax: diffLinesMax,
  });
  const size = formatBytes(new TextEncoder().encode(input.text).byteLength);
  const verb = before === null ? "Create" : "Replace";
  return {
    summary: `${verb} ${input.path} (${size}, +${diff.addedLines} −${diff.removedLines} lines)`,
    diff: diff.text,
    canUndo: true,
  };
}

interface Writing {
  readonly reader: FolderReader;
  readonly recorder: Recorder;
}

/**
 * Keeps the content before and after, so that an undo can bring back the one, and tell from the other what was edited since.
 * Writing the same content again changes nothing.
 */
function write(
  input: Static<typeof Write.input>,
  ctx: Context,
  { reader, recorder }: Writing,
): Promise<Static<typeof Write.output>> {
  refuseGit(input.path);
  return reader.within(input.folder, { signal: ctx.signal, isWritable: true }, async (open) => {
    const bytes = new TextEncoder().encode(input.text);
    const digest = `sha256:${sha256Hex(bytes)}`;
    const before = await currentBytes(open, input.path, ctx.signal);
    const answer = { path: input.path, digest, sizeBytes: bytes.byteLength };
    if (before?.digest === digest) return { ...answer, beforeRef: digest, isChanged: false };
    const expected = input.expectedDigest === undefined ? (before?.digest ?? null) : input.expectedDigest;
    if (expected !== (before?.digest ?? null)) {
      throw new Problem(FileChanged, `${input.path} is not what it was when the change was prepared`, {
        reason: "changed",
      });
    }
    const madeFolders = before === null ? await missingFolders(open, input.path, ctx.signal) : 0;
    const [beforeRef] = await Promise.all([
      before === null ? null : recorder.keepBytes(before.bytes),
      recorder.keepBytes(bytes),
    ]);
    await open.writeBytes(input.path, bytes, {
      signal: ctx.signal,
      expectedDigest: expected,
      canMakeFolders: before === null,
    });
    const realFolder = realFolderOf(open, input.folder);
    return {
      ...answer,
      beforeRef,
      isChanged: true,
      ...(madeFolders === 0 ? {} : { madeFolders }),
      ...(realFolder === undefined ? {} : { realFolder }),
    };
  });
}
