/** An agent as it is written in a file of a project: instructions, a model, and what it may use. Everything in it is data. */
import { closed, Digest, oneOf, type Static, Type } from "../../contract/schema.ts";

/** Characters of a file. A longer one nobody reads before they let it work. */
export const profileCharsMax = 65_536;
const instructionsCharsMax = 32_000;
const toolsMax = 64;
const linesMax = 16;
const childrenMax = 16;

export const AgentWord = Type.String({
  pattern: "^[a-z][a-z0-9-]{0,39}$",
  description: "Name of the agent within its project: small letters, digits and dashes.",
});
const ToolId = Type.String({ minLength: 1, maxLength: 200 });
const Tools = Type.Array(ToolId, { maxItems: toolsMax });

/** What nobody needs to set. */
export const defaults = {
  model: "chat",
  /** Fits the models that people run at home; a larger one is told so in the file. */
  contextTokens: 16_000,
  /** An answer of a few pages. */
  answerTokens: 2048,
  /** Enough for the tasks that people give; one that goes in circles is stopped before it costs much. */
  steps: 40,
  /** The third time the same call is made in a row, it will not answer anything else. */
  sameCalls: 3,
  minutes: 15,
} as const;

/** The file, field by field. */
export const ProfileFile = closed({
  about: Type.String({ minLength: 1, maxLength: 300 }),
  instructions: Type.String({ minLength: 1, maxLength: instructionsCharsMax }),
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 400 })),
  tools: Type.Optional(Tools),
  ask: Type.Optional(Tools),
  notes: Type.Optional(oneOf(["project", "own"])),
  children: Type.Optional(Type.Array(AgentWord, { maxItems: childrenMax })),
  budget: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: linesMax })),
  context: Type.Optional(
    closed({
      tokens: Type.Optional(Type.Integer({ minimum: 1024, maximum: 2_000_000 })),
      answer: Type.Optional(Type.Integer({ minimum: 64, maximum: 100_000 })),
    }),
  ),
  ceilings: Type.Optional(
    closed({
      steps: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      sameCalls: Type.Optional(Type.Integer({ minimum: 2, maximum: 20 })),
      minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1440 })),
    }),
  ),
});
export type ProfileFile = Static<typeof ProfileFile>;

/** The same with all that was left out, as a run of it keeps it. */
export const Profile = closed({
  about: ProfileFile.properties.about,
  instructions: ProfileFile.properties.instructions,
  model: Type.String({ description: "Name of a role, or server and model." }),
  tools: Tools,
  ask: Type.Array(ToolId, { maxItems: toolsMax, description: "Tools that a person is asked about each time." }),
  notes: Type.Optional(
    oneOf(["project", "own"], "The notes that it begins with: those of the project, or those that it wrote itself."),
  ),
  children: Type.Array(AgentWord, { description: "Agents of the project that it may hand work to." }),
  budget: Type.Array(Type.String(), { description: "Allowances that every run of it is held to." }),
  contextTokens: Type.Integer({ description: "All that the model is given at once and answers, tokens." }),
  answerTokens: Type.Integer({ description: "The part of it that is kept for the answer, tokens." }),
  ceilings: closed({
    steps: Type.Integer({ description: "Calls, of models and of tools, after which its person is asked." }),
    sameCalls: Type.Integer({ description: "The same call so often in a row, and its person is asked." }),
    minutes: Type.Integer({ description: "Minutes of work after which its person is asked." }),
  }),
});
export type Profile = Static<typeof Profile>;

/** A tool of an MCP server, as the server described it when a run began. */
export const ServerTool = closed({
  server: Type.String(),
  tool: Type.String(),
  isReading: Type.Boolean({ description: "A person said that it only reads." }),
  about: Type.String(),
  input: Type.Unknown({ description: "JSON Schema of its arguments." }),
});
export type ServerTool = Static<typeof ServerTool>;

/** A profile with the place and the state in which it was found. */
export const PlacedProfile = closed({
  agent: Type.String({ description: "`helper@garden`." }),
  folder: Type.String(),
  project: Type.String(),
  digest: Digest,
  version: Type.Integer({ minimum: 0, description: "How often it was saved by the hub; 0 when only by hand." }),
  profile: Profile,
  serverTools: Type.Optional(Type.Array(ServerTool)),
});
export type PlacedProfile = Static<typeof PlacedProfile>;

export function profileOf(file: ProfileFile): Profile {
  const { about, instructions, context = {}, ceilings = {} } = file;
  return {
    about,
    instructions,
    ...(file.notes === undefined ? {} : { notes: file.notes }),
    model: file.model ?? defaults.model,
    tools: [...new Set(file.tools ?? [])],
    ask: [...new Set(file.ask ?? [])],
    children: [...new Set(file.children ?? [])],
    budget: file.budget ?? [],
    contextTokens: context.tokens ?? defaults.contextTokens,
    answerTokens: context.answer ?? defaults.answerTokens,
    ceilings: {
      steps: ceilings.steps ?? defaults.steps,
      sameCalls: ceilings.sameCalls ?? defaults.sameCalls,
      minutes: ceilings.minutes ?? defaults.minutes,
    },
  };
}
