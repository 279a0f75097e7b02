import type { Grant } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { on, view } from "../../contract/view.ts";
import { sha256Hex } from "../../base/canonical-json.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { BlobStore } from "../../kernel/ports.ts";
import { Run } from "../agents/contract.ts";
import { List } from "../fs/contract.ts";
import { Preview } from "../models/contract.ts";
import {
  Brief,
  FolderNotFound,
  FolderRemembered,
  NoModel,
  Recall,
  Remember,
  RememberedFolder,
  Sample,
} from "./contract.ts";
import type { SampleFolder } from "./port.ts";
import { folderName, type ScoutInput, scoutId } from "./program.ts";

const foldersRememberedMax = 10_000;
const outputDefault = "brief.md";
const row = on<RememberedFolder>();

/** Keyed by a digest: a path may be longer than a key. */
const folderKey = (folder: string): string => sha256Hex(folder);

export const briefs = view(RememberedFolder)({
  name: "briefs",
  version: 1,
  about: "Folders that Scout has read, with what it remembers of them.",
  rowsMax: foldersRememberedMax,
  folds: [
    row(
      FolderRemembered,
      (e) => folderKey(e.data.folder),
      (_row, e) => ({ ...e.data, episode: e.corrId, atMs: e.timeMs }),
    ),
  ],
});

interface ScoutDeps {
  readonly parts: KernelParts;
  readonly blobs: BlobStore;
  readonly sample: SampleFolder;
}

export const createScout = ({ parts, blobs, sample }: ScoutDeps): Domain => ({
  name: "scout",
  operations: [
    bind(Brief, brief, {
      admit: async (input, ctx) => {
        await refuseAbsent(input.folder, ctx);
        await modelFor(input, ctx);
      },
    }),
    bind(Recall, async ({ folder }) => {
      const known = parts.kernel.views.get(briefs, folderKey(folder));
      const bytes = known === undefined ? null : await blobs.get(known.manifestRef);
      if (known === undefined || bytes === null) return { manifest: null, atMs: null };
      return { manifest: JSON.parse(new TextDecoder().decode(bytes)), atMs: known.atMs };
    }),
    bind(Remember, async ({ folder, manifest }, ctx) => {
      const manifestRef = await blobs.put(new TextEncoder().encode(JSON.stringify(manifest)));
      await ctx.emit(FolderRemembered, { folder, manifestRef, files: manifest.files.length });
      return { manifestRef };
    }),
    bind(Sample, async () => ({ folder: await sample.layOut() })),
  ],
  events: [FolderRemembered],
  views: [briefs],
});

async function brief(input: Static<typeof Brief.input>, ctx: Context): Promise<Static<typeof Brief.output>> {
  const { folder } = input;
  const output = input.output ?? outputDefault;
  const model = await modelFor(input, ctx);
  const given: ScoutInput = { folder, output, ...(model === null ? {} : { model }) };
  const done = await ctx.call(Run, {
    agent: scoutId,
    title: `Brief of ${folderName(folder)}`,
    folder,
    input: given,
    grants: grantsFor(given, input.allowWrite === true),
  });
  const { written, path, files, statements, inShort } = done.output as Omit<Static<typeof Brief.output>, "episode">;
  const short = inShort === undefined ? {} : { inShort };
  return { episode: done.episode, written, path, files, statements, notDone: done.notDone, ...short };
}

/** Roles whose model writes the summary, the first that is set. */
const summaryRoles = ["brief", "chat"] as const;

async function modelFor({ summary }: Static<typeof Brief.input>, ctx: Context): Promise<string | null> {
  if (summary !== true) return null;
  for (const model of summaryRoles)
    try {
      await ctx.call(Preview, { model, text: "" });
      return model;
    } catch (error) {
      if (!isProblem(error, NotFound)) throw error;
    }
  throw new Problem(NoModel, "no role `brief` or `chat` is set; `arw models role brief SERVER/MODEL` sets one");
}

/** Reading this folder and keeping its list. Writing the brief only when the person said so beforehand. */
function grantsFor({ folder, output }: ScoutInput, canWrite: boolean): Grant[] {
  const keys = ["fs:list", "fs:read", "text:outline", "scout:recall", "scout:remember"];
  const grants: Grant[] = keys.map((key) => ({ key, folder }));
  if (canWrite) grants.push({ key: "fs:write", folder, path: output });
  return grants;
}

async function refuseAbsent(folder: string, ctx: Context): Promise<void> {
  try {
    await ctx.call(List, { folder, limit: 1 });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { message } = error;
    throw new Problem(FolderNotFound, message.includes(folder) ? message : `${folder}: ${message}`, { cause: error });
  }
}
