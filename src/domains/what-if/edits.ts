/** Answers that a person writes in the place of recorded ones, and words put behind a task. */
import type { Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { checkerOf } from "../../contract/schema.ts";
import { Chat } from "../models/contract.ts";
import { answerWords, faultWords } from "./answer-words.ts";
import { BadEdit } from "./contract.ts";
import type { Answers } from "./step-answers.ts";

/** By step. Throws `BadEdit`. */
export function editsOf(texts: readonly string[], answers: Answers): ReadonlyMap<number, unknown> {
  const edits = new Map<number, unknown>();
  const texted = new Map<number, string>();
  for (const text of texts) {
    const [step, answer] = editOf(text, answers);
    const other = texted.get(step);
    if (other !== undefined) {
      const both = `${beginning(other)} and ${beginning(text)}`;
      throw new Problem(
        BadEdit,
        `step ${step} is given two answers, ${both}; a step gives one, so leave one of them out`,
      );
    }
    texted.set(step, text);
    edits.set(step, answer);
  }
  return edits;
}

const beginning = (text: string): string => JSON.stringify(text.slice(0, 40));

function editOf(text: string, answers: Answers): readonly [number, unknown] {
  const [, number, written] = /^(\d{1,9})=(.*)$/s.exec(text) ?? [];
  const step = Number(number);
  if (written === undefined) throw new Problem(BadEdit, `${beginning(text)} is not STEP=ANSWER`);
  const known = answers.of(step);
  if (known === undefined || known.result === undefined)
    throw new Problem(BadEdit, `the record holds no answer of step ${step}, so there is none to change`);
  const { operation } = known.step;
  const answer = answerFrom(written, known.result, operation);
  const checker = checkerOf(operation.output);
  if (checker.check(answer)) return [step, answer];
  const [fault] = checker.faults(answer);
  const wrong =
    answer === undefined || fault === undefined
      ? "what is given is not JSON"
      : faultWords(operation.output, answer, fault);
  throw new Problem(
    BadEdit,
    `${operation.id} cannot answer this: ${wrong}. Its answer is ${answerWords(operation.output)}. It answered ${shown(known.result)} Fields that are left out stay as they were; a file is given as ${step}=@FILE`,
  );
}

/** Fields of an object that are left out stay as recorded; what is no JSON is the text in the place of the recorded one. */
function answerFrom(written: string, recorded: unknown, { id }: Pick<Operation, "id">): unknown {
  const json = jsonOf(written);
  if (typeof recorded !== "object" || recorded === null || Array.isArray(recorded)) return json ?? written;
  if (typeof json === "object" && json !== null) return Array.isArray(json) ? json : { ...recorded, ...json };
  if (!("text" in recorded) || typeof recorded.text !== "string") return json;
  // A model that is given other words would have said these, and called nothing.
  const calm = id === Chat.id ? { toolCalls: [], finish: "stop" } : {};
  return { ...recorded, ...calm, text: written };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Enough to know it again; the whole may be a file. */
const shownMax = 200;
const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > shownMax ? `${text.slice(0, shownMax - 1)}…` : `${text}.`;
};

/** What a run was given with words behind its task; null where it was given no words. */
export function withHint(input: unknown, hint: string): unknown {
  if (typeof input !== "object" || input === null) return null;
  const { task, turn } = input as { readonly task?: unknown; readonly turn?: unknown };
  if (typeof task === "string") return { ...input, task: `${task}\n\n${hint}` };
  const inner = turn === undefined ? null : withHint(turn, hint);
  return inner === null ? null : { ...input, turn: inner };
}
