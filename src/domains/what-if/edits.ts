/** Answers that a person writes in the place of recorded ones, and words put behind a task. */
import { Problem } from "../../contract/problem.ts";
import { checkerOf } from "../../contract/schema.ts";
import { answerWords, faultWords } from "./answer-words.ts";
import { BadEdit } from "./contract.ts";
import type { Answers } from "./step-answers.ts";

/** By step. Throws `BadEdit`. */
export function editsOf(texts: readonly string[], answers: Answers): ReadonlyMap<number, unknown> {
  return new Map(texts.map((text) => editOf(text, answers)));
}

function editOf(text: string, answers: Answers): readonly [number, unknown] {
  const [, number, written] = /^(\d{1,9})=(.*)$/s.exec(text) ?? [];
  const step = Number(number);
  if (written === undefined) throw new Problem(BadEdit, `${JSON.stringify(text.slice(0, 40))} is not STEP=ANSWER`);
  const known = answers.of(step);
  if (known === undefined || known.result === undefined)
    throw new Problem(BadEdit, `the record holds no answer of step ${step}, so there is none to change`);
  const { operation } = known.step;
  const answer = answerFrom(written, known.result);
  const checker = checkerOf(operation.output);
  if (checker.check(answer)) return [step, answer];
  const [fault] = checker.faults(answer);
  const wrong =
    answer === undefined || fault === undefined
      ? "what is given is not JSON"
      : faultWords(operation.output, answer, fault);
  throw new Problem(
    BadEdit,
    `${operation.id} cannot answer this: ${wrong}. Its answer is ${answerWords(operation.output)}. It answered ${shown(known.result)} Write the whole answer as JSON into a file and give it as ${step}=@FILE`,
  );
}

/** As JSON where it reads as such; else as the text in the place of the recorded one. */
function answerFrom(written: string, recorded: unknown): unknown {
  const json = jsonOf(written);
  if (typeof recorded !== "object" || recorded === null) return json ?? written;
  if (typeof json === "object" && json !== null) return json;
  return "text" in recorded && typeof recorded.text === "string" ? { ...recorded, text: written } : json;
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
