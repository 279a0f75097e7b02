/** The calculator: exact arithmetic, for whoever should not do sums in their head. */
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";

export const expressionCharsMax = 1000;
export const digitsMax = 50;

export const BadExpression = problem({
  code: "calculator.bad-expression",
  status: 400,
  title: "Cannot be read",
  about:
    "The calculator knows numbers, + - * / ^, % for the remainder, parentheses, sqrt, min, max, sum, abs and round(x, places).",
});
export const NoNumber = problem({
  code: "calculator.no-number",
  status: 422,
  title: "There is no such number",
  about: "Something is divided by zero, a root of a negative number is taken, or a power has a broken exponent.",
});
export const TooLong = problem({
  code: "calculator.too-large",
  status: 422,
  title: "The number is too large",
  about: "Numbers here have some 1,200 digits at most. Round on the way, or take smaller powers.",
});

export const Evaluate = op({
  id: "calculator.evaluate",
  http: "POST /calculator/evaluate",
  cli: "calc <expression>",
  effect: "read",
  isTool: true,
  about: "Work out an expression exactly, such as (12.5 + 7.5) * 3 / 7.",
  input: closed({
    expression: Type.String({
      minLength: 1,
      maxLength: expressionCharsMax,
      examples: ["0.1 + 0.2", "round(100 / 7, 2)", "sum(3, 4, 5) ^ 2"],
      description: "Numbers, + - * / ^, % for the remainder, parentheses, sqrt, min, max, sum, abs, round(x, places).",
    }),
    digits: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: digitsMax,
        default: 20,
        description: "Digits of a result that no finite decimal is; further ones are rounded.",
      }),
    ),
  }),
  output: closed({
    result: Type.String({ description: "As a decimal." }),
    isExact: Type.Boolean({ description: "False where digits were rounded off, or a root is no fraction." }),
    fraction: Type.Union([Type.String(), Type.Null()], {
      description: "The exact value as a fraction, where the decimal is not exact.",
    }),
  }),
  problems: [BadExpression, NoNumber, TooLong],
  needs: ["hub:read"],
  // Worked out of what the caller had: whoever calls has its labels already.
  labelsOf: () => [],
});
