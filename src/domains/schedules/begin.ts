/**
 * From a due time to a task. That a run is decided is one event, and its task carries the id that this event gave it: a hub
 * that ends in between finds the decision at its next start and goes on from there, and nothing is begun twice.
 */
import { sha256Hex } from "../../base/canonical-json.ts";
import type { Grant } from "../../contract/caller.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied, ShuttingDown } from "../../contract/standard-problems.ts";
import { Run as RunAgent, ShowAgent } from "../agents/contract.ts";
import { recipeCharsMax, Run as RunRecipe } from "../recipes/contract.ts";
import { Adopt, ScheduleDue, type ScheduleRow, ScheduleSkipped, type Work } from "./contract.ts";
import { hubContext, isGoing, rowOf, type SchedulesDeps, whatOf } from "./house.ts";
import { idemKeyOf } from "./views.ts";

export interface Due {
  readonly dueMs: number;
  readonly nextDueMs: number | null;
  readonly cause: Static<typeof ScheduleDue.data>["cause"];
  readonly changes?: NonNullable<Static<typeof ScheduleDue.data>["changes"]>;
}

export interface Starter {
  /** Decides a run and lets it begin; the episode that it will be, or null when the last one has not ended. */
  begin(name: string, due: Due): Promise<string | null>;
  /** Lets a run begin that was decided before. */
  goOn(row: ScheduleRow): void;
}

const reasonCharsMax = 500;
const titleCharsMax = 200;

export const textDigest = (text: string): string => `sha256:${sha256Hex(text)}`;

export function createStarter(deps: SchedulesDeps): Starter {
  /** Episodes whose task is being written, or whose person is being asked. */
  const starting = new Set<string>();

  const goOn = (row: ScheduleRow): void => {
    const episode = row.last?.episode;
    if (episode === undefined || row.last?.status !== "starting" || starting.has(episode)) return;
    starting.add(episode);
    launch(row, deps)
      .catch((error: unknown) =>
        deps.log.error("a scheduled run did not begin", { name: row.name, error: String(error) }),
      )
      .finally(() => starting.delete(episode));
  };
  return {
    goOn,
    async begin(name, { changes, ...due }) {
      const row = rowOf(deps, name);
      if (row === undefined) return null;
      const ctx = hubContext(deps);
      if (isGoing(row)) {
        const reason = `its last run has not ended: episode ${row.last?.episode ?? ""}`;
        await ctx.emit(ScheduleSkipped, { name, dueMs: due.dueMs, nextDueMs: due.nextDueMs, reason });
        return null;
      }
      const episode = ctx.id();
      await ctx.emit(ScheduleDue, { name, episode, ...due, ...(changes === undefined ? {} : { changes }) });
      const decided = rowOf(deps, name);
      if (decided !== undefined) goOn(decided);
      return episode;
    },
  };
}

async function launch(row: ScheduleRow, deps: SchedulesDeps): Promise<void> {
  const { name, last, nextDueMs, caller } = row;
  if (last === null) return;
  try {
    const work = await currentWork(row, last.episode, deps);
    const idemKey = idemKeyOf(name, last);
    await deps.parts.kernel.queue.enqueue({
      ...taskOf(name, work),
      caller,
      corrId: last.episode,
      attemptsMax: 1,
      idemKey,
    });
  } catch (error) {
    // The decision stands, and the next start goes on from it.
    if (isProblem(error, ShuttingDown)) return;
    const reason = (error instanceof Error ? error.message : String(error)).slice(0, reasonCharsMax);
    // Whoever follows the run that was decided hears of it there.
    const ctx = deps.parts.act({ caller: hubContext(deps).caller, corrId: last.episode });
    await ctx.emit(ScheduleSkipped, { name, dueMs: last.dueMs, reason, nextDueMs, episode: last.episode });
    if (!(error instanceof Problem)) throw error;
  }
}

/** What was given then. Where the file of the recipe says something else now, a person is shown that first. */
async function currentWork(row: ScheduleRow, episode: string, deps: SchedulesDeps): Promise<Work> {
  await refuseNewTools(row, episode, deps);
  const changed = await changedRecipe(row.work, deps);
  if (changed === null) return row.work;
  const asking = deps.parts.act({ caller: { kind: "agent", id: "schedules" }, corrId: episode });
  await asking.call(Adopt, { name: row.name, digest: changed.digest });
  return rowOf(deps, row.name)?.work ?? row.work;
}

/** Nobody gave an agent the tools that it got since: who did looks at it and adds the schedule anew. */
async function refuseNewTools(
  { name, work, caller }: ScheduleRow,
  episode: string,
  deps: SchedulesDeps,
): Promise<void> {
  if (work.kind !== "agent") return;
  const { tools } = await deps.parts.act({ caller, corrId: episode }).call(ShowAgent, { agent: work.agent });
  const added = tools.filter(({ id }) => !work.tools.includes(id)).map(({ id }) => id);
  if (added.length === 0) return;
  const detail = `${work.agent} has tools that it had not when ${name} was added: ${added.join(", ")}`;
  throw new Problem(Denied, detail, {
    rule: "built-in:given-then",
    source: "built-in",
    next: `look at it with \`arw agents show ${work.agent}\`, then remove ${name} and add it again`,
  });
}

export interface ChangedRecipe {
  readonly text: string;
  readonly digest: string;
}

/** Null when the file holds what is run already, or cannot be read: then what was given stays. */
export async function changedRecipe(
  work: Work,
  { files }: Pick<SchedulesDeps, "files">,
): Promise<ChangedRecipe | null> {
  if (work.kind !== "recipe" || work.file === null) return null;
  const text = await files.read(work.file, recipeCharsMax);
  const digest = text === null ? work.digest : textDigest(text);
  return text === null || digest === work.digest ? null : { text, digest };
}

function taskOf(name: string, work: Work) {
  if (work.kind === "recipe") {
    const { recipe, input, allow } = work;
    return { operation: RunRecipe, payload: { recipe, input, allow } };
  }
  const { agent, task, folder, allow } = work;
  const place = folder === null ? {} : { folder };
  // An agent of a project has what its profile names, and never more than its tools of that time.
  const grants = isOfProject(agent) ? {} : { grants: grantsOf(allow, folder) };
  const title = `${name}: ${whatOf(work)}`.slice(0, titleCharsMax);
  return { operation: RunAgent, payload: { agent, title, ...place, input: { task, ...place }, ...grants } };
}

export const isOfProject = (agent: string): boolean => agent.includes("@");

const grantsOf = (allow: readonly string[], folder: string | null): Grant[] =>
  allow.map((tool) => ({ key: tool.replaceAll(".", ":"), ...(folder === null ? {} : { folder }) }));
