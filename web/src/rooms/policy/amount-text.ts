import { formatBytes, formatDuration, formatNumber } from "../../text/formats.ts";
import type { Meaning, Unit } from "./allowance-words.ts";
import { p } from "./policy-messages.ts";

/** An amount of base units as a person writes it. */
export function amountText(unit: Unit, amount: number): string {
  if (unit === "calls" || unit === "tokens") return p(`budgets.unit.${unit}`, { count: amount });
  if (unit === "microUsd") return p("budgets.unit.money", { amount: formatNumber(amount / 1e6) });
  if (unit === "milliseconds") return formatDuration(amount);
  return p(unit === "bytesOut" ? "budgets.unit.out" : "budgets.unit.written", { amount: formatBytes(amount) });
}

/** One sentence of what an allowance holds back. */
export function meaningText({ unit, limit, window, tool, subject }: Meaning): string {
  const values = {
    amount: amountText(unit, limit),
    window: p(`budgets.window.${window}`),
    tool: tool ?? "",
    subject: subject ?? "",
  };
  if (tool !== undefined && subject !== undefined) return p("budgets.hint.both", values);
  if (tool !== undefined) return p("budgets.hint.tool", values);
  return p(subject === undefined ? "budgets.hint.plain" : "budgets.hint.subject", values);
}
