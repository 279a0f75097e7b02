/**
 * Questions of the hub in the window of somebody else's agent, as elicitation. The program there answers for its person, so only
 * a form that was filled in counts as a yes, and what is none of the two answers is none at all.
 */
import { showControls } from "../../base/text-marks.ts";
import { type Id, isRecord, notificationText, requestText } from "./messages.ts";
import type { CallTurn } from "./call-turn.ts";
import type { Decision, Lines, Params, Question } from "./port.ts";
import { capabilitiesOf, revisionOf } from "./serve.ts";

export interface Elicitor {
  /** Hears what the client says of itself. */
  greeted(params: Params): void;
  /** Whether a message of this id is about a question of ours. */
  owns(id: Id): boolean;
  /** What the client answers to a question of ours. */
  take(id: Id, answer: Params): void;
  /**
   * For one call. Null when nothing was answered: the client cannot ask, its person closed the form, or the question was answered
   * elsewhere.
   */
  askFor(turn: CallTurn, params: Params): (question: Question, signal: AbortSignal) => Promise<Decision | null>;
}

const yes = "allow once";
const no = "deny";
/** A call's arguments are shown in part; all of it stands with the hub. */
const summaryMax = 600;

export function createElicitor(client: Pick<Lines, "write">): Elicitor {
  const open = new Map<Id, (answer: Params) => void>();
  let canAsk = false;
  const ask = async (question: Question, signal: AbortSignal): Promise<Decision | null> => {
    if (!canAsk || signal.aborted) return null;
    // The hub made it for this question, and no server knows it: nothing else can be answered in its place.
    const id = `arw-${question.approvalId}`;
    const answer = Promise.withResolvers<Params | null>();
    const leave = (): void => answer.resolve(null);
    open.set(id, answer.resolve);
    signal.addEventListener("abort", leave, { once: true });
    try {
      await client.write(requestText(id, "elicitation/create", formOf(question)));
      const said = await answer.promise;
      if (said === null) await client.write(notificationText("notifications/cancelled", { requestId: id, reason }));
      return said === null ? null : decisionOf(said["result"]);
    } finally {
      open.delete(id);
      signal.removeEventListener("abort", leave);
    }
  };
  return {
    greeted: ({ capabilities }) => {
      canAsk = takesForms(capabilities);
    },
    owns: (id) => open.has(id),
    take: (id, answer) => open.get(id)?.(answer),
    askFor(turn, params) {
      if (revisionOf(params) === null) return ask;
      return async (question, signal) => {
        if (!takesForms(capabilitiesOf(params)) || signal.aborted) return null;
        const request = { method: "elicitation/create", params: formOf(question) };
        const said = await turn.sendAway(question.approvalId, request);
        return signal.aborted ? null : decisionOf(said);
      };
    },
  };
}

const reason = "The question was answered elsewhere, or nobody waits for it any more.";

/** An empty object stands for forms alone; who names ways names that one. */
function takesForms(capabilities: unknown): boolean {
  const { elicitation } = isRecord(capabilities) ? capabilities : {};
  return isRecord(elicitation) && (Object.keys(elicitation).length === 0 || isRecord(elicitation["form"]));
}

const formOf = ({ agent, summary, why, rule }: Question): Params => ({
  message: [
    `ARW asks you: may ${agent} make this call, once?`,
    showControls(summary).slice(0, summaryMax),
    `Why you are asked: ${showControls(why)} (${rule}). No answer is a no.`,
  ].join("\n"),
  requestedSchema: {
    type: "object",
    properties: {
      answer: { type: "string", title: "Your answer", description: "It holds for this call alone.", enum: [no, yes] },
    },
    required: ["answer"],
  },
});

/** To agree to a form without filling it in is no yes. */
function decisionOf(result: unknown): Decision | null {
  if (!isRecord(result)) return null;
  const { action, content } = result;
  if (action === "decline") return "deny";
  const said = isRecord(content) ? content["answer"] : undefined;
  if (action !== "accept") return null;
  return said === yes ? "allow" : said === no ? "deny" : null;
}
