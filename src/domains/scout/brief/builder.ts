import { findChanges } from "./changes.ts";
import {
  type BriefFile,
  type BriefLimits,
  briefLimits,
  type Findings,
  type FoundLink,
  type Manifest,
  type Place,
} from "./findings.ts";
import { createGathering, linksMax } from "./gathering.ts";
import { createInventory } from "./inventory.ts";
import { findNearDuplicates } from "./near-duplicates.ts";
import { comparePath } from "./ranking.ts";
import { createExists, resolveLink } from "./relative-links.ts";

export type BriefBuilder = {
  /** Adds one file of the folder, each path once. The outline is read and let go. */
  add(file: BriefFile): void;
  /** What can be said about the files added so far; does not depend on the order in which they were added. */
  findings(options?: { readonly previous?: Manifest | null }): Findings;
  manifest(): Manifest;
};

export type BriefBuilderOptions = {
  readonly folderName: string;
  readonly todayMs: number;
  readonly limits?: Partial<BriefLimits>;
  /** The brief itself, which an earlier run left in the folder: links to it are good, but it is no content. */
  readonly outputPath?: string;
};

type Known = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: string | null;
  readonly sketch: Uint32Array | null;
};

/** Gathers a folder file by file in bounded memory: of each file stay its path, its sketch, and what made it into the lists. */
export function createBriefBuilder(options: BriefBuilderOptions): BriefBuilder {
  const limits: BriefLimits = { ...briefLimits, ...options.limits };
  const files = new Map<string, Known>();
  const inventory = createInventory(limits);
  const gathering = createGathering(options.todayMs);
  return {
    add(file) {
      const { path, sizeBytes, digest, outline } = file;
      const isContent = path !== options.outputPath;
      const hasSketch = outline !== null && isContent && outline.kind !== "data" && outline.sketch.length > 0;
      files.set(path, { path, sizeBytes, digest, sketch: hasSketch ? Uint32Array.from(outline.sketch) : null });
      if (!isContent) return;
      inventory.add(file);
      if (outline !== null) gathering.add(path, outline);
    },
    findings({ previous = null } = {}) {
      const content = contentOf(files, options.outputPath);
      return {
        folderName: options.folderName,
        todayMs: options.todayMs,
        inventory: inventory.result(),
        ...gathering.result(limits),
        ...linkFindings(gathering.links.first(), { files, limits, isComplete: gathering.links.count <= linksMax }),
        ...duplicateFindings(content, limits),
        changes:
          previous === null
            ? null
            : findChanges(withoutPath(previous, options.outputPath), manifestOf(content), limits.changes),
      };
    },
    manifest: () => manifestOf(contentOf(files, options.outputPath)),
  };
}

function contentOf(files: ReadonlyMap<string, Known>, outputPath: string | undefined): Known[] {
  return [...files.values()].filter(({ path }) => path !== outputPath).toSorted((a, b) => comparePath(a.path, b.path));
}

function manifestOf(content: readonly Known[]): Manifest {
  return { files: content.map(({ path, digest, sizeBytes }) => ({ path, digest, sizeBytes })) };
}

function withoutPath(manifest: Manifest, path: string | undefined): Manifest {
  return { files: manifest.files.filter((file) => file.path !== path) };
}

type LinkContext = {
  readonly files: ReadonlyMap<string, Known>;
  readonly limits: BriefLimits;
  readonly isComplete: boolean;
};

function linkFindings(
  links: readonly FoundLink[],
  { files, limits, isComplete }: LinkContext,
): Pick<Findings, "brokenLinks" | "outsideLinks"> {
  const exists = createExists(files.keys());
  const broken = new Map<string, { target: string; places: Place[] }>();
  const outside: typeof broken = new Map();
  for (const { place, target } of links) {
    const resolved = resolveLink(place.path, target);
    if (resolved.kind === "unknown" || (resolved.kind === "inside" && exists(resolved.path))) continue;
    const reports = resolved.kind === "inside" ? broken : outside;
    // One report for a target that a file names many times.
    const key = `${place.path}\n${target}`;
    const known = reports.get(key);
    if (known === undefined) reports.set(key, { target, places: [place] });
    else known.places.push(place);
  }
  return {
    brokenLinks: { entries: [...broken.values()].slice(0, limits.brokenLinks), count: broken.size, isComplete },
    outsideLinks: { entries: [...outside.values()].slice(0, limits.outsideLinks), count: outside.size, isComplete },
  };
}

function duplicateFindings(
  content: readonly Known[],
  limits: BriefLimits,
): Pick<Findings, "duplicates" | "nearDuplicates"> {
  const byDigest = new Map<string, Known[]>();
  const firsts: Known[] = [];
  for (const file of content) {
    const same = file.digest === null || file.sizeBytes === 0 ? undefined : byDigest.get(file.digest);
    if (same !== undefined) same.push(file);
    else firsts.push(file);
    if (same === undefined && file.digest !== null && file.sizeBytes > 0) byDigest.set(file.digest, [file]);
  }
  const groups = [...byDigest.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({ paths: group.map(({ path }) => path), sizeBytes: group[0]?.sizeBytes ?? 0 }))
    .toSorted(
      (a, b) =>
        b.sizeBytes * (b.paths.length - 1) - a.sizeBytes * (a.paths.length - 1) ||
        comparePath(a.paths[0] ?? "", b.paths[0] ?? ""),
    );
  const near = findNearDuplicates(firsts.flatMap(({ path, sketch }) => (sketch === null ? [] : [{ path, sketch }])));
  return {
    duplicates: { entries: groups.slice(0, limits.duplicates), count: groups.length, isComplete: true },
    nearDuplicates: { entries: near.slice(0, limits.duplicates), count: near.length, isComplete: true },
  };
}
