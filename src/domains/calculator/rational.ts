/** Fractions of whole numbers without end: exact, and bounded in length, so that nothing takes long. */
import { Problem } from "../../contract/problem.ts";
import { NoNumber, TooLong } from "./contract.ts";

export interface Rational {
  readonly over: bigint;
  /** Above zero, and without a common divisor with `over`. */
  readonly under: bigint;
  /** False for a root that is no fraction, and for whatever is worked out of it. */
  readonly isExact: boolean;
}

/** Some 1,200 digits: the longest calculation that fits into an expression takes less than a second. */
const bitsMax = 4096;
/** Places to which a root is taken that is no fraction; more than are ever shown. */
const rootPlaces = 80;

export const ratio = (over: bigint, under: bigint, isExact = true): Rational => {
  if (under === 0n) throw new Problem(NoNumber, "nothing can be divided by zero", { next: "check what is divided" });
  const sign = under < 0n ? -1n : 1n;
  const common = divisor(absolute(over), absolute(under));
  return { over: held((sign * over) / common), under: held((sign * under) / common), isExact };
};
export const whole = (value: bigint): Rational => ratio(value, 1n);

export const add = (a: Rational, b: Rational): Rational =>
  ratio(a.over * b.under + b.over * a.under, a.under * b.under, a.isExact && b.isExact);
export const negate = (a: Rational): Rational => ({ ...a, over: -a.over });
export const subtract = (a: Rational, b: Rational): Rational => add(a, negate(b));
export const multiply = (a: Rational, b: Rational): Rational =>
  ratio(a.over * b.over, a.under * b.under, a.isExact && b.isExact);
export const divide = (a: Rational, b: Rational): Rational =>
  ratio(a.over * b.under, a.under * b.over, a.isExact && b.isExact);
/** What is left of `a` when `b` was taken as often as it fits; it has the sign of `b`, as on paper. */
export const remainder = (a: Rational, b: Rational): Rational => subtract(a, multiply(b, whole(floor(divide(a, b)))));
export const compare = (a: Rational, b: Rational): number => {
  const difference = a.over * b.under - b.over * a.under;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};
export const abs = (a: Rational): Rational => (a.over < 0n ? negate(a) : a);

export function power(base: Rational, exponent: Rational): Rational {
  if (exponent.under !== 1n || !exponent.isExact)
    throw new Problem(NoNumber, "an exponent is a whole number here", { next: "take a root with sqrt" });
  const { over: times } = exponent;
  if (times < 0n) return power(divide(whole(1n), base), negate(exponent));
  const size = absolute(base.over) > base.under ? base.over : base.under;
  if (absolute(base.over) > 1n || base.under > 1n) refuseLong(bitsOf(size) * Number(times) - Number(times));
  if (base.over === 0n) return whole(times === 0n ? 1n : 0n);
  if (absolute(base.over) === 1n && base.under === 1n) return times % 2n === 0n ? { ...base, over: 1n } : base;
  return { over: held(base.over ** times), under: held(base.under ** times), isExact: base.isExact };
}

export function squareRoot(a: Rational): Rational {
  if (a.over < 0n) throw new Problem(NoNumber, "a negative number has no root", { next: "check the sign" });
  const [over, under] = [wholeRoot(a.over), wholeRoot(a.under)];
  if (over * over === a.over && under * under === a.under) return ratio(over, under, a.isExact);
  const scale = 10n ** BigInt(rootPlaces);
  return ratio(wholeRoot((a.over * scale * scale) / a.under), scale, false);
}

/** Half goes away from zero, as people do it. */
export function round(a: Rational, places: number): Rational {
  const scale = 10n ** BigInt(Math.abs(places));
  const scaled = places < 0 ? ratio(a.over, a.under * scale) : ratio(a.over * scale, a.under);
  const half = (2n * absolute(scaled.over) + scaled.under) / (2n * scaled.under);
  const rounded = scaled.over < 0n ? -half : half;
  return places < 0 ? ratio(rounded * scale, 1n, a.isExact) : ratio(rounded, scale, a.isExact);
}

export interface Written {
  readonly text: string;
  readonly isWhole: boolean;
}

/** As a decimal; of one without end so many digits behind the point and its first zeros. */
export function written(a: Rational, digits: number): Written {
  const places = finitePlaces(a.under);
  if (places !== null && a.isExact) return { text: decimal(a, places), isWhole: true };
  const zeros = a.over === 0n ? 0 : Math.max(0, lengthOf(a.under) - lengthOf(a.over));
  return { text: decimal(round(a, digits + zeros), digits + zeros), isWhole: false };
}

/** How many places a denominator of twos and fives needs; null for any other. */
function finitePlaces(under: bigint): number | null {
  let [rest, twos, fives] = [under, 0, 0];
  for (; rest % 2n === 0n; rest /= 2n) twos += 1;
  for (; rest % 5n === 0n; rest /= 5n) fives += 1;
  return rest === 1n ? Math.max(twos, fives) : null;
}

function decimal(a: Rational, places: number): string {
  const scaled = (absolute(a.over) * 10n ** BigInt(places)) / a.under;
  const digits = scaled.toString().padStart(places + 1, "0");
  const sign = a.over < 0n ? "-" : "";
  if (places === 0) return sign + digits;
  const text = `${digits.slice(0, -places)}.${digits.slice(-places)}`.replace(/\.?0+$/, "");
  return text === "0" ? text : sign + text;
}

function floor({ over, under }: Rational): bigint {
  const cut = over / under;
  return over < 0n && cut * under !== over ? cut - 1n : cut;
}

/** Newton's way, from above. */
function wholeRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(bitsOf(value) / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function divisor(a: bigint, b: bigint): bigint {
  let [high, low] = [a, b];
  while (low !== 0n) [high, low] = [low, high % low];
  return high === 0n ? 1n : high;
}

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);
const bitsOf = (value: bigint): number => absolute(value).toString(2).length;
const lengthOf = (value: bigint): number => absolute(value).toString().length;

function refuseLong(bits: number): void {
  if (bits > bitsMax) throw new Problem(TooLong, "the number gets too long", { next: "round on the way" });
}
function held(value: bigint): bigint {
  refuseLong(bitsOf(value));
  return value;
}
