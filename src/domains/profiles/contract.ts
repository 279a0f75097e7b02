/** Profiles: agents of a project, each written in a file of its folder, and the loop that lets them work. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { closed, Digest, EpochMs, oneOf, SizeBytes, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { InvalidProfile, NotATurn, Turn, UnknownAgent } from "../agents/contract.ts";
import { fileProblems } from "../fs/contract.ts";
import { ProjectName } from "../projects/contract.ts";
import { AgentWord, Profile, profileCharsMax } from "./profile.ts";

export { InvalidProfile, NotATurn };

const AgentName = Type.String({
  pattern: "^[a-z][a-z0-9-]{0,39}@[a-z0-9][a-z0-9-]{0,59}$",
  description: "Agent of a project: `helper@garden`.",
});
export const ProfileFault = closed({
  line: Type.Integer({ minimum: 1 }),
  message: Type.String(),
  hint: Type.Optional(Type.String({ description: "What to write instead." })),
});
export type ProfileFault = Static<typeof ProfileFault>;
const Version = Type.Integer({
  minimum: 0,
  description: "How often the hub saved it; 0 where it was only written by hand.",
});

export const ProfileWritten = event({
  kind: "profiles.written",
  about: "A person saved an agent of a project.",
  data: closed({
    agent: AgentName,
    project: ProjectName,
    name: AgentWord,
    version: Type.Integer({ minimum: 1 }),
    digest: Digest,
    sizeBytes: SizeBytes,
    beforeRef: Type.Union([Digest, Type.Null()], { description: "What the file was before, in the blob store." }),
  }),
});

export const ProfileVersion = closed({
  agent: AgentName,
  project: ProjectName,
  name: AgentWord,
  version: Type.Integer({ minimum: 1 }),
  digest: Digest,
  savedAtMs: EpochMs,
  savedBy: Type.String(),
});
export type ProfileVersion = Static<typeof ProfileVersion>;

const scope = ({ project }: { readonly project: string }) => ({ project });
const place = { project: ProjectName, name: AgentWord };
const Text = Type.String({
  maxLength: profileCharsMax,
  description: "Text of the file; on the command line its path.",
});

const Line = closed({
  agent: AgentName,
  ...place,
  about: Type.String({ description: "Empty where the file has faults." }),
  model: Type.String(),
  tools: Type.Array(Type.String()),
  version: Version,
  ok: Type.Boolean({ description: "False where the file has faults; such an agent is not run." }),
});
export const ListProfiles = op({
  id: "profiles.list",
  http: "GET /profiles",
  cli: "profiles",
  effect: "read",
  about: "List the agents of your projects.",
  input: closed({ project: Type.Optional(ProjectName) }),
  output: closed({ profiles: Type.Array(Line) }),
  problems: [NotFound, ...fileProblems],
  needs: ["fs:read"],
});
export const ShowProfile = op({
  id: "profiles.show",
  http: "GET /projects/{project}/agents/{name}",
  cli: "profiles show <project> <name>",
  effect: "read",
  about: "Show the file of an agent, and what is wrong with it.",
  input: closed(place),
  output: closed({
    agent: AgentName,
    text: Type.String(),
    digest: Digest,
    version: Version,
    profile: Type.Union([Profile, Type.Null()], { description: "As it works; null where the file has faults." }),
    faults: Type.Array(ProfileFault),
  }),
  problems: [NotFound, ...fileProblems],
  needs: ["fs:read"],
  scope,
});
export const SaveProfile = op({
  id: "profiles.save",
  http: "PUT /projects/{project}/agents/{name}",
  cli: "profiles save <project> <name> <text>",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  about: "Write the file of an agent, if it holds and still is what it was when it was read.",
  input: closed({
    ...place,
    text: Text,
    expectedDigest: Type.Optional(
      Type.Union([Digest, Type.Null()], {
        description: "What the file must be now: its digest, or null when it must not exist. Left out: whatever it is.",
      }),
    ),
  }),
  output: closed({
    agent: AgentName,
    digest: Digest,
    version: Version,
    beforeRef: ProfileWritten.data.properties.beforeRef,
    isChanged: Type.Boolean(),
  }),
  problems: [NotFound, InvalidProfile, ...fileProblems],
  emits: [ProfileWritten],
  needs: ["fs:write"],
  scope,
});
export const CheckProfile = op({
  id: "profiles.check",
  http: "POST /profiles/check",
  cli: "agents check <text>",
  effect: "read",
  about: "Check the file of an agent and name every fault with its line, without running anything.",
  input: closed({
    text: Text,
    file: Type.Optional(
      Type.String({ maxLength: 4096, description: "Where it lies, so that its children are looked for beside it." }),
    ),
  }),
  output: closed({
    ok: Type.Boolean(),
    profile: Type.Union([Profile, Type.Null()]),
    faults: Type.Array(ProfileFault),
  }),
});

export const slots = ["instructions", "plan", "history", "evidence", "reserve"] as const;
export const Slot = closed({
  slot: oneOf(slots),
  tokens: Type.Integer({ minimum: 0, description: "What it takes." }),
  tokensMax: Type.Integer({ minimum: 0, description: "What it may take." }),
  items: Type.Array(closed({ what: Type.String(), tokens: Type.Integer({ minimum: 0 }) })),
  leftOut: Type.Array(
    closed({
      what: Type.String(),
      tokens: Type.Integer({ minimum: 0 }),
      why: Type.String(),
      isShortened: Type.Boolean({ description: "An extract of it goes in." }),
    }),
  ),
});
export type Slot = Static<typeof Slot>;
export const PreviewContext = op({
  id: "profiles.context",
  http: "POST /profiles/context",
  cli: "agents context <agent> <task>",
  effect: "read",
  about: "Say what an agent's model would be given for a task, what would be left out and why; no model is asked.",
  input: closed({ agent: AgentName, task: Turn.properties.task, history: Turn.properties.history }),
  output: closed({
    agent: AgentName,
    model: Type.String(),
    tokens: Type.Integer({ minimum: 0 }),
    tokensMax: Type.Integer({ minimum: 0 }),
    isEstimated: Type.Boolean({ description: "Nobody counted: a token is taken for three bytes of text." }),
    slots: Type.Array(Slot),
    tools: Type.Array(Type.String()),
  }),
  problems: [NotFound, UnknownAgent, InvalidProfile, ...fileProblems],
  needs: ["fs:read"],
  scope: ({ agent }) => ({ project: agent.slice(agent.indexOf("@") + 1) }),
});
