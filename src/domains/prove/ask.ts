/** One question: whether any call is as the formula says. A call that was found counts only when the real engine agrees. */
import { type Confirmed, type Proof, type Witness } from "./contract.ts";
import type { Confirmation } from "./confirm.ts";
import { type Decided, decideInTurns, type Domains, holds, type Point } from "./decide.ts";
import { all, choice, type Formula, flag, not, textIs } from "./formula.ts";
import type { Solver } from "./port.ts";
import { scriptOf } from "./smt.ts";
import { atMs, labelFlag } from "./space.ts";

export interface Question {
  /** A call that refutes the claim. */
  readonly refuted: Formula;
  readonly domains: Domains;
  readonly solver: Solver | null;
  readonly signal: AbortSignal;
  /** Lets others work; throws when nobody waits for the answer any more. */
  readonly rest: () => Promise<void>;
  readonly witnessOf: (point: Point) => Witness;
  /** Whether a request can name what the call reaches. */
  readonly fits?: (call: Witness) => boolean;
  /** Null where the real engine sees the call otherwise, or when it passes, where something is used up. */
  readonly confirm: (call: Witness, point: Point) => Promise<Confirmation>;
  /** How many different calls are looked for. */
  readonly examplesMax: number;
  /** What to leave out once a call was shown, so that the next one is of another kind. */
  readonly alike?: (point: Point) => Formula;
}

export interface Found {
  readonly answer: Proof["answer"];
  readonly examples: readonly Confirmed[];
  readonly isComplete: boolean;
  readonly checkedBy: readonly string[];
  /** Why it is unknown; null where it is not. */
  readonly doubt: string | null;
}

/** Calls that only what is not modelled lets pass; after so many nobody knows. */
const doubtfulMax = 24;
/** A solver that thinks longer is ended. */
const solverMsMax = 60_000;
const ownName = "built-in";

export async function ask(question: Question): Promise<Found> {
  const examples: Confirmed[] = [];
  let { refuted } = question;
  let doubtful = 0;
  for (;;) {
    question.signal.throwIfAborted();
    const { decided, by } = await search(refuted, question);
    const checkedBy = [...new Set([...by, ...(examples.length > 0 ? ["engine"] : [])])];
    if (decided.kind === "none") {
      const isDoubted = doubtful > 0 && examples.length === 0;
      const doubt = isDoubted ? notModelled : null;
      const answer = isDoubted ? "unknown" : examples.length > 0 ? "counterexample" : "proved";
      return { answer, examples, isComplete: doubtful === 0, checkedBy, doubt };
    }
    if (decided.kind === "tooMany") return undecided(examples, checkedBy, tooManyCases);
    const point = plainer(decided.point, refuted);
    const confirmed = await confirmedIn(point, refuted, question);
    if (confirmed === null) doubtful += 1;
    else examples.push(confirmed);
    if (examples.length >= question.examplesMax)
      return {
        answer: "counterexample",
        examples,
        isComplete: question.examplesMax === 1,
        checkedBy: [...new Set([...by, "engine"])],
        doubt: null,
      };
    if (doubtful >= doubtfulMax) return undecided(examples, checkedBy, notModelled);
    refuted = all([refuted, not(confirmed === null ? sameCall(point) : (question.alike ?? sameCall)(point))]);
  }
}

/** The same call, built from no words but those that matter: of the others nobody wants to read. */
function plainer(found: Point, refuted: Formula): Point {
  const { choices, texts, numbers } = found;
  const flags = new Map(found.flags);
  for (const [name, value] of found.flags) {
    if (!value || !name.startsWith(labelFlag(""))) continue;
    flags.set(name, false);
    if (!holds(refuted, { choices, flags, texts, numbers })) flags.set(name, true);
  }
  return { choices, flags, texts, numbers };
}

/** Windows end one after the other; more of them nobody waits for. */
const laterTriesMax = 8;

/** Where something is used up until a moment, the same call at that moment, if it is one that the formula speaks of then. */
async function confirmedIn(point: Point, refuted: Formula, question: Question): Promise<Confirmed | null> {
  const { choices, flags, texts } = point;
  let { numbers } = point;
  for (let tries = 0; tries < laterTriesMax; tries += 1) {
    const at: Point = { choices, flags, texts, numbers };
    if (tries > 0 && !holds(refuted, at)) return null;
    const call = question.witnessOf(at);
    if (question.fits?.(call) === false) return null;
    const answer = await question.confirm(call, at);
    if (answer === null || !("laterMs" in answer)) return answer;
    numbers = new Map(numbers).set(atMs, answer.laterMs);
  }
  return null;
}

/** No solver came to an end. */
export const tooManyCases = "there are more cases than could be walked through";
export const notModelled = "what was found depends on what is not modelled";

function undecided(examples: readonly Confirmed[], checkedBy: readonly string[], doubt: string): Found {
  return { answer: examples.length > 0 ? "counterexample" : "unknown", examples, isComplete: false, checkedBy, doubt };
}

/** That very call, whatever else it could have been. */
const sameCall = ({ choices, texts, flags }: Point): Formula =>
  all([
    choice("kind", [choices.kind]),
    choice("action", [choices.action]),
    choice("reached", [choices.reached]),
    ...[...texts].map(([name, text]) => textIs(name, text)),
    ...[...flags].map(([name, value]) => (value ? flag(name) : not(flag(name)))),
  ]);

interface Searched {
  readonly decided: Decided;
  readonly by: readonly string[];
}

/** The hub's own solver first; what it proves, and what it cannot decide, is given to the outer one where there is one. */
async function search(formula: Formula, question: Question): Promise<Searched> {
  const own = await decideInTurns(formula, question.domains, question.rest);
  if (question.solver === null || own.kind === "point") return { decided: own, by: [ownName] };
  const outer = await outside(formula, question, question.solver);
  const { name } = question.solver;
  if (own.kind === "none") {
    // Two that disagree prove nothing, and the call that one of them found is looked at.
    if (outer.kind === "point") return { decided: outer, by: [name] };
    return { decided: own, by: outer.kind === "none" ? [ownName, name] : [ownName] };
  }
  return { decided: outer, by: outer.kind === "tooMany" ? [ownName, name] : [name] };
}

async function outside(formula: Formula, { domains, signal }: Question, solver: Solver): Promise<Decided> {
  const { script, constants, pointOf } = scriptOf(formula, domains);
  const answer = await solver.solve({ script, constants }, { signal, timeoutMs: solverMsMax });
  if (answer.kind === "unsat") return { kind: "none" };
  return answer.kind === "sat" ? { kind: "point", point: pointOf(answer.values) } : { kind: "tooMany" };
}
