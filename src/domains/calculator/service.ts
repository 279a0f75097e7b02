import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import type { Static } from "../../contract/schema.ts";
import { Evaluate } from "./contract.ts";
import { evaluate } from "./expression.ts";
import { written } from "./rational.ts";

const digitsDefault = 20;
/** A longer fraction tells nobody anything. */
const fractionCharsMax = 100;

export const createCalculator = (): Domain => ({
  name: "calculator",
  operations: [bind(Evaluate, calculated)],
  events: [],
  views: [],
});

function calculated({ expression, digits = digitsDefault }: Static<typeof Evaluate.input>) {
  const value = evaluate(expression);
  const { text, isWhole } = written(value, digits);
  const fraction = `${value.over}/${value.under}`;
  const isTold = !isWhole && value.isExact && fraction.length <= fractionCharsMax;
  return { result: text, isExact: isWhole, fraction: isTold ? fraction : null };
}
