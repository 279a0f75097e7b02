/** Agents of projects: their files, and the finder by which a run comes to one. */
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, gateKey, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { type AgentFinder, type FaultyAgent, type FoundAgent, GoOn, type Turn } from "../agents/contract.ts";
import { List as ListProjects, type Project } from "../projects/contract.ts";
import { checkProfile } from "./check-profile.ts";
import {
  CheckProfile,
  InvalidProfile,
  ListProfiles,
  PreviewContext,
  type ProfileFault,
  ProfileWritten,
  SaveProfile,
  ShowProfile,
} from "./contract.ts";
import { notesToolOf } from "./notes.ts";
import { hubTool, isAgentTool } from "./offered-tools.ts";
import type { ProfileFiles, ProfileText } from "./port.ts";
import type { PlacedProfile } from "./profile.ts";
import { serverToolsOf } from "./server-tools.ts";
import { createProfileProgram, operationsOf } from "./program.ts";
import { type ProfileRead, readProfile, type Workshop } from "./read-profile.ts";
import { readRun, runOf } from "./run-input.ts";
import { profileVersions } from "./views.ts";
import { contextOf, offeredTo } from "./working.ts";

export interface ProfilesDeps {
  readonly parts: KernelParts;
  readonly text: ProfileText;
  readonly files: ProfileFiles;
}

export interface Profiles {
  readonly domain: Domain;
  readonly finder: AgentFinder;
}

/** A run takes no more grants. */
const grantsMax = 64;

export function createProfiles({ parts, text, files }: ProfilesDeps): Profiles {
  let known: ReadonlyMap<string, Operation> | null = null;
  const tools = (): ReadonlyMap<string, Operation> => (known ??= agentTools(parts));
  const shelf: Shelf = { parts, text, files, tools };
  return {
    finder: finderOf(shelf),
    domain: {
      name: "profiles",
      operations: [
        bind(ListProfiles, ({ project }, ctx) => list(project, shelf, ctx.signal)),
        bind(ShowProfile, (input, ctx) => show(input, shelf, ctx.signal)),
        bind(SaveProfile, (input, ctx) => save(input, shelf, ctx)),
        bind(CheckProfile, async (input, { signal }) =>
          checkProfile(input, {
            ...shelf,
            hub: hubIn(shelf, signal),
            projects: await projectsOf(shelf, signal),
            signal,
          }),
        ),
        bind(PreviewContext, (input, ctx) => preview(input, shelf, ctx)),
      ],
      events: [ProfileWritten],
      views: [profileVersions],
    },
  };
}

interface Shelf extends Workshop, Pick<ProfilesDeps, "parts" | "files"> {}

const agentTools = ({ kernel }: KernelParts): ReadonlyMap<string, Operation> => {
  const operations = [...kernel.table.operations.values()].map(({ operation }) => operation);
  return new Map(operations.filter(isAgentTool).map((operation) => [operation.id, operation]));
};

/** The hub itself looks: whoever asked was asked about by the rules already, and an agent may not see what is written there. */
const hubIn = ({ parts }: Shelf, signal: AbortSignal): Context =>
  parts.act({ caller: { kind: "system", id: "hub" }, corrId: "profiles", signal });

async function projectsOf(shelf: Shelf, signal: AbortSignal): Promise<readonly Project[]> {
  return (await hubIn(shelf, signal).call(ListProjects, {})).projects;
}

async function projectOf(name: string, shelf: Shelf, signal: AbortSignal): Promise<Project> {
  const found = (await projectsOf(shelf, signal)).find(({ project }) => project === name);
  if (found !== undefined) return found;
  throw new Problem(NotFound, `there is no project ${name}; \`arw projects create ${name} FOLDER\` names one`);
}

interface Found {
  readonly text: string;
  readonly digest: string;
  readonly version: number;
  readonly read: ProfileRead;
}
interface Where {
  readonly folder: string;
  readonly project: string;
  readonly name: string;
}
const agentOf = ({ name, project }: Pick<Where, "name" | "project">): string => `${name}@${project}`;
const versionOf = ({ parts }: Shelf, agent: string): number =>
  parts.kernel.views.get(profileVersions, agent)?.version ?? 0;

async function readAt(where: Where, shelf: Shelf, signal: AbortSignal): Promise<Found | null> {
  const file = await shelf.files.read(where.folder, where.name, signal);
  if (file === null) return null;
  return { ...file, version: versionOf(shelf, agentOf(where)), read: readProfile(file.text, shelf) };
}

async function list(wanted: string | undefined, shelf: Shelf, signal: AbortSignal) {
  const projects = wanted === undefined ? await projectsOf(shelf, signal) : [await projectOf(wanted, shelf, signal)];
  const profiles: Static<typeof ListProfiles.output>["profiles"] = [];
  for (const where of await placesOf(projects, shelf, signal)) {
    const found = await readAt(where, shelf, signal);
    if (found === null) continue;
    const { project, name } = where;
    const base = { agent: agentOf(where), project, name, version: found.version };
    if (found.read.kind === "faults") profiles.push({ ...base, about: "", model: "", tools: [], ok: false });
    else {
      const { about, model, tools } = found.read.profile;
      profiles.push({ ...base, about, model, tools: [...tools], ok: true });
    }
  }
  return { profiles };
}

/** A folder that is gone, or closed, has no agents; its project says so when it is opened. */
async function placesOf(
  projects: readonly Project[],
  { files }: Shelf,
  signal: AbortSignal,
): Promise<readonly Where[]> {
  const places: Where[] = [];
  for (const { folder, project } of projects) {
    const names = await files.names(folder, signal).catch((error: unknown) => {
      if (error instanceof Problem) return [];
      throw error;
    });
    places.push(...names.map((name) => ({ folder, project, name })));
  }
  return places;
}

async function show({ project, name }: Static<typeof ShowProfile.input>, shelf: Shelf, signal: AbortSignal) {
  const { folder } = await projectOf(project, shelf, signal);
  const found = await readAt({ folder, project, name }, shelf, signal);
  const agent = agentOf({ name, project });
  if (found === null)
    throw new Problem(NotFound, `there is no agent ${agent}; its file would be .arw/agents/${name}.toml`);
  const { text, digest, version, read } = found;
  const isGood = read.kind === "profile";
  return {
    agent,
    text,
    digest,
    version,
    profile: isGood ? read.profile : null,
    faults: isGood ? [] : [...read.faults],
  };
}

async function save(
  { project, name, text, expectedDigest }: Static<typeof SaveProfile.input>,
  shelf: Shelf,
  ctx: Context,
): Promise<Static<typeof SaveProfile.output>> {
  const { folder } = await projectOf(project, shelf, ctx.signal);
  const agent = agentOf({ name, project });
  const read = readProfile(text, shelf);
  if (read.kind === "faults") throw invalid(agent, read.faults);
  const before = await shelf.files.read(folder, name, ctx.signal);
  const expected = expectedDigest === undefined ? (before?.digest ?? null) : expectedDigest;
  const written = await shelf.files.write(folder, name, { text, expectedDigest: expected, signal: ctx.signal });
  const { digest, sizeBytes, isChanged } = written;
  const beforeRef = written.before === null ? null : await shelf.parts.recorder.keepBytes(written.before);
  const version = versionOf(shelf, agent) + (isChanged ? 1 : 0);
  if (isChanged) await ctx.emit(ProfileWritten, { agent, project, name, version, digest, sizeBytes, beforeRef });
  return { agent, digest, version, beforeRef, isChanged };
}

function invalid(agent: string, faults: readonly ProfileFault[]): Problem {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  const hint = first?.hint === undefined ? "" : `; ${first.hint}`;
  const file = `.arw/agents/${agent.split("@")[0]}.toml`;
  return new Problem(InvalidProfile, `${agent}: ${file}, line ${first?.line}: ${first?.message}${hint}${more}`, {
    faults: [...faults],
  });
}

const namePattern = /^([a-z][a-z0-9-]{0,39})@([a-z0-9][a-z0-9-]{0,59})$/u;

/** Null where there is no such file; throws where there is one with faults. */
async function placedOf(agent: string, shelf: Shelf, signal: AbortSignal): Promise<PlacedProfile | null> {
  const [, name, project] = namePattern.exec(agent) ?? [];
  if (name === undefined || project === undefined) return null;
  const { folder } = await projectOf(project, shelf, signal);
  const found = await readAt({ folder, project, name }, shelf, signal);
  if (found === null) return null;
  if (found.read.kind === "faults") throw invalid(agent, found.read.faults);
  const { digest, version, read } = found;
  const serverTools = await serverToolsOf(agent, read.profile, hubIn(shelf, signal));
  return { agent, folder, project, digest, version, profile: read.profile, ...serverTools };
}

function finderOf(shelf: Shelf): AgentFinder {
  return {
    async find(agent, signal) {
      const placed = await placedOf(agent, shelf, signal);
      return placed === null ? null : foundOf(placed, shelf);
    },
    async list(signal) {
      const agents: FoundAgent[] = [];
      const faulty: FaultyAgent[] = [];
      for (const where of await placesOf(await projectsOf(shelf, signal), shelf, signal)) {
        const agent = agentOf(where);
        const placed = await placedOf(agent, shelf, signal).catch((error: unknown) => {
          if (!(error instanceof Problem)) throw error;
          faulty.push({ agent, fault: error.message });
          return null;
        });
        if (placed !== null) agents.push(foundOf(placed, shelf));
      }
      return { agents, faulty };
    },
    recorded: (_agent, input) => foundOf(readRun(input).placed, shelf),
  };
}

function foundOf(placed: PlacedProfile, shelf: Shelf): FoundAgent {
  const { profile, folder } = placed;
  const operations = operationsOf(placed, shelf.tools());
  const notes = notesToolOf(placed, shelf.tools()).filter(({ id }) => !operations.has(id));
  const granted = [...operations.values(), ...notes.map((each) => hubTool(each, placed))];
  const asks = profile.ask.flatMap((id) => operations.get(id) ?? []).map(({ askKey }) => askKey);
  return {
    program: createProfileProgram(placed, shelf.tools()),
    folder,
    grants: granted.map(({ grant }) => grant).slice(0, grantsMax),
    // Whether a run goes on is its person's to say, whatever was granted.
    asks: [...new Set([...asks, gateKey(GoOn)])],
    allowances: profile.budget,
    given: (input) => runOf(input, placed),
  };
}

async function preview(
  { agent, task, history }: Static<typeof PreviewContext.input>,
  shelf: Shelf,
  ctx: Context,
): Promise<Static<typeof PreviewContext.output>> {
  const placed = await placedOf(agent, shelf, ctx.signal);
  if (placed === null) throw new Problem(NotFound, `there is no agent ${agent}`);
  const turn: Turn = { task, ...(history === undefined ? {} : { history }) };
  const { slots, tokens } = contextOf({ placed, turn, tools: { startedAtMs: ctx.now() } }, [], "");
  const operations = operationsOf(placed, shelf.tools());
  return {
    agent,
    model: placed.profile.model,
    tokens,
    tokensMax: placed.profile.contextTokens,
    isEstimated: true,
    slots: [...slots],
    tools: offeredTo({ operations, placed, depth: 0 }).map(({ name }) => name),
  };
}
