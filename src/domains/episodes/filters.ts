/** What the truth window can be asked for. Texts are found whatever their case. */
import { CorrelationId, EpochMs, oneOf, Type } from "../../contract/schema.ts";
import type { ViewFilter } from "../../contract/view.ts";
import { type Episode, episodeStatuses, type WindowRow } from "./contract.ts";

const text = (description: string) => Type.String({ minLength: 1, maxLength: 200, description });
const Folder = Type.String({ minLength: 1, maxLength: 4096, description: "Only this folder and what is in it." });
const Kind = text("Only kinds that begin with this.");
const Actor = text("Only what this caller caused, such as `agent:scout`; `scout` alone finds it, too.");

const isActor = (actor: string, wanted: string): boolean =>
  actor === wanted || actor.slice(actor.indexOf(":") + 1) === wanted;
const isKind = (kind: string, wanted: string): boolean => kind.startsWith(wanted.toLowerCase());

function isWithin(folder: unknown, wanted: string): boolean {
  if (typeof folder !== "string") return false;
  const root = wanted.replace(/[/\\]+$/u, "");
  return folder === wanted || folder === root || folder.startsWith(`${root}/`) || folder.startsWith(`${root}\\`);
}

function mentions(texts: readonly unknown[], wanted: string): boolean {
  const lower = wanted.toLowerCase();
  return texts.some((each) => typeof each === "string" && each.toLowerCase().includes(lower));
}

type Filters<Row> = Readonly<Record<string, ViewFilter<Row>>>;
const dataOf = (row: WindowRow): Readonly<Record<string, unknown>> => (row.data ?? {}) as Record<string, unknown>;

export const windowFilters: Filters<WindowRow> = {
  corr: { schema: CorrelationId, matches: (row: WindowRow, value: string) => row.corrId === value },
  agent: {
    schema: text("Only of this agent."),
    matches: (row: WindowRow, value: string) => dataOf(row)["agent"] === value,
  },
  actor: { schema: Actor, matches: (row: WindowRow, value: string) => isActor(row.caller, value) },
  kind: { schema: Kind, matches: (row: WindowRow, value: string) => isKind(row.kind, value) },
  since: { schema: EpochMs, matches: (row: WindowRow, value: number) => row.timeMs >= value },
  folder: { schema: Folder, matches: (row: WindowRow, value: string) => isWithin(dataOf(row)["folder"], value) },
  text: {
    schema: text("Only what says this: in summaries, statements, topics, paths, tools and reasons."),
    matches(row: WindowRow, value: string) {
      const { summary, statement, topic, path, tool, reason, error } = dataOf(row);
      const { tool: recordedTool } = (dataOf(row)["recorded"] ?? {}) as Record<string, unknown>;
      return mentions([summary, statement, topic, path, tool, recordedTool, reason, error], value);
    },
  },
};

export const episodeFilters: Filters<Episode> = {
  status: { schema: oneOf(episodeStatuses), matches: (row: Episode, value: string) => row.status === value },
  errorsOnly: {
    schema: Type.Boolean({ description: "Only those with errors." }),
    matches: (row: Episode, value: boolean) => !value || row.errors > 0 || row.status === "failed",
  },
  agent: { schema: text("Only of this agent."), matches: (row: Episode, value: string) => row.agent === value },
  actor: {
    schema: Actor,
    matches: (row: Episode, value: string) => row.actors.some((actor) => isActor(actor, value)),
  },
  kind: { schema: Kind, matches: (row: Episode, value: string) => row.kinds.some((each) => isKind(each.kind, value)) },
  since: { schema: EpochMs, matches: (row: Episode, value: number) => row.startedAtMs >= value },
  folder: {
    schema: Folder,
    matches: (row: Episode, value: string) => row.projects.some((project) => isWithin(project, value)),
  },
  text: {
    schema: text("Only those that say this: in id, title, agent, folders, outcome, errors and changed files."),
    matches: (row: Episode, value: string) =>
      mentions([row.id, row.title, row.agent, row.folder, row.outcome, ...row.projects], value) ||
      mentions([...row.files.map((each) => each.path), ...row.errorItems.map((each) => each.text)], value),
  },
};
