/** The words of an allowance: `1 USD/day`, `20 calls/hour web.fetch`, `5 MB written/run for agent:scout`. */
import { formatMicroUsd } from "../../base/units.ts";
import type { Terms } from "./contract.ts";

type Unit = Terms["unit"];
type Window = Terms["window"];

const form =
  /^(?<amount>\d{1,15}(?:\.\d{1,6})?) ?(?<unit>[A-Za-z]+)(?: (?<way>out|written))? ?\/ ?(?<window>[a-z]+)(?: (?<tool>[a-z*][A-Za-z0-9.:*-]*))?(?: for (?<kind>[a-z]+):(?<id>\S+))?$/;

/** How many base units one of the written unit is. */
const unitWords: Readonly<Record<string, readonly [Unit, number]>> = {
  call: ["calls", 1],
  calls: ["calls", 1],
  token: ["tokens", 1],
  tokens: ["tokens", 1],
  usd: ["microUsd", 1e6],
  minute: ["milliseconds", 60_000],
  minutes: ["milliseconds", 60_000],
};
const byteWords: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9 };
const windowWords: ReadonlySet<string> = new Set<Window>(["minute", "hour", "day", "week", "month", "run"]);
const subjectWords: ReadonlySet<string> = new Set(["person", "agent", "plugin", "node", "project", "host"]);

/** The terms, or what is wrong with the words. */
export function parseAllowance(text: string): Terms | { readonly fault: string } {
  const found = form.exec(text.trim().replace(/\s+/g, " "))?.groups;
  if (found === undefined) return { fault: "it is not AMOUNT UNIT/WINDOW [TOOL] [for KIND:NAME]" };
  const { amount = "", unit = "", way, window = "", tool, kind, id } = found;
  const base = unitOf(unit.toLowerCase(), way);
  if (typeof base === "string") return { fault: base };
  if (!windowWords.has(window)) return { fault: `${window} is no window; take ${[...windowWords].join(", ")}` };
  if (kind !== undefined && !subjectWords.has(kind))
    return { fault: `${kind} is nobody to allow for; take ${[...subjectWords].join(", ")}` };
  const limit = Math.round(Number(amount) * base[1]);
  if (!Number.isSafeInteger(limit)) return { fault: `${amount} is too much to count` };
  if (Number(amount) > 0 && limit === 0) return { fault: `${amount} ${unit} is less than can be counted` };
  return {
    unit: base[0],
    limit,
    window: window as Window,
    ...(tool === undefined ? {} : { tool: tool.replaceAll(".", ":") }),
    ...(kind === undefined ? {} : { subject: { kind: kind as "agent", id: id as string } }),
  };
}

function unitOf(word: string, way: string | undefined): readonly [Unit, number] | string {
  const bytes = byteWords[word];
  if (bytes !== undefined) {
    if (way === undefined) return `say which bytes: ${word.toUpperCase()} out, or ${word.toUpperCase()} written`;
    return [way === "out" ? "bytesOut" : "bytesWritten", bytes];
  }
  const known = unitWords[word];
  if (known === undefined || way !== undefined)
    return `${word} is no unit; take calls, tokens, USD, minutes, or KB, MB, GB with out or written`;
  return known;
}

const counted = (count: number, words: string): string => `${count} ${count === 1 ? words.slice(0, -1) : words}`;

/** An amount of base units as a person writes it. */
export function amountText(unit: Unit, amount: number): string {
  if (unit === "microUsd") return formatMicroUsd(amount);
  if (unit === "milliseconds") return counted(Number((amount / 60_000).toFixed(1)), "minutes");
  if (unit !== "bytesOut" && unit !== "bytesWritten") return counted(amount, unit);
  const [size, name] =
    amount >= 1e9 ? [1e9, "GB"] : amount >= 1e6 ? [1e6, "MB"] : amount >= 1e3 ? [1e3, "KB"] : [1, "B"];
  return `${Number((amount / size).toFixed(3))} ${name} ${unit === "bytesOut" ? "out" : "written"}`;
}
