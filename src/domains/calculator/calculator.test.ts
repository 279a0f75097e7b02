import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { makeKernel } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { isProblem } from "../../contract/problem.ts";
import { evaluate } from "./expression.ts";
import { createCalculator } from "./service.ts";
import { compare, type Rational, round, written } from "./rational.ts";

const result = (expression: string, digits = 20): string => written(evaluate(expression), digits).text;
const code = (expression: string): string => {
  try {
    return result(expression);
  } catch (error) {
    assert.ok(isProblem(error), String(error));
    assert.ok(error.extra["next"], expression);
    return error.definition.code;
  }
};

test("sums as they are done on paper", () => {
  const sums = {
    "0.1 + 0.2": "0.3",
    "2 + 3 * 4 ^ 2 / 8": "8",
    "(2 + 3) * 4": "20",
    "-2 ^ 2": "-4",
    "2 ^ 3 ^ 2": "512",
    "2 ^ -2": "0.25",
    "7 - 2 - 1": "4",
    "17 % 5": "2",
    "-7 % 3": "2",
    "7.5 % -2": "-0.5",
    "1 / 3": "0.33333333333333333333",
    "2 / 3": "0.66666666666666666667",
    "1e-3 * 1E3": "1",
    ".5 + 5.": "5.5",
    "6 × 7 ÷ 2 − 1": "20",
    "2 ** 10": "1024",
    "sqrt(2)": "1.4142135623730950488",
    "sqrt(6.25)": "2.5",
    "min(3, 1, 2) + max(3, 1, 2)": "4",
    "sum(1, 2, 3.5)": "6.5",
    "ABS(-3)": "3",
    "round(2.5) + round(-2.5)": "0",
    "round(1234.567, 2)": "1234.57",
    "round(1250, -2)": "1300",
    "0 * -1": "0",
    "0 ^ 0": "1",
    "(0 - 1) ^ 1001": "-1",
    "9007199254740993 + 0": "9007199254740993",
    "1 / 3 * 3": "1",
    "100 * 1.19 ^ 10": "569.468379011812486801",
  };
  for (const [expression, expected] of Object.entries(sums)) assert.equal(result(expression), expected, expression);
});

test("what cannot be worked out is refused in words, with the next step", () => {
  for (const bad of [
    "",
    "1 +",
    "(1",
    "1)",
    "2 3",
    "a",
    "constructor(1)",
    "1,000",
    "$5",
    "round(1, 2, 3)",
    "round(1, .5)",
    "1e9999",
  ])
    assert.equal(code(bad), "calculator.bad-expression", bad);
  for (const none of ["1 / 0", "5 % 0", "sqrt(-1)", "2 ^ 0.5", "0 ^ -1"])
    assert.equal(code(none), "calculator.no-number", none);
  for (const long of ["9 ^ 9 ^ 9", "2 ^ 99999", "1e1199 ^ 9", "(1/7) ^ 5000"])
    assert.equal(code(long), "calculator.too-large", long);
  assert.equal(code("(".repeat(400)), "calculator.bad-expression");
});

const number = fc
  .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: 0, max: 12 }))
  .map(([digits, places]) => {
    const text = (digits < 0n ? -digits : digits).toString().padStart(places + 1, "0");
    return `(${digits < 0n ? "-" : ""}${text.slice(0, text.length - places)}${places === 0 ? "" : `.${text.slice(-places)}`})`;
  });
const same = (left: string, right: string): void => {
  const [a, b] = [evaluate(left), evaluate(right)];
  assert.equal(compare(a, b), 0, `${left} = ${right}`);
};

test("the laws of arithmetic hold exactly", () => {
  fc.assert(
    fc.property(number, number, number, (a, b, c) => {
      same(`${a} + ${b}`, `${b} + ${a}`);
      same(`${a} * ${b} * ${c}`, `${c} * (${b} * ${a})`);
      same(`${a} * (${b} + ${c})`, `${a} * ${b} + ${a} * ${c}`);
      same(`${a} - ${b}`, `-(${b} - ${a})`);
      same(`${a} ^ 3`, `${a} * ${a} * ${a}`);
      if (evaluate(b).over === 0n) return;
      same(`${a} / ${b} * ${b}`, a);
      same(`${a} % ${b} + ${b} * ((${a} - ${a} % ${b}) / ${b})`, a);
    }),
    runs(100),
  );
});

test("whole numbers work out as BigInt has it", () => {
  const wholes = fc.bigInt({ min: 0n, max: 10n ** 30n });
  fc.assert(
    fc.property(wholes, wholes, fc.integer({ min: 0, max: 20 }), (a, b, n) => {
      assert.equal(result(`${a} + ${b}`), String(a + b));
      assert.equal(result(`${a} - ${b}`), String(a - b));
      assert.equal(result(`${a} * ${b}`), String(a * b));
      assert.equal(result(`${a} ^ ${n}`), String(a ** BigInt(n)));
      if (b > 0n) assert.equal(result(`${a} % ${b}`), String(a % b));
      assert.equal(result(`sqrt(${a} * ${a})`), String(a));
    }),
    runs(100),
  );
});

test("what is written reads back as the same number, and rounding is never off by more than half", () => {
  const apart = (a: Rational, b: Rational): number =>
    Number(a.over * b.under - b.over * a.under) / Number(a.under * b.under);
  fc.assert(
    fc.property(number, number, fc.integer({ min: 0, max: 10 }), (a, b, places) => {
      same(result(a), a);
      if (evaluate(b).over === 0n) return;
      const quotient = evaluate(`${a} / ${b}`);
      const off = Math.abs(apart(round(quotient, places), quotient));
      assert.ok(!(off > 0.500001 * 10 ** -places), `${a} / ${b} to ${places}: ${off}`);
    }),
    runs(100),
  );
});

test("whatever is written there, the answer is a number or a refusal, soon", () => {
  const parts = fc.constantFrom(
    "1",
    "9",
    "1e300",
    ".",
    "+",
    "-",
    "*",
    "/",
    "^",
    "%",
    "(",
    ")",
    ",",
    "sqrt(",
    "sum(",
    "round(",
    " ",
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 60 }), (given) => {
      code(given.join(""));
    }),
    runs(100),
  );
});

test("the tool says whether the decimal is exact, and the fraction where it is not", async () => {
  await using kit = await makeKernel({ domains: () => [createCalculator()] });
  const of = async (expression: string, digits?: number) => {
    const { outcome } = await kit.call("calculator.evaluate", {
      expression,
      ...(digits === undefined ? {} : { digits }),
    });
    return (outcome as { output: unknown }).output;
  };
  assert.deepEqual(await of("1 / 8"), { result: "0.125", isExact: true, fraction: null });
  assert.deepEqual(await of("2 / 3", 3), { result: "0.667", isExact: false, fraction: "2/3" });
  assert.deepEqual(await of("1 / 30000", 2), { result: "0.000033", isExact: false, fraction: "1/30000" });
  assert.deepEqual(await of("sqrt(2) * sqrt(2)", 10), { result: "2", isExact: false, fraction: null });
});
