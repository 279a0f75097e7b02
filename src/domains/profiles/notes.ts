/** The notes that an agent begins with: those of its project, or those that it wrote itself. */
import type { Operation } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import type { Tools } from "../agents/contract.ts";
import type { Exchange } from "./context.ts";
import { toolName } from "./offered-tools.ts";
import type { PlacedProfile } from "./profile.ts";
import { endsRun } from "./refusals.ts";

/** The tool that reads notes, as it stands now: superseded and forgotten ones are in no answer of it. */
const notesId = "notes.read";
/** More of them fill the context; the agent looks for others by its tools. */
const notesMax = 50;

export const notesToolOf = (
  { profile }: Pick<PlacedProfile, "profile">,
  known: ReadonlyMap<string, Operation>,
): readonly Operation[] => (profile.notes === undefined ? [] : [known.get(notesId) ?? []].flat());

interface Reading {
  readonly placed: PlacedProfile;
  readonly tools: Tools;
  readonly operation: Operation;
}

interface Note {
  readonly topic: string;
  readonly text: string;
  readonly author: string;
  readonly episode: string;
}

/** Nothing where there are none; a no is told to the model like any other. */
export async function readNotes({ placed, tools, operation }: Reading): Promise<readonly Exchange[]> {
  const { agent, project, profile } = placed;
  const source = `Notes of ${profile.notes === "own" ? agent : project}:`;
  try {
    const input = { project, limit: notesMax };
    const { notes } = (await tools.call(operation, input, `read the notes of ${project}`)) as {
      readonly notes: readonly Note[];
    };
    const wanted = profile.notes === "own" ? notes.filter(({ author }) => author === `agent:${agent}`) : notes;
    const lines = wanted.map(
      ({ topic, text, author, episode }) => `- ${topic}: ${text} (${author}, episode ${episode})`,
    );
    return lines.length === 0 ? [] : [exchangeOf(source, lines.join("\n"))];
  } catch (error) {
    if (!isProblem(error) || endsRun(error)) throw error;
    return [exchangeOf(source, `Not read: ${error.message}`)];
  }
}

const exchangeOf = (source: string, answer: string): Exchange => ({
  said: "",
  calls: [{ id: "notes", name: toolName(notesId), argumentsText: "{}", source, answer }],
});
