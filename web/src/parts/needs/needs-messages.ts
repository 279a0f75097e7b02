/** The strings of what waits for a person beside approvals; they come when something does. */
import { type Message, translatorOf } from "../../text/messages.ts";

const messages = {
  "ask.card.label": "Question of {agent}: {question}",
  "ask.card.waiting": "{agent} asks you",
  "ask.card.options": "Answers to choose from",
  "ask.card.answer": "Your answer",
  "ask.card.send": "Answer",
  "ask.card.until": "It waits until {clock}; without an answer the agent is told that nobody answered.",
  "ask.done.answered": "Answered",
  "ask.done.expired": "Nobody answered in time",
  "ask.done.withdrawn": "Withdrawn: its run has ended",
  "missed.card.label": "Missed: {name}",
  "missed.card.title": { one: "{name} missed {count} time", other: "{name} missed {count} times" },
  "missed.card.due": "It was due {when}.",
  "missed.card.run": "Run it now",
  "missed.card.drop": "Let it go",
} as const satisfies Readonly<Record<string, Message>>;

export const w = translatorOf<keyof typeof messages>(messages);

/** For the tests of the catalog. */
export const needsCatalog: Readonly<Record<string, Message>> = messages;
