/** Capsules, their ledger and their issuers as the command line shows them: one line each, envelopes only with --json. */
import { counted } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { ListIssuers, Relay, ShowLedger, ShowStatus, type Shown } from "../domains/provenance/contract.ts";
import { headerText } from "../domains/provenance/seal.ts";
import type { Pen } from "../surfaces/cli/pen.ts";
import type { Presentation } from "../surfaces/cli/port.ts";

type Ledger = Static<typeof ShowLedger.output>;

export const capsuleAnswers: Presentation["answers"] = {
  [ShowStatus.id]: (output, pen) => statusText(output as Static<typeof ShowStatus.output>, pen),
  [ShowLedger.id]: (output, pen) => ledgerText(output as Ledger, pen),
  [ListIssuers.id]: (output, pen) => issuersText(output as Static<typeof ListIssuers.output>, pen),
  // What a program behind this one sends as `X-ARW-Gate`.
  [Relay.id]: (output) => headerText((output as Static<typeof Relay.output>).envelope),
};

function statusText({ adopted, former }: Static<typeof ShowStatus.output>, pen: Pen): string {
  if (adopted.length + former.length === 0) return "No capsule is in force.";
  const lines = [
    ...adopted.map((each) => capsuleLine("in force", each, pen)),
    ...former.map((each) => capsuleLine("ended with an earlier start", each, pen)),
  ];
  const next = former.length === 0 ? [] : ["Present one again: arw policy capsule status --json holds its envelope."];
  return [...lines, ...next].join("\n");
}

const capsuleLine = (state: string, { issuer, id, version, untilMs, rules, by }: Shown, pen: Pen): string =>
  `${pen.paint("bold", `${issuer}/${id}`)}  version ${version}, ${counted(rules, "rule")}, ${state}, until ${pen.timeText(untilMs)}, presented by ${pen.safe(by)}`;

function ledgerText({ isKept, rows }: Ledger, pen: Pen): string {
  const lines = rows.map(({ timeMs, what, issuer, id, reason, by }) => {
    const which = issuer === null || id === null ? "a capsule" : `${issuer}/${id}`;
    return `${pen.timeText(timeMs)}  ${what.padEnd(9)}  ${which}${reason === undefined ? "" : ` (${reason})`}  by ${pen.safe(by)}`;
  });
  const end = isKept ? "Kept in the journal." : "These rows end with the hub; provenance.keepLedger keeps them.";
  return [...(lines.length === 0 ? ["Nothing yet."] : lines), pen.paint("dim", end)].join("\n");
}

function issuersText({ issuers }: Static<typeof ListIssuers.output>, pen: Pen): string {
  if (issuers.length === 0) return "Nobody is trusted. Add an issuer: arw policy issuers add NAME PUBLICKEY";
  return issuers
    .flatMap(({ id, status, keys }) => [
      `${pen.paint("bold", id)}  ${status}`,
      ...keys.map(({ keyId, validToMs }) => {
        const end = validToMs === null ? "" : `  until ${pen.timeText(validToMs)}`;
        return `  ${pen.safe(keyId)}${end}`;
      }),
    ])
    .join("\n");
}
