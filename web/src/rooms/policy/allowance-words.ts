/** What an allowance being typed means, as the hub will read it. The hub has the last word; this only spares a round. */
import type { Allowance } from "../../shapes.ts";

export type Unit = Allowance["unit"];
export type Window = Allowance["window"];

export interface Meaning {
  readonly unit: Unit;
  readonly limit: number;
  readonly window: Window;
  readonly tool?: string;
  readonly subject?: string;
}

const form =
  /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]+)(?: (out|written))? ?\/ ?([a-z]+)(?: ([a-z*][A-Za-z0-9.:*-]*))?(?: for ((?:person|agent|plugin|node|project|host):\S+))?$/u;
const units: Readonly<Record<string, readonly [Unit, number]>> = {
  call: ["calls", 1],
  calls: ["calls", 1],
  token: ["tokens", 1],
  tokens: ["tokens", 1],
  usd: ["microUsd", 1e6],
  minute: ["milliseconds", 60_000],
  minutes: ["milliseconds", 60_000],
};
const bytes: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9 };
const windows: readonly Window[] = ["minute", "hour", "day", "week", "month", "run"];

/** Undefined for what is not, or not yet, an allowance. */
export function meaningOf(text: string): Meaning | undefined {
  const [, amount, unit = "", way, word, tool, subject] = form.exec(text.trim().replaceAll(/\s+/gu, " ")) ?? [];
  const size = bytes[unit.toLowerCase()];
  const known = way === undefined ? units[unit.toLowerCase()] : size === undefined ? undefined : byteUnit(way, size);
  const window = windows.find((each) => each === word);
  if (known === undefined || window === undefined) return undefined;
  return {
    unit: known[0],
    limit: Math.round(Number(amount) * known[1]),
    window,
    ...(tool === undefined ? {} : { tool: tool.replaceAll(".", ":") }),
    ...(subject === undefined ? {} : { subject }),
  };
}

const byteUnit = (way: string, size: number): readonly [Unit, number] => [
  way === "out" ? "bytesOut" : "bytesWritten",
  size,
];
