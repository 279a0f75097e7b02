/** Questions: what an agent asks its person, and what they say to it. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";

export const QuestionId = Type.String({ minLength: 1, maxLength: 64 });

/** A question is read in one go; what it is about lies in files. */
export const questionCharsMax = 4000;
export const optionCharsMax = 200;
export const textCharsMax = 10_000;
const Words = Type.String({ minLength: 1, maxLength: questionCharsMax, description: "The question, in plain words." });
const optionsMax = 8;
const Options = Type.Array(Type.String({ minLength: 1, maxLength: optionCharsMax }), {
  maxItems: optionsMax,
  description: "Answers to choose from; a person may still say something else.",
});
const Text = Type.String({ minLength: 1, maxLength: textCharsMax, description: "What the person says." });
const Reason = Type.String({ maxLength: 500 });
/** More at once nobody answers, and whoever asks so much has lost its way. */
export const openEachMax = 20;
/** Of all runs, and of agents that call without one. */
export const openMax = 200;
/** An asker waits as long as the question is open, which the configuration says; no question is open longer. */
const waitMsMax = 604_800_000 + 60_000;

export const QuestionAsked = event({
  kind: "questions.asked",
  about: "An agent asks its person something and waits for what they say.",
  data: closed({
    questionId: QuestionId,
    question: Words,
    options: Options,
    expiresAtMs: EpochMs,
  }),
});
export const QuestionAnswered = event({
  kind: "questions.answered",
  about: "A person answered a question of an agent.",
  data: closed({ questionId: QuestionId, text: Text }),
});
export const QuestionExpired = event({
  kind: "questions.expired",
  about: "Nobody answered a question of an agent in time.",
  data: closed({ questionId: QuestionId, reason: Reason }),
});
export const QuestionWithdrawn = event({
  kind: "questions.withdrawn",
  about: "A question of an agent needs no answer any more: its run ended or was stopped.",
  data: closed({ questionId: QuestionId, reason: Reason }),
});

export const questionStatuses = ["waiting", "answered", "expired", "withdrawn"] as const;
export const Question = closed({
  questionId: QuestionId,
  status: oneOf(questionStatuses),
  question: Words,
  options: Options,
  askedBy: Type.String({ description: "Who asks, such as `agent:scout`." }),
  corrId: CorrelationId,
  askedAtMs: EpochMs,
  expiresAtMs: EpochMs,
  text: Type.Optional(Text),
  reason: Type.Optional(Reason),
  endedAtMs: Type.Optional(EpochMs),
  answeredBy: Type.Optional(Type.String()),
});
export type Question = Static<typeof Question>;

export const NoAnswer = problem({
  code: "questions.no-answer",
  status: 408,
  title: "No answer",
  about: "Nobody answered in time. Go on without it, say what was assumed, or leave out what needs the answer.",
});
export const TooManyQuestions = problem({
  code: "questions.too-many",
  status: 409,
  title: "Too many questions",
  about: "Twenty questions of this run wait already, or two hundred of all. Wait for answers, or go on without.",
});
export const OnlyAgents = problem({
  code: "questions.only-agents",
  status: 403,
  title: "Only agents ask",
  about:
    "A question is put to a person by an agent that waits for the answer. Persons answer: `arw questions` lists them.",
});
export const QuestionClosed = problem({
  code: "questions.closed",
  status: 409,
  title: "The question is closed",
  about: "It was answered, expired or withdrawn before, as `answer` says; nobody waits for it any more.",
});

export const Ask = op({
  id: "questions.ask",
  http: "POST /questions",
  cli: "",
  // Nothing is changed but that somebody is asked, so no rule asks whether to ask.
  effect: "read",
  isTool: true,
  deadlineMs: waitMsMax,
  about: "Ask the person a question and wait until they answer.",
  input: closed({ question: Words, options: Type.Optional(Options) }),
  output: closed({
    questionId: QuestionId,
    text: Text,
    option: Type.Union([Type.Integer({ minimum: 1, maximum: optionsMax }), Type.Null()], {
      description: "Which of the options the answer is, from 1; null where it is in other words.",
    }),
  }),
  problems: [NoAnswer, TooManyQuestions, OnlyAgents],
  emits: [QuestionAsked],
  needs: ["person:ask"],
  // What a person says is theirs, and that nobody said anything is the hub's own word.
  labelsOf: () => [],
});
export const Answer = op({
  id: "questions.answer",
  http: "POST /questions/{questionId}/answer",
  cli: "answer <questionId> <text>",
  effect: "write",
  isForPersons: true,
  about: "Answer a question of an agent, which goes on with what you say.",
  input: closed({ questionId: QuestionId, text: Text }),
  output: Question,
  problems: [NotFound, QuestionClosed],
  emits: [QuestionAnswered],
});
