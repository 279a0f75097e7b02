/** How models and their servers look on the command line. */
import type { Static } from "../contract/schema.ts";
import {
  AddServer,
  Discover,
  List,
  ListServers,
  RemoveServer,
  type RoleRow,
  type Server,
  SetRole,
} from "../domains/models/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

export const modelAnswers = {
  [List.id]: (output: unknown, pen: Pen) => modelsText(output as Static<typeof List.output>, pen),
  [ListServers.id]: (output: unknown, pen: Pen) => serversText(output as Static<typeof ListServers.output>, pen),
  [Discover.id]: (output: unknown, pen: Pen) => foundText(output as Static<typeof Discover.output>, pen),
  [AddServer.id]: (output: unknown, pen: Pen) =>
    `${pen.paint("green", "✓")} ${serverLine(output as Server, pen)}\n${pen.paint("dim", "`arw models` lists what it has.")}`,
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

function foundText({ servers, keys }: Static<typeof Discover.output>, pen: Pen): string {
  const lines = [
    ...servers.flatMap(({ server, kind, models, isAdded, next }) => [
      `${pen.safe(server)}  ${pen.paint("dim", `${kind}, ${models.length} ${models.length === 1 ? "model" : "models"}`)}`,
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
