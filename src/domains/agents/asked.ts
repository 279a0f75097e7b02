/** What a run was asked to be: a program of the list, or an agent that somebody wrote, each with what it may do. */
import { truncate } from "../../base/text-marks.ts";
import { type Caller, coversPattern, type Grant, type Label } from "../../contract/caller.ts";
import type { Context, Preview } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied } from "../../contract/standard-problems.ts";
import {
  type AgentFinder,
  type AgentProgram,
  type FoundAgent,
  refuseUnheld,
  type Run,
  UnknownAgent,
} from "./contract.ts";
import type { RunRow } from "./views.ts";

export interface Cast {
  readonly programs: readonly AgentProgram[];
  readonly finder: AgentFinder;
}

/** All that a run needs to begin, and what it keeps. */
export interface Asked {
  readonly program: AgentProgram;
  readonly title: string;
  readonly folder: string | undefined;
  readonly input: unknown;
  readonly grants: readonly Grant[];
  readonly asks: readonly string[];
  readonly allowances: readonly string[];
}

/** Who a run acts as. */
export const agentOf = ({ program, grants, asks, allowances }: Asked, labels: readonly Label[]): Caller => ({
  kind: "agent",
  id: program.id,
  labels: [...labels],
  grants: [...grants],
  ...(asks.length === 0 ? {} : { asks: [...asks] }),
  ...(allowances.length === 0 ? {} : { allowances: [...allowances] }),
});

type RunInput = Static<typeof Run.input>;
interface KnownRun {
  readonly agent: string;
  readonly title: string;
  readonly folder?: string | undefined;
  readonly input: unknown;
  readonly grants: readonly Grant[];
}
interface Asking {
  /** The run as it is recorded, when it goes on. */
  readonly known: RunRow | undefined;
  readonly ctx: Pick<Context, "signal" | "caller">;
}

const titleCharsMax = 100;

export async function askedOf(run: RunInput, cast: Cast, { known, ctx }: Asking): Promise<Asked> {
  const own = cast.programs.find(({ id }) => id === run.agent);
  const input = inputOf(run);
  const title = run.title ?? titleOf(run.task ?? own?.about ?? run.agent);
  if (own !== undefined) {
    const { folder, grants = [] } = run;
    return { program: own, title, folder, input, grants, asks: [], allowances: [] };
  }
  if (known !== undefined) return askedAgain({ ...known, agent: run.agent }, cast);
  const found = await foundOf(run.agent, cast, ctx.signal);
  // Whoever gives nothing more leaves it at what the file says.
  const { grants: given = [] } = run;
  const grants = given.length === 0 ? found.grants : within(given, found.grants);
  mayHandOn(grants, ctx.caller);
  return { ...placed(found), title, input: found.given(input), grants };
}

/** What the agent is given. The model of this run is a part of it, so a run that goes on asks the same one. */
function inputOf({ input, task, model }: RunInput): unknown {
  const given = input ?? (task === undefined ? {} : { task });
  if (model === undefined || typeof given !== "object" || given === null || Array.isArray(given)) return given;
  return { ...given, model };
}

export const newRunOf = (run: RunInput, cast: Cast, ctx: Asking["ctx"]): Promise<Asked> =>
  askedOf(run, cast, { known: undefined, ctx });

/** What a new run would be; throws `Denied` where its caller does not hold what it would have. */
export async function heldOf(run: RunInput, cast: Cast, ctx: Asking["ctx"]): Promise<Asked> {
  const asked = await newRunOf(run, cast, ctx);
  mayHandOn(asked.grants, ctx.caller);
  return asked;
}

/** As it was when the run began, from what the run keeps. Throws `UnknownAgent` where nobody here is of that name. */
export function askedAgain({ agent, title, folder, input, grants }: KnownRun, cast: Cast): Asked {
  const own = cast.programs.find(({ id }) => id === agent);
  if (own !== undefined) return { program: own, title, folder, input, grants, asks: [], allowances: [] };
  return { ...placed(cast.finder.recorded(agent, input)), title, input, grants };
}

/** Grants that a question names; further ones are counted. */
const namedMax = 5;

export function startPreview(agent: string, { title, grants }: Asked): Preview {
  const named = grants
    .slice(0, namedMax)
    .map(({ key, folder }) => (folder === undefined ? key : `${key} in ${folder}`));
  const more = grants.length > namedMax ? [`${grants.length - namedMax} more`] : [];
  const held = grants.length === 0 ? "without any grant" : `with ${[...named, ...more].join(", ")}`;
  return { summary: truncate(`start ${agent}, ${held}: ${title}`, 500), canUndo: false };
}

const placed = ({ program, folder, asks, allowances }: FoundAgent) => ({ program, folder, asks, allowances });

export async function foundOf(
  agent: string,
  { finder }: Pick<Cast, "finder">,
  signal: AbortSignal,
): Promise<FoundAgent> {
  const found = await finder.find(agent, signal);
  if (found === null)
    throw new Problem(UnknownAgent, `there is no agent ${agent}; \`arw agents\` lists those that there are`);
  return found;
}

export async function programOf(agent: string, cast: Cast, signal: AbortSignal): Promise<AgentProgram> {
  return cast.programs.find(({ id }) => id === agent) ?? (await foundOf(agent, cast, signal)).program;
}

function titleOf(words: string): string {
  const line = (words.trim().split(/[\r\n]/u)[0] ?? "").replaceAll(/\s+/gu, " ") || "A task";
  return truncate(line, titleCharsMax);
}

/** Of what somebody gave the part that the agent's own file names, too. */
const within = (given: readonly Grant[], own: readonly Grant[]): readonly Grant[] =>
  given.filter((each) => own.some((mine) => coversGrant(mine, each)));

const coversGrant = (outer: Grant, inner: Grant): boolean =>
  coversPattern(outer.key, inner.key) &&
  outer.folder === inner.folder &&
  outer.project === inner.project &&
  (outer.path === undefined || outer.path === inner.path) &&
  (outer.tool === undefined || outer.tool === inner.tool);

/** Nobody gives an agent what they do not hold: who is no person their grants, and whoever comes by a token its keys. */
function mayHandOn(grants: readonly Grant[], caller: Caller): void {
  refuseUnheld(grants, caller);
  const { reach } = caller;
  const beyond =
    reach === undefined ? undefined : grants.find(({ key }) => !reach.keys.some((own) => coversPattern(own, key)));
  if (beyond === undefined) return;
  throw new Problem(Denied, `The token ${reach?.token} does not reach ${beyond.key}, and cannot grant it.`, {
    rule: `access.token:${reach?.token}`,
    source: "token",
    next: `grant less, or let somebody run it whose token reaches ${beyond.key}`,
  });
}
