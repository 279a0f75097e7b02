/** Markdown pages: gate keys and problems. */
import { type KeyFamily, type KeyRow, keySpace } from "../../contract/gate-keys.ts";
import { gateKey, type Operation } from "../../contract/operation.ts";
import type { ProblemDefinition } from "../../contract/problem.ts";
import { standardProblems } from "../../contract/standard-problems.ts";
import type { Table } from "../../kernel/kernel.ts";
import { operationsOf, problemsOf } from "./rows.ts";

export const gateKeys = (table: Table): string => {
  const rows = keySpace(table);
  const family = (name: KeyFamily): readonly KeyRow[] => rows.filter((row) => row.family === name);
  const operations = new Map(operationsOf(table).map((operation) => [gateKey(operation), operation]));
  const cells = ({ key, title, stability, about }: KeyRow): readonly string[] => [
    `\`${key}\``,
    title,
    stability,
    about,
  ];
  return `# Gate keys

A rule names a key, or a prefix that ends in \`*\`: \`fs:*\` covers every key that begins with \`fs:\`. Rules are checked before the
input is read, for every caller and on every way in. \`arw gate keys\` lists all of them for a running hub.

| Family | Keys | What a rule stops |
|---|---|---|
| operation | \`fs:write\` | the operation itself |
| ingress | \`io:ingress:fs:write\` | what is sent to it, from anybody |
| egress | \`io:egress:fs:read\` | what it answers; asked before it runs, so that nothing is done whose result may not leave |
| egress | \`io:egress:otlp\` | traces of episodes to an OpenTelemetry collector |
| egress | \`io:egress:net\`, \`io:egress:net:example.org\` | what a call sends to other machines, or to one of them |
| task | \`task:scout:brief\` | putting it into the queue, and running it from there |
| ingress, egress of tasks | \`io:ingress:task:scout:brief\`, \`io:egress:task:scout:brief\` | what a worker takes from the queue, and the result of the task |
| emit | \`emit:actions:applied\` | events of that kind, and operations that would write them; the hub's own bookkeeping is not held back |

## Operations

Each has its \`io:ingress:\` and \`io:egress:\` keys.

${markdownTable(
  ["Key", "Title", "Stability", "Effect", "Needs", "Purpose"],
  family("operation").map((row) => {
    const operation = operations.get(row.key);
    const needs = (operation?.needs ?? []).map((need) => `\`${need}\``).join(", ");
    const [key = "", title = "", stability = "", about = ""] = cells(row);
    return [key, title, stability, operation?.effect ?? "", needs, about];
  }),
)}

## Tasks

Each has its \`io:ingress:\` and \`io:egress:\` keys.

${markdownTable(["Key", "Title", "Stability", "Purpose"], family("task").map(cells))}

## Events

${markdownTable(["Key", "Title", "Stability", "Purpose"], family("emit").map(cells))}
`;
};

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
