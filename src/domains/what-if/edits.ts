/** Answers that a person writes in the place of recorded ones, and words put behind a task. */
import { Problem } from "../../contract/problem.ts";
import { checkerOf } from "../../contract/schema.ts";
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
  throw new Problem(
    BadEdit,
    `${operation.id} cannot answer this: ${fault?.at ?? ""} ${fault?.message ?? ""}. It answered ${shown(known.result)}`,
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

const shownMax = 300;
const shown = (value: unknown): string => JSON.stringify(value).slice(0, shownMax);

/** What a run was given with words behind its task; null where it was given no words. */
export function withHint(input: unknown, hint: string): unknown {
  if (typeof input !== "object" || input === null) return null;
  const { task, turn } = input as { readonly task?: unknown; readonly turn?: unknown };
  if (typeof task === "string") return { ...input, task: `${task}\n\n${hint}` };
  const inner = turn === undefined ? null : withHint(turn, hint);
  return inner === null ? null : { ...input, turn: inner };
}
