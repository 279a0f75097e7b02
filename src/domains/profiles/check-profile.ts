/** A file is looked at by whoever wrote it: its faults, and what it names that this hub does not have now. */
import { parseModelName } from "../../base/model-name.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { ListServers, Preview as PreviewModel } from "../models/contract.ts";
import type { Project } from "../projects/contract.ts";
import type { CheckProfile, ProfileFault } from "./contract.ts";
import type { ProfileFiles } from "./port.ts";
import { defaults } from "./profile.ts";
import { type ProfileRead, readProfile, type Workshop } from "./read-profile.ts";

export interface Checked extends Workshop {
  readonly files: Pick<ProfileFiles, "names">;
  readonly hub: Pick<Context, "call">;
  readonly projects: readonly Project[];
  readonly signal: AbortSignal;
}

export async function checkProfile(
  { text, file }: Static<typeof CheckProfile.input>,
  given: Checked,
): Promise<Static<typeof CheckProfile.output>> {
  const read = readProfile(text, given);
  const absent = [...(await absentModel(read, given)), ...(await absentChildren(read, file, given))];
  if (read.kind === "profile" && absent.length === 0) return { ok: true, profile: read.profile, faults: [] };
  const faults = read.kind === "faults" ? [...read.faults, ...absent] : absent;
  return { ok: false, profile: null, faults: faults.toSorted((one, other) => one.line - other.line) };
}

/** A role or a server may be named after the file: it is saved all the same, and only checking tells of it. */
async function absentModel({ part, lineOf }: ProfileRead, { hub }: Checked): Promise<readonly ProfileFault[]> {
  if (part === null) return [];
  const line = lineOf(["model"]);
  const model = part.model ?? defaults.model;
  const server = parseModelName(model)?.server;
  if (server !== undefined) {
    const { servers } = await hub.call(ListServers, {});
    if (servers.some((each) => each.server === server)) return [];
    return [{ line, message: `there is no model server ${server}`, hint: `add it with \`arw models add ${server}\`` }];
  }
  try {
    await hub.call(PreviewModel, { model, text: "" });
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [{ line, message: error.message.slice(0, 500) }];
  }
}

const placePattern = /^(.+)\/\.arw\/agents\/([a-z][a-z0-9-]{0,39})\.toml$/u;

/** Known only of a file that lies where the agents of a project are. */
async function absentChildren(
  { part, lineOf }: ProfileRead,
  file: string | undefined,
  { files, projects, signal }: Checked,
): Promise<readonly ProfileFault[]> {
  const [, folder, self] = placePattern.exec(file ?? "") ?? [];
  const project = projects.find((each) => each.folder === folder);
  if (part?.children === undefined || project === undefined) return [];
  const names = await files.names(project.folder, signal);
  const line = lineOf(["children"]);
  return part.children.flatMap((child): readonly ProfileFault[] => {
    if (child === self) return [{ line, message: `${child} is the agent itself, and hands nothing to itself` }];
    if (names.includes(child)) return [];
    return [
      { line, message: `there is no agent ${child}@${project.project}`, hint: `write .arw/agents/${child}.toml` },
    ];
  });
}
