/**
 * What programs reach that a call starts. Their traffic is ruled as a fetch is, speaks for what they read, and is counted as the
 * call that started them; neither the tools that an agent declares nor a rule over fetching stands in their way.
 */
import { matchesKey } from "../../contract/caller.ts";
import { gateKey, type Operation } from "../../contract/operation.ts";
import { type Ceiling, exceeds, limitFor, spentBy } from "./ceilings.ts";
import { holds, type Point } from "./decide.ts";
import {
  type Atom,
  all,
  any,
  choice,
  flag,
  type Formula,
  implies,
  not,
  reduced,
  textIs,
  textWithin,
} from "./formula.ts";
import type { Facts, InForce } from "./in-force.ts";
import type { Place, Whose } from "./questions.ts";
import { reachOf, type ThingType } from "./reach.ts";
import { knownLabels, labelFlag, runText, type Space } from "./space.ts";

/** The call is made by a program that another call started. */
export const byProgram = flag("byProgram");
/** What such traffic is ruled as. */
export const fetching = "web.fetch";

/** What belongs to the call that started the program, and not to what the program does. */
const atStart = (name: string): string => `${name} at the start`;
/** Whatever a program says may be what it read. */
const readByPrograms: readonly string[] = ["file", "tool"];

export interface Start {
  readonly operation: Operation;
  readonly reached: ThingType;
  /** The starting call passes, and its counts let the program send. */
  readonly holds: Formula;
}

export interface Carrying {
  readonly rules: InForce;
  readonly facts: Pick<Facts, "allowances">;
  readonly space: Space;
}

/** Calls that start programs, of all operations or of those that an agent declares. */
export function startsOf({ rules, facts, space }: Carrying, whose: Whose | null): readonly Start[] {
  const starters = [...space.operations.values()].filter(
    ({ id, needs }) => needs.includes("exec") && (whose?.tools.includes(id) ?? true),
  );
  const passing = all([rules.passes, rules.confinement, space.possible, space.here, staysIn(whose, space)]);
  return starters.flatMap((operation) =>
    [...reachOf(operation).types].map((reached): Start => {
      const isCounted = any(facts.allowances.map((each) => stopsProgram(each, operation)));
      return { operation, reached, holds: all([asStart(passing, operation.id, reached), not(isCounted)]) };
    }),
  );
}

/** The program's traffic passes, and so did the call that started it. */
export function carried(carrying: Carrying, whose: Whose | null): Formula {
  const starts = startsOf(carrying, whose);
  if (starts.length === 0) return false;
  return all([
    byProgram,
    choice("action", [fetching]),
    choice("reached", ["Host"]),
    ...readByPrograms.map((each) => flag(labelFlag(each))),
    // What the start was built from, its program speaks for as well.
    ...knownLabels.map((each) => implies(flag(atStart(labelFlag(each))), flag(labelFlag(each)))),
    carrying.rules.isRuled,
    any(starts.map(({ holds }) => holds)),
  ]);
}

/** Where the hub says the folder and the project of an agent's calls, they reach no other. */
export function staysIn(whose: Whose | null, { operations }: Space): Formula {
  const place = whose?.place;
  if (place === undefined) return true;
  const bound = (field: keyof Place, type: ThingType): Formula => {
    const given = [...operations.values()].filter(({ input }) => field in input.properties).map(({ id }) => id);
    return implies(all([choice("action", given), choice("reached", [type])]), textIs("resource", place[field]));
  };
  return all([bound("folder", "Folder"), bound("project", "Project")]);
}

/** The same question of the call that started the program: same caller, same run, same moment, another thing reached. */
const asStart = (formula: Formula, operation: string, type: ThingType): Formula =>
  reduced(formula, (atom) => {
    switch (atom.is) {
      case "choice":
        if (atom.name === "kind") return undefined;
        return atom.among.has(atom.name === "action" ? operation : type);
      case "flag":
        return flag(atStart(atom.name));
      case "text":
        return isOfBoth(atom) ? undefined : textWithin(atStart(atom.name), atom.language);
      case "atMost":
        return undefined;
      default:
        return atom satisfies never;
    }
  });

const isOfBoth = ({ name }: Extract<Atom, { readonly is: "text" }>): boolean => name === "caller" || name === runText;

/** A connection is no call of its own, but where a host has a ceiling; and it takes at least one byte to send. */
function stopsProgram(ceiling: Ceiling, starter: Operation): Formula {
  const { unit, tool, subject } = ceiling;
  if (tool !== undefined && !matchesKey(tool, gateKey(starter))) return false;
  const isCounted = unit === "bytesOut" || (unit === "calls" && subject?.kind === "host");
  return isCounted ? all([spentBy(ceiling), exceeds(1, limitFor({}, ceiling), ceiling)]) : false;
}

/** The call that started the program, where the point speaks of one. */
export function startPoint(point: Point, starts: readonly Start[]): Point | null {
  if (point.flags.get(byProgram.name) !== true) return null;
  const found = starts.find((each) => holds(each.holds, point));
  if (found === undefined) return null;
  const both = [...point.texts].filter(([name]) => name === "caller" || name === runText);
  return {
    choices: { kind: point.choices.kind, action: found.operation.id, reached: found.reached },
    flags: ofStart(point.flags),
    texts: new Map([...both, ...ofStart(point.texts)]),
    numbers: point.numbers,
  };
}

function ofStart<T>(values: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const ending = atStart("");
  return new Map(
    [...values].flatMap(([name, value]): (readonly [string, T])[] =>
      name.endsWith(ending) ? [[name.slice(0, -ending.length), value]] : [],
    ),
  );
}
