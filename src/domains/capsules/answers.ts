/** What a recorded agent of others was offered and answered, so that it can be served once more. */
import { bind, type Bound, op } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { Envelope } from "../../contract/event.ts";
import type { KeptValue, Recorded } from "../episodes/contract.ts";
import { SessionListed } from "../mcp/contract.ts";
import {
  CapsuleName,
  CapsuleTooLarge,
  CapsuleUnsound,
  FileNotTaken,
  type Recording,
  type RecordingSource,
  RunIsGoing,
} from "./contract.ts";
import { NoRun } from "./replay.ts";

/** A session with more calls is told of by its first ones. */
const answersMax = 10_000;

const PlayedAnswer = closed({
  tool: Type.String(),
  params: Type.Unknown({ description: "As the agent asked, redacted." }),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Unknown({ description: "What the server said in place of a result." })),
});
type PlayedAnswer = Static<typeof PlayedAnswer>;

export const Answers = op({
  id: "capsules.answers",
  http: "POST /capsules/answers",
  cli: "",
  effect: "read",
  isForPersons: true,
  about: "Give the tools and the answers of a recorded session of somebody else's agent, to serve them once more.",
  input: closed({ capsule: CapsuleName }),
  output: closed({
    server: Type.String(),
    tools: Type.Array(Type.Unknown({ description: "As the server defined it." })),
    answers: Type.Array(PlayedAnswer, { maxItems: answersMax }),
  }),
  problems: [NotFound, CapsuleUnsound, FileNotTaken, RunIsGoing, CapsuleTooLarge, NoRun],
});

export const answersOperation = ({ recordings }: { readonly recordings: RecordingSource }): Bound =>
  bind(Answers, async ({ capsule }, { signal }) => {
    const recording = await recordings.of(capsule, signal);
    const listed = recording.events.findLast(({ kind, data }) => kind === SessionListed.kind && data !== null);
    if (listed === undefined) throw new Problem(NoRun, `${capsule} holds no session with the tools of a server`);
    const { server, listed: kept } = listed.data as Static<typeof SessionListed.data>;
    const lines = (await valueOf(kept, recording)) as readonly { readonly definition: unknown }[] | null;
    const answers: PlayedAnswer[] = [];
    for (const event of recording.events) {
      const answer = await answerOf(event, recording);
      if (answer !== null && answers.push(answer) >= answersMax) break;
    }
    return { server, tools: (lines ?? []).map(({ definition }) => definition), answers };
  });

/** Refused calls reached no server, so nothing is served for them. */
async function answerOf({ data }: Envelope, recording: Recording): Promise<PlayedAnswer | null> {
  const { asked, recorded, extra } = (data ?? {}) as {
    readonly asked?: KeptValue;
    readonly recorded?: Recorded;
    readonly extra?: { readonly error?: unknown };
  };
  if (asked === undefined) return null;
  const call = (await valueOf(asked, recording)) as { readonly tool?: unknown; readonly params?: unknown } | null;
  if (typeof call?.tool !== "string") return null;
  const { tool, params } = call;
  if (recorded === undefined)
    return extra?.error === undefined || extra.error === null ? null : { tool, params, error: extra.error };
  if (recorded.kept === "inline") return { tool, params, result: recorded.result };
  const bytes = recorded.kept === "blob" ? await recording.blob(recorded.resultRef) : null;
  return bytes === null ? null : { tool, params, result: textOf(bytes) };
}

const textOf = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

async function valueOf({ value, valueRef }: KeptValue, recording: Recording): Promise<unknown> {
  if (value !== undefined) return value;
  const bytes = valueRef === undefined ? null : await recording.blob(valueRef);
  return bytes === null ? null : textOf(bytes);
}
