/** How projects look on the command line: folders with a name here, and what lies in them. */
import { formatBytes } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { Create, List, type Project, Tree } from "../domains/projects/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

type Listed = Static<typeof List.output>["projects"];

export const projectAnswers = {
  [List.id]: (output: unknown, pen: Pen) => listText((output as Static<typeof List.output>).projects, pen),
  [Create.id]: (output: unknown, pen: Pen) => createdText(output as Static<typeof Project>, pen),
  [Tree.id]: (output: unknown, pen: Pen) => treeText(output as Static<typeof Tree.output>, pen),
};

const nameWidth = 20;

const listText = (projects: Listed, pen: Pen): string =>
  projects.length === 0
    ? pen.paint("dim", "No projects yet. `arw projects create NAME FOLDER` gives a folder a name here.")
    : projects.map((each) => projectText(each, pen)).join("\n");

function projectText({ project, folder, title }: Listed[number], pen: Pen): string {
  const own = title === project ? "" : `  ${pen.safe(title)}`;
  return `${pen.paint("bold", pen.safe(project).padEnd(nameWidth))} ${pen.paint("dim", pen.safe(folder))}${own}`;
}

function createdText({ project, folder }: Static<typeof Project>, pen: Pen): string {
  const next = `Its agents are files in ${pen.safe(folder)}/.arw/agents; \`arw chat ${project}\` asks about its files.`;
  return `${pen.paint("green", "✓")} ${pen.safe(folder)} is the project ${project}.\n${pen.paint("dim", next)}`;
}

function treeText({ entries, nextAfterPath, skipped }: Static<typeof Tree.output>, pen: Pen): string {
  const lines = entries.map(({ path, kind, sizeBytes }) =>
    kind === "file"
      ? `${pen.safe(path)}  ${pen.paint("dim", formatBytes(sizeBytes))}`
      : `${pen.paint("cyan", `${pen.safe(path)}${kind === "folder" ? "/" : ""}`)}${kind === "folder" ? "" : `  ${kind}`}`,
  );
  const left = skipped.map(({ path, reason }) => pen.paint("dim", `${pen.safe(path)}: left out, ${reason}`));
  const more = nextAfterPath === null ? [] : [`There is more: --after-path ${pen.safe(nextAfterPath)}`];
  return lines.length === 0 ? pen.paint("dim", "The folder is empty.") : [...lines, ...left, ...more].join("\n");
}
