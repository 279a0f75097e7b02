/** How models and their servers look on the command line. */
import type { Static } from "../contract/schema.ts";
import {
  AddServer,
  Discover,
  List,
  ListServers,
  Preview,
  RemoveServer,
  type RoleRow,
  type Server,
  SetRole,
} from "../domains/models/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";
import { counted, formatDurationMs, formatMicroUsd } from "../base/units.ts";
import type { ModelsMeter } from "../domains/episodes/contract.ts";
import { amountText } from "../domains/budgets/syntax.ts";

export const modelAnswers = {
  [List.id]: (output: unknown, pen: Pen) => modelsText(output as Static<typeof List.output>, pen),
  [ListServers.id]: (output: unknown, pen: Pen) => serversText(output as Static<typeof ListServers.output>, pen),
  [Preview.id]: (output: unknown, pen: Pen) => previewText(output as Static<typeof Preview.output>, pen),
  [Discover.id]: (output: unknown, pen: Pen) => foundText(output as Static<typeof Discover.output>, pen),
  [AddServer.id]: (output: unknown, pen: Pen) =>
    [
      `${pen.paint("green", "✓")} ${serverLine(output as Server, pen)}`,
      pen.paint("dim", "`arw models` lists what it has."),
      // The first call would be refused otherwise, and nobody would know why.
      ...((output as Server).isLocal
        ? []
        : [
            pen.paint(
              "dim",
              "A limit in money refuses its models until a price list names them: `arw prices --template`.",
            ),
          ]),
    ].join("\n"),
  [RemoveServer.id]: (output: unknown, pen: Pen) =>
    `${pen.paint("green", "✓")} ${pen.safe((output as Server).server)} is not asked any more`,
  [SetRole.id]: (output: unknown, pen: Pen) => `${pen.paint("green", "✓")} ${roleLine(output as RoleRow, pen)}`,
};

function modelsText({ models, roles, silent }: Static<typeof List.output>, pen: Pen): string {
  if (models.length + roles.length + silent.length === 0)
    return [
      "No model server is named.",
      pen.paint("dim", "`arw models discover` looks on this machine; `arw models add SERVER` names one."),
    ].join("\n");
  const width = Math.max(0, ...models.map(({ model }) => pen.safe(model).length));
  return [
    ...models.map(({ model, isLocal, contextTokens, isScripted }) => {
      const about = [
        isLocal ? "this machine" : "another machine",
        contextTokens === null ? "" : `${contextTokens} tokens of context`,
        isScripted ? "scripted" : "",
      ].filter((each) => each !== "");
      return `${pen.safe(model).padEnd(width)}  ${pen.paint("dim", about.join(", "))}`;
    }),
    ...roles.map((role) => roleLine(role, pen)),
    ...silent.map(
      ({ server, reason }) => `${pen.paint("yellow", "!")} ${pen.safe(server)} is silent: ${pen.safe(reason)}`,
    ),
  ].join("\n");
}

const roleLine = ({ role, models, mayLeave }: RoleRow, pen: Pen): string =>
  `${role} = ${models.map((each) => pen.safe(each)).join(", then ")}${mayLeave ? pen.paint("dim", ", also from this machine to another") : ""}`;

const serverLine = ({ server, kind, secret, isLocal }: Server, pen: Pen): string =>
  [
    pen.safe(server),
    pen.paint(
      "dim",
      [kind, isLocal ? "this machine" : "another machine", secret === undefined ? "no key" : `key ${secret}`].join(
        ", ",
      ),
    ),
  ].join("  ");

const serversText = ({ servers }: Static<typeof ListServers.output>, pen: Pen): string =>
  servers.length === 0 ? "No model server is named." : servers.map((each) => serverLine(each, pen)).join("\n");

/** The most that a chat would take, and what each allowance has left for it. */
const previewText = ({ models }: Static<typeof Preview.output>, pen: Pen): string =>
  models.flatMap((each) => previewLines(each, pen)).join("\n");

type Previewed = Static<typeof Preview.output>["models"][number];

function previewLines({ model, microUsdMax, price, allowances, ...most }: Previewed, pen: Pen): readonly string[] {
  const cost =
    microUsdMax === null
      ? "cost unknown: no price list names it (arw prices --template)"
      : `${formatMicroUsd(microUsdMax)} at most${price === null ? "" : `, by ${pen.safe(price)}`}`;
  return [
    `${pen.safe(model)}  ${pen.paint("dim", `at most ${most.inputTokensMax} tokens in, ${most.outputTokensMax} out; ${cost}`)}`,
    ...allowances.map(({ text, unit, wanted, left, isEnough }) => {
      const wants = wanted === null ? "nobody knows how much it takes" : `takes ${amountText(unit, wanted)} at most`;
      const mark = isEnough ? pen.paint("green", "✓") : pen.paint("red", "✗");
      return `  ${mark} ${pen.safe(text)}: ${wants}, ${amountText(unit, left)} left`;
    }),
  ];
}

/** What models took of an episode; nothing where none was asked. */
export function modelsMeterText(meter: ModelsMeter): readonly string[] {
  if (meter.asked === 0) return [];
  const count = (value: number | "unknown", words: string): string => `${value} ${words}`;
  const cached =
    typeof meter.cachedTokens === "number" && meter.cachedTokens > 0 ? ` (${meter.cachedTokens} cached)` : "";
  const cost = meter.microUsd === "unknown" ? "cost unknown" : formatMicroUsd(meter.microUsd);
  const failed = meter.failed === 0 ? "" : `, ${meter.failed} failed`;
  return [
    `models asked ${counted(meter.asked, "time")}${failed}: ${count(meter.inputTokens, "tokens in")}${cached}, ${count(meter.outputTokens, "out")}, ${cost}, ${formatDurationMs(meter.durationMs)}`,
  ];
}

function foundText({ servers, keys }: Static<typeof Discover.output>, pen: Pen): string {
  const lines = [
    ...servers.flatMap(({ server, kind, models, wantsKey, isAdded, next }) => [
      `${pen.safe(server)}  ${pen.paint("dim", wantsKey ? "wants a key" : `${kind}, ${counted(models.length, "model")}`)}`,
      `  ${isAdded ? pen.paint("dim", "named already") : next}`,
    ]),
    ...keys.flatMap(({ variable, server, next }) => [
      `${variable}  ${pen.paint("dim", `a key for ${server}; its value was not read`)}`,
      ...next.map((each) => `  ${each}`),
    ]),
  ];
  return lines.length === 0
    ? "No model server answers on the known ports, and no key is in the environment."
    : lines.join("\n");
}
