/** How ceilings and prices look on the command line. */
import type { Static } from "../contract/schema.ts";
import { Allow, type Allowance, type Left, List, type PriceRow, Prices } from "../domains/budgets/contract.ts";
import { amountText } from "../domains/budgets/syntax.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

export const budgetAnswers = {
  [Allow.id]: (output: unknown, pen: Pen) => `${pen.paint("green", "✓")} ${headText(output as Allowance, pen)}`,
  [List.id]: (output: unknown, pen: Pen) => allowancesText((output as Static<typeof List.output>).allowances, pen),
  [Prices.id]: (output: unknown, pen: Pen) => pricesText(output as Static<typeof Prices.output>, pen),
};

function allowancesText(allowances: readonly Left[], pen: Pen): string {
  if (allowances.length === 0) return pen.paint("dim", "No ceilings. Set one with `arw allow 1 USD/day`.");
  return allowances.map((each) => allowanceText(each, pen)).join("\n");
}

function allowanceText(each: Left, pen: Pen): string {
  const { used, left, limit, unit, isNear, resetsAtMs, allowanceId } = each;
  const mark =
    left === 0 && limit > 0 ? pen.paint("red", "used up") : isNear ? pen.paint("yellow", "near its end") : "";
  const amounts =
    resetsAtMs === null
      ? "for each run by itself"
      : `${amountText(unit, used)} used, ${amountText(unit, left)} left, begins anew ${pen.timeText(resetsAtMs)}`;
  return `${headText(each, pen)}${mark === "" ? "" : `  ${mark}`}\n  ${amounts}\n  ${pen.paint("dim", allowanceId)}`;
}

function headText(each: Allowance, pen: Pen): string {
  const soft = each.softPercent === undefined && each.over === undefined ? "" : `, ${softText(each)}`;
  const unknown = each.unknown === "allow" ? ", unknown prices pass uncounted" : "";
  return `${pen.paint("bold", pen.safe(each.text))}${soft}${unknown}`;
}

const softText = ({ softPercent = 80, over = "warn" }: Allowance): string =>
  over === "ask" ? `asks above ${softPercent}%` : `warns at ${softPercent}%`;

const figureWidth = 9;
const figure = (usd: number | "unknown"): string => String(usd).padStart(figureWidth);

function pricesText({ folder, prices, template }: Static<typeof Prices.output>, pen: Pen): string {
  if (template !== undefined) return template.trimEnd();
  if (prices.length === 0)
    return [
      `No price is known: there is no list in ${pen.safe(folder)}.`,
      pen.paint("dim", "`arw prices --template` prints one to fill in."),
    ].join("\n");
  const names = prices.map(({ model, host }) => pen.safe(host === null ? model : `${model} at ${host}`));
  const nameWidth = Math.max("MODEL".length, ...names.map((name) => name.length));
  const head = `${"MODEL".padEnd(nameWidth)}  ${["IN", "CACHED IN", "OUT"].map((word) => word.padStart(figureWidth)).join("  ")}  FROM`;
  const lines = prices.map((row, place) => {
    const { inputUsdPerMillion, cachedInputUsdPerMillion, outputUsdPerMillion } = row;
    const figures = [inputUsdPerMillion, cachedInputUsdPerMillion, outputUsdPerMillion].map(figure).join("  ");
    return `${(names[place] ?? "").padEnd(nameWidth)}  ${figures}  ${fromText(row, pen)}`;
  });
  return [pen.paint("dim", head), ...lines, pen.paint("dim", "USD for a million tokens.")].join("\n");
}

function fromText({ place, isInForce }: PriceRow, pen: Pen): string {
  if (place === null) return pen.paint("dim", "no list names it");
  return isInForce ? pen.safe(place) : `${pen.safe(place)} ${pen.paint("dim", "(not yet)")}`;
}
