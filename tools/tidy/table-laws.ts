/** What every row of the table keeps: names, routes, sentences, closed inputs, and ends for what was started. */
import type { Domain } from "../../src/contract/domain.ts";
import type { EventDefinition } from "../../src/contract/event.ts";
import { needWords } from "../../src/contract/needs.ts";
import type { Operation } from "../../src/contract/operation.ts";
import type { ProblemDefinition } from "../../src/contract/problem.ts";
import { standardProblems } from "../../src/contract/standard-problems.ts";
import type { View } from "../../src/contract/view.ts";
import type { Table } from "../../src/kernel/kernel.ts";
import { closedFaults, fieldNamesOf, type JsonSchema, requiredNamesOf, unitFaults } from "./schema-laws.ts";

/** A broken law: which domain, which row, and what is wrong with it. */
export interface LawFault {
  readonly domain: string;
  readonly row: string;
  readonly message: string;
}

const camelDotted = /^[a-z][a-zA-Z0-9]*(\.[a-z][a-zA-Z0-9]*)+$/;
const lowerDotted = /^[a-z][a-z0-9]*(\.[a-z][a-z0-9]*(-[a-z0-9]+)*)+$/;
const problemCode = /^[a-z][a-z0-9]*\.[a-z0-9]+(-[a-z0-9]+)*$/;
const ends = ["finished", "failed", "cancelled"] as const;
const aboutLengthMax = 240;

export function tableFaults(table: Table): LawFault[] {
  return [
    ...table.domains.flatMap((domain) => domainFaults(domain, table)),
    ...sharedNames(table),
    ...problemFaults(table),
  ];
}

function domainFaults(domain: Domain, table: Table): LawFault[] {
  const families = domain.families ?? [domain.name];
  const fault = (row: string, message: string): LawFault => ({ domain: domain.name, row, message });
  return [
    ...domain.operations
      .filter(({ operation }) => operation.id.split(".")[0] !== domain.name)
      .map(({ operation }) => fault(operation.id, `an operation's id begins with its domain, ${domain.name}`)),
    ...domain.events
      .filter(({ kind }) => !families.includes(kind.split(".")[0] ?? ""))
      .map(({ kind }) => fault(kind, `an event's kind begins with a family of its domain: ${families.join(", ")}`)),
    ...domain.events.flatMap((definition) =>
      eventFaults(definition, table).map((message) => fault(definition.kind, message)),
    ),
    ...domain.operations.flatMap(({ operation }) =>
      operationFaults(operation, table).map((message) => fault(operation.id, message)),
    ),
    ...domain.views.flatMap((view) => viewFaults(view, table).map((message) => fault(view.name, message))),
  ];
}

function operationFaults(operation: Operation, table: Table): string[] {
  const { id, about, input, output, emits } = operation;
  return [
    ...(camelDotted.test(id) ? [] : ["an id is `domain.verb`, in camel case and dotted"]),
    ...sentenceFaults(about),
    ...closedFaults(plain(input)).map((path) => `input${path} accepts unknown fields; use closed()`),
    ...unitFaults(plain(input)).map((path) => `input${path} has a unit in its name but no description`),
    ...unitFaults(plain(output)).map((path) => `output${path} has a unit in its name but no description`),
    ...emits.filter(({ kind }) => !table.events.has(kind)).map(({ kind }) => `emits ${kind}, which no domain lists`),
    ...routeFaults(operation),
    ...commandFaults(operation),
    ...needFaults(operation),
    ...pastRulesFaults(operation),
  ];
}

/** No rule guards what a question about the rules reads. */
function pastRulesFaults({ isReadPastRules, effect, mode, isSecret }: Operation): string[] {
  const isGiven = isReadPastRules !== true || (effect === "read" && mode === "one" && isSecret !== true);
  return isGiven ? [] : ["what is read past the rules is a read that answers once and gives no secret"];
}

/** Whoever is shown a tool is told what it needs: words for each need, and at least one. */
function needFaults({ isTool, needs }: Operation): string[] {
  return [
    ...(isTool && needs.length === 0 ? ["a tool declares what it needs; one that only reads the hub, `hub:read`"] : []),
    ...needs
      .filter((need) => needWords[need] === undefined)
      .map((need) => `the need ${need} has no words in src/contract/needs.ts`),
  ];
}

function routeFaults({ http, input }: Operation): string[] {
  const [, path = ""] = http.split(" ");
  const fields = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const required = requiredNamesOf(plain(input));
  return [
    ...(/^\/[^/].*[^/]$/.test(path) ? [] : ["a route begins with one slash and ends with none"]),
    ...(/^\/admin(\/|$)/.test(path) ? ["`/admin` is an alias of every route and no route itself"] : []),
    ...fields
      .filter((field) => !required.includes(field))
      .map((field) => `{${field}} in the route is not a required field of the input`),
  ];
}

function commandFaults({ cli, input }: Operation): string[] {
  const names = fieldNamesOf(plain(input));
  return [...(cli ?? "").matchAll(/[<[](\w+)(?:\.\.\.)?[\]>]/g)]
    .map((match) => match[1] ?? "")
    .filter((field) => !names.includes(field))
    .map((field) => `<${field}> in the command is not a field of the input`);
}

function eventFaults({ kind, about, data }: EventDefinition, table: Table): string[] {
  return [
    ...(lowerDotted.test(kind) ? [] : ["a kind is lower-case and dotted"]),
    ...sentenceFaults(about),
    ...closedFaults(plain(data)).map((path) => `data${path} accepts unknown fields; use closed()`),
    ...unitFaults(plain(data)).map((path) => `data${path} has a unit in its name but no description`),
    ...(kind.endsWith(".started") ? startFaults(kind, table) : []),
  ];
}

/** What has a `started` has three ends, and one view folds all four. */
function startFaults(kind: string, table: Table): string[] {
  const stem = kind.slice(0, -".started".length);
  const missing = ends.filter((end) => !table.events.has(`${stem}.${end}`));
  if (missing.length > 0) return missing.map((end) => `started, but there is no ${stem}.${end}`);
  const kinds = [kind, ...ends.map((end) => `${stem}.${end}`)];
  const folded = [...table.views.values()].map((view) => new Set(view.folds.map((fold) => fold.kind)));
  const isSeen = folded.some((own) => kinds.every((each) => own.has(each) || own.has("*")));
  return isSeen ? [] : [`no view folds all of ${kinds.join(", ")}`];
}

function viewFaults(view: View, table: Table): string[] {
  const row = plain(view.row);
  return [
    ...(/^[a-z][a-zA-Z0-9]*$/.test(view.name) ? [] : ["a view's name is camel case"]),
    ...sentenceFaults(view.about),
    ...(Number.isSafeInteger(view.rowsMax) && view.rowsMax > 0 ? [] : ["a view has a limit of rows"]),
    ...closedFaults(row).map((path) => `row${path} accepts unknown fields; use closed()`),
    ...unitFaults(row).map((path) => `row${path} has a unit in its name but no description`),
    ...view.folds
      .filter(({ kind }) => kind !== "*" && !table.events.has(kind))
      .map(({ kind }) => `folds ${kind}, which no domain lists`),
  ];
}

/** No two rows answer to one name: ids and kinds, routes, and the words of the command line. */
function sharedNames({ domains, operations }: Table): LawFault[] {
  const all = [...operations.values()].map(({ operation }) => operation);
  const kinds = domains.flatMap((domain) =>
    domain.events.map(({ kind }) => ({ name: kind, row: kind, domain: domain.name })),
  );
  const named = (name: (operation: Operation) => string) =>
    all.map((operation) => ({ name: name(operation), row: operation.id, domain: operation.id.split(".")[0] ?? "" }));
  const routes = named(({ http }) => http.replaceAll(/\{\w+\}/g, "{}"));
  const commands = named((operation) => commandWords(operation)).filter(({ name }) => name !== "");
  return [...repeated("kind", kinds), ...repeated("route", routes), ...repeated("command", commands)];
}

const commandWords = ({ cli, id }: Pick<Operation, "cli" | "id">): string =>
  cli === undefined ? id.replaceAll(".", " ") : cli.replace(/\s*[<[].*$/, "").trim();

function repeated(
  what: string,
  rows: readonly { readonly name: string; readonly row: string; readonly domain: string }[],
): LawFault[] {
  const first = new Map<string, string>();
  const faults: LawFault[] = [];
  for (const { name, row, domain } of rows) {
    const other = first.get(name);
    if (other === undefined) first.set(name, row);
    else faults.push({ domain, row, message: `shares the ${what} ${name} with ${other}` });
  }
  return faults;
}

function problemFaults(table: Table): LawFault[] {
  const owners = new Set([...table.domains.map(({ name }) => name), "arw"]);
  const declared = [...table.operations.values()].flatMap(({ operation }) => operation.problems);
  return [...new Set([...standardProblems, ...declared])].flatMap((definition) => {
    const { code } = definition;
    const messages = [
      ...problemRowFaults(definition),
      ...(owners.has(code.split(".")[0] ?? "") ? [] : ["a problem's code begins with its domain"]),
      ...(table.problems.get(code) === definition ? [] : ["two problems have this code"]),
    ];
    return messages.map((message) => ({ domain: code.split(".")[0] ?? code, row: code, message }));
  });
}

const problemRowFaults = ({ code, status, title, about }: ProblemDefinition): string[] => [
  ...(problemCode.test(code) ? [] : ["a code is `domain.what-happened`"]),
  ...(Number.isInteger(status) && status >= 400 && status <= 599 ? [] : ["a problem's status is 400 to 599"]),
  ...(/[.!?]$/.test(title) || title === "" ? ["a title is a few words without a full stop"] : []),
  ...(/[.]$/.test(about) ? [] : ["`about` says in full sentences what happened and what to do"]),
];

function sentenceFaults(about: string): string[] {
  const isSentence = /^[A-Z`].*\.$/.test(about) && !/[.!?] [A-Z]/.test(about) && about.length <= aboutLengthMax;
  return isSentence ? [] : ["`about` is one sentence that begins with a capital and ends with a full stop"];
}

/** Schemas are JSON; the library's own marks are no part of them. */
const plain = (schema: object): JsonSchema => JSON.parse(JSON.stringify(schema)) as JsonSchema;
