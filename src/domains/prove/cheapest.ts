/**
 * The least that a call of an operation can cost, by what it reaches. Ceilings are held against it: a call that costs more is
 * refused wherever the cheapest one is. Costs are functions of inputs, so shortest inputs are made from the schema and looked at.
 */
import { isOnThisMachine, parseModelName } from "../../base/model-name.ts";
import type { Scope } from "../../contract/caller.ts";
import type { Cost, Operation } from "../../contract/operation.ts";
import { reachOf, samplesOf, type ThingType, typesIn } from "./reach.ts";

/** Calls of models of this machine cost otherwise than of those elsewhere. */
export type Place = Exclude<ThingType, "Model"> | "Model here" | "Model elsewhere";

export interface Least {
  readonly input: number;
  readonly output: number;
  /** Null where money is made of the tokens by a price. */
  readonly microUsd: number | null;
  readonly bytesOut: number;
  readonly bytesWritten: number;
}

/** The shortest that fields may hold: an address, two models, and nothing at all. */
export const shortest = ["http://a", "a.b/x", "localhost/x", "x", ""] as const;

/** Inputs are made up once for each operation. */
const known = new WeakMap<Operation, ReadonlyMap<Place, Least>>();

export function leastOf(operation: Operation): ReadonlyMap<Place, Least> {
  const made = known.get(operation) ?? leastMade(operation);
  known.set(operation, made);
  return made;
}

function leastMade(operation: Operation): ReadonlyMap<Place, Least> {
  const { cost } = operation;
  const nothing = leastIn({});
  const places = [...reachOf(operation).types].flatMap((type): Place[] =>
    type === "Model" ? ["Model here", "Model elsewhere"] : [type],
  );
  if (cost === undefined) return new Map(places.map((place) => [place, nothing]));
  const found = new Map<Place, Least>();
  for (const { input, scope } of samplesOf(operation, shortest)) {
    const least = leastIn(cost(input as never));
    for (const place of placesOf(scope)) found.set(place, lesser(found.get(place) ?? least, least));
  }
  // Where no input could be made up nothing is known of the cost, and the least is nothing.
  return new Map(places.map((place) => [place, found.get(place) ?? nothing]));
}

const leastIn = ({ tokens, microUsd, bytesOut = 0, bytesWritten = 0 }: Cost): Least => ({
  input: tokens?.input ?? 0,
  output: tokens?.output ?? 0,
  microUsd: microUsd === "unknown" ? null : (microUsd ?? (tokens === undefined ? 0 : null)),
  bytesOut,
  bytesWritten,
});

const lesser = (a: Least, b: Least): Least => ({
  input: Math.min(a.input, b.input),
  output: Math.min(a.output, b.output),
  microUsd: lesserMoney(a.microUsd, b.microUsd),
  bytesOut: Math.min(a.bytesOut, b.bytesOut),
  bytesWritten: Math.min(a.bytesWritten, b.bytesWritten),
});

/** Of money that was named and money that a price makes nobody knows which is less. */
function lesserMoney(a: number | null, b: number | null): number | null {
  if (a === null && b === null) return null;
  return a === null || b === null ? 0 : Math.min(a, b);
}

/** Where a call with this scope goes. */
export function placesOf(scope: Scope): readonly Place[] {
  const types = typesIn(scope);
  return types.map((type): Place => (type === "Model" ? machineOf(scope.model ?? "") : type));
}

function machineOf(model: string): Place {
  const name = parseModelName(model);
  return name !== null && isOnThisMachine(name.server) ? "Model here" : "Model elsewhere";
}
