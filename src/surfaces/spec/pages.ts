/** Markdown pages: gate keys and problems. */
import { gateKey, type Operation } from "../../contract/operation.ts";
import type { ProblemDefinition } from "../../contract/problem.ts";
import { standardProblems } from "../../contract/standard-problems.ts";
import type { Table } from "../../kernel/kernel.ts";
import { operationsOf, problemsOf } from "./rows.ts";

export const gateKeys = (table: Table): string =>
  `# Gate keys

A rule names a key, or a prefix that ends in \`*\`: \`fs:*\` covers every key that begins with \`fs:\`. Rules are checked before the
input is read, for every caller and on every way in.

${markdownTable(
  ["Key", "Effect", "Needs", "What it does"],
  operationsOf(table).map((operation) => [
    `\`${gateKey(operation)}\``,
    operation.effect,
    operation.needs.map((need) => `\`${need}\``).join(", "),
    operation.about,
  ]),
)}
`;

/** One page per problem code; `type` in a problem document leads to it. */
export const problemPages = (table: Table): Map<string, string> =>
  new Map(problemsOf(table).map((definition) => [definition.code, problemPage(table, definition)]));

function problemPage(table: Table, { code, status, title, about }: ProblemDefinition): string {
  return `# ${title}

\`${code}\`, HTTP status ${status}.

${about}

${whoAnswers(table, code)}
`;
}

function whoAnswers(table: Table, code: string): string {
  if (standardProblems.some((standard) => standard.code === code)) return "Any operation may answer with it.";
  const operations = operationsOf(table).filter(({ problems }) => problems.some((each) => each.code === code));
  return markdownTable(["Operation", "Route"], operations.map(operationCells));
}

const operationCells = ({ id, http }: Operation): string[] => [`\`${id}\``, `\`${http}\``];

export const markdownTable = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [tableLine(heads), `|${heads.map(() => "---").join("|")}|`, ...rows.map(tableLine)].join("\n");

const tableLine = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
