/**
 * An agent with a model at work: it is given what it needs to know, says which tool it wants, sees what came of it, and goes
 * on until it answers. The code decides nothing that stands outside the record, so a resumed run takes the same way.
 */
import type { Static } from "../../contract/schema.ts";
import { Chat } from "../models/contract.ts";
import { callTools } from "./calling.ts";
import type { Exchange, Message } from "./context.ts";
import { refusedEnd } from "./refusals.ts";
import { contextOf, offeredTo, type Worked, type Working } from "./working.ts";

/** How often in a row a model is asked again after it wrote what is no call. */
export const retriesMax = 2;
/** Rounds of one agent: far above any ceiling that a file may set, so that a defect ends. */
const roundsMax = 2000;

type Answer = Static<typeof Chat.output>;

export async function work(working: Working): Promise<Worked> {
  const evidence: Exchange[] = [...working.known];
  const notDone: string[] = [];
  const state = { plan: "", retries: 0 };
  const ended = (text: string, stopped: string | null): Worked => ({ text, stopped, notDone, evidence });
  for (let round = 0; round < roundsMax; round += 1) {
    const answer = await asked(working, evidence, { plan: state.plan, isBegun: round > 0 });
    if (typeof answer === "string") return ended("", answer);
    if (answer.toolCalls.length === 0 && answer.text.trim() !== "") return ended(answer.text.trim(), null);
    const exchange = await callTools(answer, { working, state, notDone, work }).catch(refusedEnd);
    if (typeof exchange === "string") return ended(answer.text.trim(), exchange);
    evidence.push(exchange);
    if (state.retries > retriesMax)
      return ended(answer.text.trim(), "the model did not manage to say which tool it wants");
  }
  return ended("", `it worked for ${roundsMax} rounds`);
}

/** The next words of the model, or why it was not asked. */
async function asked(
  working: Working,
  evidence: readonly Exchange[],
  { plan, isBegun }: { readonly plan: string; readonly isBegun: boolean },
): Promise<Answer | string> {
  const { placed, tools, ceilings, meter } = working;
  const { profile } = placed;
  const { messages } = contextOf(working, evidence, plan);
  const input = {
    model: profile.model,
    messages: messages.map(chatMessage),
    tools: offeredTo(working).map((tool) => ({ ...tool })),
    tokensMax: profile.answerTokens,
  };
  try {
    await ceilings.pass();
    const answer = await tools.call(Chat, input, `ask ${profile.model} what to do next`);
    meter.answered(answer);
    return answer;
  } catch (error) {
    // Where no model ever answered, nothing was done that a run could end with.
    if (!isBegun) throw error;
    return refusedEnd(error);
  }
}

const chatMessage = ({ role, text, toolCalls, toolCallId }: Message) => ({
  role,
  content: text === "" ? [] : [{ kind: "text" as const, text }],
  ...(toolCalls === undefined ? {} : { toolCalls: toolCalls.map((each) => ({ ...each })) }),
  ...(toolCallId === undefined ? {} : { toolCallId }),
});
