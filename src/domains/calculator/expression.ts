/** Reads an expression and works it out as it goes: each sign binds as strongly as its number says. */
import { Problem } from "../../contract/problem.ts";
import { BadExpression } from "./contract.ts";
import {
  abs,
  add,
  compare,
  divide,
  multiply,
  negate,
  power,
  type Rational,
  ratio,
  remainder,
  round,
  squareRoot,
  subtract,
  whole,
} from "./rational.ts";

/** Deeper nesting nobody reads. */
const depthMax = 100;
const exponentMax = 1200;
const placesMax = 50;

interface Token {
  readonly text: string;
  readonly at: number;
}

interface Reading {
  readonly tokens: readonly Token[];
  place: number;
  depth: number;
}

export function evaluate(expression: string): Rational {
  const reading: Reading = { tokens: tokensOf(expression), place: 0, depth: 0 };
  const result = read(reading, 0);
  const rest = reading.tokens[reading.place];
  if (rest !== undefined) throw unexpected(rest);
  return result;
}

/** Signs that people and models write for the same. */
const alike: ReadonlyMap<string, string> = new Map([
  ["**", "^"],
  ["×", "*"],
  ["·", "*"],
  ["÷", "/"],
  ["−", "-"],
]);

function tokensOf(expression: string): Token[] {
  const pattern =
    /\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[a-zA-Z]+|\*\*|[-+*/^%(),×·÷−])|(\S))/gu;
  return [...expression.matchAll(pattern)].map(({ 0: whole_, 1: text, 2: strange, index }) => {
    const at = index + whole_.length - (text ?? strange ?? "").length + 1;
    if (text === undefined) throw unexpected({ text: strange ?? "", at });
    return { text: alike.get(text) ?? text, at };
  });
}

const binary: Readonly<Record<string, readonly [strength: number, work: (a: Rational, b: Rational) => Rational]>> = {
  "+": [1, add],
  "-": [1, subtract],
  "*": [2, multiply],
  "/": [2, divide],
  "%": [2, remainder],
  "^": [4, power],
};
/** Between the product and the power: -2 ^ 2 is -4. */
const signStrength = 3;

function read(reading: Reading, strengthMin: number): Rational {
  reading.depth += 1;
  if (reading.depth > depthMax)
    throw new Problem(BadExpression, `more than ${depthMax} levels deep`, { next: "split it" });
  let left = readOne(reading);
  for (;;) {
    const sign = reading.tokens[reading.place]?.text ?? "";
    const [strength, work] = binary[sign] ?? [];
    if (strength === undefined || work === undefined || strength < strengthMin) break;
    reading.place += 1;
    // A tower of powers is worked out from its top.
    left = work(left, read(reading, sign === "^" ? strength : strength + 1));
  }
  reading.depth -= 1;
  return left;
}

function readOne(reading: Reading): Rational {
  const token = reading.tokens[reading.place];
  if (token === undefined)
    throw new Problem(BadExpression, "it ends where a number is expected", { next: "complete it" });
  reading.place += 1;
  const { text } = token;
  if (text === "-") return negate(read(reading, signStrength));
  if (text === "+") return read(reading, signStrength);
  if (/^[\d.]/.test(text)) return numberOf(token);
  if (/^[a-zA-Z]/.test(text)) return called(token, reading);
  if (text !== "(") throw unexpected(token);
  const inner = read(reading, 0);
  expect(reading, ")");
  return inner;
}

function numberOf({ text, at }: Token): Rational {
  const [, digits = "", fraction = "", exponent = "0"] = /^(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const shift = Number(exponent) - fraction.length;
  if (Math.abs(shift) > exponentMax)
    throw new Problem(BadExpression, `the number at ${at} has a larger exponent than ${exponentMax}`, {
      next: "round it",
    });
  const value = BigInt(digits + fraction);
  const scale = 10n ** BigInt(Math.abs(shift));
  return shift < 0 ? ratio(value, scale) : whole(value * scale);
}

type Work = (given: readonly Rational[], token: Token) => Rational;
const first = (given: readonly Rational[]): Rational => given[0] ?? whole(0n);

const works: Readonly<Record<string, readonly [leastGiven: number, mostGiven: number, work: Work]>> = {
  sqrt: [1, 1, (given) => squareRoot(first(given))],
  abs: [1, 1, (given) => abs(first(given))],
  min: [1, Infinity, (given) => given.reduce((a, b) => (compare(a, b) <= 0 ? a : b))],
  max: [1, Infinity, (given) => given.reduce((a, b) => (compare(a, b) >= 0 ? a : b))],
  sum: [1, Infinity, (given) => given.reduce(add)],
  round: [1, 2, (given, token) => round(first(given), placesOf(given[1] ?? whole(0n), token))],
};

function called(token: Token, reading: Reading): Rational {
  const name = token.text.toLowerCase();
  const known = Object.hasOwn(works, name) ? works[name] : undefined;
  if (known === undefined) throw unexpected(token);
  expect(reading, "(");
  const given = [read(reading, 0)];
  while (reading.tokens[reading.place]?.text === ",") {
    reading.place += 1;
    given.push(read(reading, 0));
  }
  expect(reading, ")");
  const [least, most, work] = known;
  if (given.length < least || given.length > most)
    throw new Problem(BadExpression, `${name} at ${token.at} takes ${most} numbers at most`, {
      next: "leave some out",
    });
  return work(given, token);
}

function placesOf({ over, under }: Rational, { at }: Token): number {
  if (under === 1n && over >= -placesMax && over <= placesMax) return Number(over);
  throw new Problem(BadExpression, `round at ${at} takes whole places from -${placesMax} to ${placesMax}`, {
    next: "round to fewer places",
  });
}

function expect(reading: Reading, text: string): void {
  const token = reading.tokens[reading.place];
  reading.place += 1;
  if (token?.text === text) return;
  if (token !== undefined) throw unexpected(token);
  throw new Problem(BadExpression, `it ends where ${text} is expected`, { next: `close it with ${text}` });
}

function unexpected({ text, at }: Token): Problem {
  const next =
    text === "," ? "write numbers without separators, with a point before decimals" : "see what the calculator knows";
  return new Problem(BadExpression, `${text} at ${at} is not expected there`, { at, next });
}
