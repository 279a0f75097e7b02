/** One turn of a conversation: what every agent that one can talk to is given, and what it answers. */
import {
  closed,
  Digest,
  DurationMs,
  FolderPath,
  oneOf,
  RelativePath,
  type Static,
  Type,
} from "../../contract/schema.ts";
import { ProjectName } from "../projects/contract.ts";

const Count = Type.Integer({ minimum: 0 });
const Counted = Type.Union([Count, Type.Null()], { description: "Null where nobody counted." });

export const Turn = closed({
  task: Type.String({ minLength: 1, maxLength: 200_000, description: "What the agent is to do, in plain words." }),
  history: Type.Optional(
    Type.Array(closed({ role: oneOf(["user", "assistant"]), text: Type.String({ maxLength: 200_000 }) }), {
      maxItems: 1000,
      description: "What was said before, oldest first.",
    }),
  ),
  attachments: Type.Optional(
    Type.Array(closed({ path: RelativePath, digest: Digest }), {
      maxItems: 64,
      description: "Files of the run's folder to look at, each as it was when it was attached.",
    }),
  ),
  model: Type.Optional(
    Type.String({ minLength: 1, maxLength: 400, description: "Asked in place of the agent's own model." }),
  ),
  project: Type.Optional(ProjectName),
  folder: Type.Optional(FolderPath),
});
export type Turn = Static<typeof Turn>;

export const TurnAnswer = closed({
  text: Type.String(),
  citations: Type.Array(
    closed({
      path: RelativePath,
      line: Type.Integer({ minimum: 1 }),
      digest: Type.Optional(Digest),
    }),
    { maxItems: 200 },
  ),
  isExtractive: Type.Boolean({ description: "Quoted from files; no model was asked." }),
  spent: closed({
    steps: Count,
    inputTokens: Counted,
    outputTokens: Counted,
    microUsd: Type.Union([Count, Type.Null()], { description: "Millionths of a dollar; null where nobody knows." }),
    durationMs: DurationMs,
  }),
});
export type TurnAnswer = Static<typeof TurnAnswer>;
