/** Places that an answer names: only those that the agent really looked into count. */
import type { TurnAnswer } from "../agents/contract.ts";
import type { Exchange } from "./context.ts";

const citationsMax = 200;
const placePattern = /([\p{L}\p{N}_./@+-]{1,400}):(\d{1,7})/gu;

export function citationsIn(text: string, evidence: readonly Exchange[]): TurnAnswer["citations"] {
  const seen = evidence.flatMap(({ calls }) => calls.map(({ source, answer }) => `${source}\n${answer}`)).join("\n");
  const cited = new Map<string, TurnAnswer["citations"][number]>();
  for (const [, path = "", digits = ""] of text.matchAll(placePattern)) {
    const line = Number(digits);
    if (line < 1 || cited.size >= citationsMax || !seen.includes(path)) continue;
    cited.set(`${path}:${line}`, { path, line });
  }
  return [...cited.values()];
}
