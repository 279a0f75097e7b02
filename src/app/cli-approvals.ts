/** How questions are shown on the command line: who wants what, why it is asked, and what can be answered. */
import { formatDurationMs } from "../base/units.ts";
import type { Approval, Decide, Offer } from "../domains/approvals/contract.ts";
import type { Static } from "../contract/schema.ts";
import type { Pen, Style } from "../surfaces/cli/pen.ts";

/** The end of an id tells those of one day apart. */
const shortLength = 8;
const indent = " ".repeat(shortLength + 2);
const statusWidth = 9;

export interface ApprovalsLook {
  readonly pen: Pen;
  readonly nowMs: number;
}

export function approvalsText(approvals: readonly Approval[], look: ApprovalsLook): string {
  if (approvals.length === 0) return look.pen.paint("dim", "Nothing was asked.");
  return approvals.map((each) => approvalText(each, look).join("\n")).join("\n");
}

function approvalText(approval: Approval, { pen, nowMs }: ApprovalsLook): readonly string[] {
  const { status, summary, caller } = approval;
  const isWaiting = status === "waiting";
  const head = `${approval.approvalId.slice(-shortLength)}  ${pen.paint(isWaiting ? "yellow" : "dim", status.padEnd(statusWidth))}  `;
  const lines = (text: string, { style, inner = "" }: LineLook = {}): readonly string[] =>
    wrapped(pen.safe(text), pen.columns - indent.length - inner.length).map(
      (line) => `${indent}${inner}${style === undefined ? line : pen.paint(style, line)}`,
    );
  const wanted = wrapped(
    pen.line(`${caller.kind} ${caller.id}: ${summary}`),
    pen.columns - indent.length - statusWidth - 2,
  );
  const [first = "", ...rest] = wanted;
  const shown = [`${head}${first}`, ...rest.map((line) => `${indent}${line}`)];
  if (!isWaiting) return [...shown, ...lines(answerWords(approval), { style: "dim" })];
  const { why, rule, ruleSource, effect, expiresAtMs } = approval;
  return [
    ...shown,
    ...lines(`Why: ${why ?? "a rule asks"} (${rule}${ruleSource === undefined ? "" : `, ${ruleSource}`})`),
    ...lines(builtFrom(approval)),
    ...lines(`${effect ?? ""} ${leftWords(expiresAtMs - nowMs)}`.trim()),
    ...offersText(approval).flatMap(({ command, words }) => [
      `${indent}${pen.paint("cyan", command)}`,
      ...lines(words, { style: "dim", inner: "  " }),
    ]),
  ];
}

interface LineLook {
  readonly style?: Style;
  readonly inner?: string;
}

const leftWords = (leftMs: number): string =>
  leftMs > 0 ? `${formatDurationMs(leftMs)} left, then it counts as no.` : "Its time is over.";

function builtFrom({ sources = [], labels = [] }: Approval): string {
  const strange = labels.filter((each) => each !== "user");
  if (strange.length === 0) return "";
  const first = sources[0];
  const named = first === undefined ? "" : `, such as step ${first.step}: ${first.summary}`;
  return `Built from what came from ${strange.join(", ")}${named}`;
}

/** One line for each reach: the times that are offered differ in nothing else. */
function offersText({ approvalId, offers = [] }: Approval): readonly { command: string; words: string }[] {
  const decide = `arw approvals decide ${approvalId.slice(-shortLength)}`;
  const flagsOf = ({ answer, over }: Offer): string => {
    if (answer === "deny") return "deny";
    if (answer === "edit") return `allow --input '{"NAME": VALUE}'`;
    const untils = offers.filter((each) => each.over === over).flatMap((each) => each.until ?? []);
    return answer === "once" ? "allow" : `allow --for ${untils.join("|")} --over ${over}`;
  };
  const seen = new Set<string>();
  const isNew = (command: string): boolean => !seen.has(command) && seen.add(command) !== undefined;
  return (offers.length === 0 ? plain : offers)
    .map((offer) => ({ command: `${decide} ${flagsOf(offer)}`, words: offer.words }))
    .filter(({ command }) => isNew(command));
}

/** Of hubs that do not say. */
const plain: readonly Offer[] = [
  { answer: "once", words: "Exactly this call, once." },
  { answer: "deny", words: "Nothing." },
];

function answerWords({ edited, lasting, coveredBy, reason, answeredBy }: Approval): string {
  const by = answeredBy === undefined ? "" : `by ${answeredBy}`;
  if (lasting !== undefined) return `${by}; ${lasting.words} Lease ${lasting.leaseId}`;
  if (edited !== undefined) return `${by}, with changed arguments`;
  if (coveredBy !== undefined) return `${by}, with the answer to ${coveredBy.approvalId.slice(-shortLength)}`;
  return [by, reason].filter((each) => each !== undefined && each !== "").join(": ");
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/u).filter((each) => each !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** What a person may answer at once beside yes and no: for the rest of this run, as narrowly as it is offered. */
export function runAnswer(row: Readonly<Record<string, unknown>>): RunAnswer | null {
  const { approvalId, offers = [] } = row as unknown as Approval;
  const offer = offers.find(({ answer, until }) => answer === "lasting" && until === "run");
  if (offer?.over === undefined) return null;
  return {
    words: offer.words,
    input: { approvalId, decision: "allow", lasting: { until: "run", over: offer.over } },
  };
}

interface RunAnswer {
  readonly words: string;
  readonly input: Static<typeof Decide.input>;
}
