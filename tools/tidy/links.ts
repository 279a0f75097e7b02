/** Relative links in the documents lead somewhere. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import type { Fault } from "./source.ts";

export function readDocuments(root: string): { file: string; text: string }[] {
  return globSync(["*.md", "docs/**/*.md", "spec/**/*.md", "{src,tools,web,client,examples,bench}/*.md"], { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .toSorted()
    .map((file) => ({ file, text: readFileSync(posix.join(root, file), "utf8") }));
}

export function linkFaults(
  document: { readonly file: string; readonly text: string },
  isThere: (path: string) => boolean,
): Fault[] {
  const faults: Fault[] = [];
  let isCode = false;
  for (const [index, line] of document.text.split("\n").entries()) {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
    if (isCode) continue;
    for (const target of targetsOf(line)) {
      const path = posix.join(posix.dirname(document.file), target);
      if (!isThere(path))
        faults.push({ file: document.file, line: index + 1, rule: "links", message: `${target} is not there` });
    }
  }
  return faults;
}

export const isInTree =
  (root: string) =>
  (path: string): boolean =>
    existsSync(posix.join(root, path));

/** Inline and reference links, without those that leave the repository and those inside code spans. */
function targetsOf(line: string): string[] {
  const text = line.replaceAll(/`[^`]*`/g, "");
  const inline = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].map((match) => match[1] ?? "");
  const reference = /^\s*\[[^\]]+\]:\s*(\S+)/.exec(text)?.[1];
  return [...inline, ...(reference === undefined ? [] : [reference])]
    .filter((target) => !/^([a-z][a-z0-9+.-]*:|#|\/)/i.test(target))
    .map((target) => decodeURI(target.split("#")[0] ?? ""))
    .filter((target) => target !== "");
}
