/**
 * A small replay: what a run's tools answered is read back from the journal, and two journals are compared but for what no two
 * runs share: positions, ids, hashes, the node, times and how long things took.
 */
import type { Json } from "../story/kit/hub-process.ts";

/** What each call of a tool came to, in order: as the agent saw it. */
export const recordedAnswers = (events: readonly Json[]): readonly unknown[] =>
  events
    .filter(
      ({ kind, data }) =>
        /^(observations\.recorded|actions\.applied)$/.test(kind) && data.recorded.tool.startsWith("mcp."),
    )
    .map(({ data }) => data.recorded.result);

/** What the server said of its tools, in the order in which it did. */
export const recordedTools = (events: readonly Json[]): readonly unknown[] =>
  events.filter(({ kind }) => kind === "mcp.tool.seen").map(({ data }) => JSON.parse(data.definition) as unknown);

/** An MCP server over lines that lists these tools and answers its calls with these results, in order; then it has no more. */
export const playedServer = (tools: readonly unknown[], answers: readonly unknown[]): string => `
const answers = ${JSON.stringify(answers)};
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n");
const replies = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "played", version: "1" },
  }),
  "tools/list": () => ({ tools: ${JSON.stringify(tools)} }),
  "tools/call": () => answers.shift(),
};
(await import("node:readline")).createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const result = replies[method]?.(params);
  send(result === undefined ? { id, error: { code: -32601, message: "not in the record" } } : { id, result });
});
`;

const passing = new Set(["seq", "id", "time", "timeMs", "node", "hash", "prevHash", "dataHash", "corrId", "causeId"]);
/** A question says how long the run took so far, and its digest is over that, too. */
const took = /(?<= steps, )[\d.]+ (?:ms|s|min)\b/g;
const isTimed = (value: object): boolean => (value as { readonly operation?: unknown }).operation === "agents.goOn";
/** What a model answered says how long it took; what was in force, since when. */
const isDated = (value: object): boolean => "allowancesDigest" in value || (value as Json).tool === "models.chat";
const datedKeys: ReadonlySet<string> = new Set(["resultRef", "resultSizeBytes", "allowancesDigest", "conditions"]);
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Events as two runs have them in common: ids are told apart by the order in which they first appear. */
export function comparable(events: readonly Json[]): readonly unknown[] {
  const ids = new Map<string, string>();
  const named = (text: string): string =>
    text.replaceAll(took, "…").replaceAll(uuid, (id) => {
      if (!ids.has(id)) ids.set(id, `id-${ids.size + 1}`);
      return ids.get(id) as string;
    });
  const plain = (value: unknown): unknown => {
    if (typeof value === "string") return named(value);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        /(?:Ms|At)$/.test(key) || (key === "argsDigest" && isTimed(value)) || (datedKeys.has(key) && isDated(value))
          ? "…"
          : plain(each),
      ]),
    );
  };
  return events.map((event) =>
    plain(Object.fromEntries(Object.entries(event as object).filter(([key]) => !passing.has(key)))),
  );
}
