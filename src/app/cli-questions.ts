/** How questions of agents look on the command line: who asks what, and how it is answered. */
import { formatDurationMs } from "../base/units.ts";
import { Answer, type Question } from "../domains/questions/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

export const questionShortIds = {
  [Answer.id]: [{ field: "questionId", list: "state.questions", key: "questionId" }],
};

export const questionAnswers = (nowMs: () => number) => ({
  "state.questions": (output: unknown, pen: Pen) =>
    questionsText((output as { items: readonly Question[] }).items, { pen, nowMs: nowMs() }),
  [Answer.id]: (output: unknown, pen: Pen) => questionsText([output as Question], { pen, nowMs: nowMs() }),
});

/** The end of an id tells those of one day apart. */
const shortLength = 8;
const statusWidth = 9;
const indent = " ".repeat(shortLength + 2);

interface Look {
  readonly pen: Pen;
  readonly nowMs: number;
}

function questionsText(questions: readonly Question[], look: Look): string {
  if (questions.length === 0) return look.pen.paint("dim", "No agent asked anything.");
  return questions.map((each) => questionText(each, look).join("\n")).join("\n");
}

function questionText(question: Question, { pen, nowMs }: Look): readonly string[] {
  const { questionId, status, askedBy, options, expiresAtMs, text, reason, answeredBy } = question;
  const isWaiting = status === "waiting";
  const short = questionId.slice(-shortLength);
  const [first = "", ...rest] = pen.safe(question.question).split("\n");
  const head = `${short}  ${pen.paint(isWaiting ? "yellow" : "dim", status.padEnd(statusWidth))}  ${pen.safe(askedBy)}: ${first}`;
  const shown = [head, ...rest.map((line) => indent + line)];
  if (text !== undefined)
    return [...shown, pen.paint("dim", `${indent}${pen.safe(answeredBy ?? "")}: ${pen.safe(text)}`)];
  if (!isWaiting) return [...shown, pen.paint("dim", indent + pen.safe(reason ?? ""))];
  const leftMs = expiresAtMs - nowMs;
  return [
    ...shown,
    ...options.map((each, place) => `${indent}${place + 1}  ${pen.safe(each)}`),
    `${indent}${pen.paint("cyan", `arw answer ${short} ${options.length === 0 ? "TEXT" : "NUMBER-OR-TEXT"}`)}`,
    ...(leftMs > 0 ? [pen.paint("dim", `${indent}${formatDurationMs(leftMs)} left, then it goes on without.`)] : []),
  ];
}
