import { CorrelationId, oneOf } from "../../contract/schema.ts";
import { on, view } from "../../contract/view.ts";
import {
  Question,
  QuestionAnswered,
  QuestionAsked,
  QuestionExpired,
  questionStatuses,
  QuestionWithdrawn,
} from "./contract.ts";

export const questionsMax = 5000;

const row = on<Question>();
const closedAs =
  (status: Question["status"]) =>
  (
    before: Question | undefined,
    e: { readonly timeMs: number; readonly data: { readonly reason: string } },
  ): Question | null =>
    before === undefined ? null : { ...before, status, endedAtMs: e.timeMs, reason: e.data.reason };

export const questions = view(Question)({
  name: "questions",
  version: 1,
  about: "Questions of agents to their person, and what was answered, newest first.",
  rowsMax: questionsMax,
  filters: {
    status: { schema: oneOf(questionStatuses), matches: (each: Question, value: string) => each.status === value },
    episode: { schema: CorrelationId, matches: (each: Question, value: string) => each.corrId === value },
  },
  folds: [
    row(
      QuestionAsked,
      (e) => e.data.questionId,
      (_row, e) => ({ ...e.data, status: "waiting", askedBy: e.caller, corrId: e.corrId, askedAtMs: e.timeMs }),
    ),
    row(
      QuestionAnswered,
      (e) => e.data.questionId,
      (before, e) =>
        before === undefined
          ? null
          : { ...before, status: "answered", text: e.data.text, endedAtMs: e.timeMs, answeredBy: e.caller },
    ),
    row(QuestionExpired, (e) => e.data.questionId, closedAs("expired")),
    row(QuestionWithdrawn, (e) => e.data.questionId, closedAs("withdrawn")),
  ],
});
