/** How conversations look on the command line. Whatever was said, or stands in a file, is text here and nothing else. */
import { truncate, wrapWords } from "../base/text-marks.ts";
import { counted, formatDurationMs } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import {
  type Branch,
  type Conversation,
  Delete,
  Edit,
  Export,
  Follow,
  List,
  type Message,
  Rename,
  Retry,
  Search,
  Send,
  Show,
  type ShownMessage,
  Stop,
  type StreamItem,
} from "../domains/chat/contract.ts";
import { originText, takenText } from "../domains/chat/export.ts";
import type { Pen } from "../surfaces/cli/pen.ts";
import type { ShortId } from "../surfaces/cli/port.ts";

const shortLength = 8;
const shortId = (id: string): string => id.slice(-shortLength);
const countWidth = 4;

const conversationId: readonly ShortId[] = [
  { field: "conversation", list: "state.conversations", key: "conversation" },
];
const messageId: readonly ShortId[] = [
  ...conversationId,
  { field: "message", list: "state.chatMessages", key: "message" },
];

export const chatShortIds = {
  [Show.id]: messageId,
  [Send.id]: conversationId,
  [Edit.id]: messageId,
  [Retry.id]: messageId,
  [Follow.id]: messageId,
  [Stop.id]: conversationId,
  [Rename.id]: conversationId,
  [Delete.id]: conversationId,
  [Export.id]: messageId,
};

export const chatAnswers = {
  [List.id]: (output: unknown, pen: Pen) => listText(output as Static<typeof List.output>, pen),
  [Show.id]: (output: unknown, pen: Pen) => branchText(output as Branch, pen),
  [Search.id]: (output: unknown, pen: Pen) => foundText(output as Static<typeof Search.output>, pen),
  // As it is, so that it can go into a file.
  [Export.id]: (output: unknown) => (output as Static<typeof Export.output>).text.trimEnd(),
  [Rename.id]: (output: unknown, pen: Pen) => lineOf(output as Conversation, pen),
  [Delete.id]: (output: unknown, pen: Pen) => deletedText(output as Static<typeof Delete.output>, pen),
};

const itemText = (item: unknown, pen: Pen): string => streamLine(item as StreamItem, pen);
export const chatItems = { [Send.id]: itemText, [Edit.id]: itemText, [Retry.id]: itemText, [Follow.id]: itemText };

function listText({ conversations, next }: Static<typeof List.output>, pen: Pen): string {
  if (conversations.length === 0) return pen.paint("dim", "No conversations yet. Begin one with `arw chat FOLDER`.");
  const more = next === null ? [] : [pen.paint("dim", `More: arw chat list --before ${pen.safe(next)}`)];
  return [...conversations.map((each) => lineOf(each, pen)), ...more].join("\n");
}

function deletedText(deleted: Static<typeof Delete.output>, pen: Pen): string {
  const { erased, episodes } = deleted;
  const record =
    episodes === 0
      ? ""
      : `\nThe record of ${counted(episodes, "episode")} still tells what was asked and answered: \`arw episodes\`.`;
  return `Deleted: ${lineOf(deleted, pen)}\nErased from the journal: ${counted(erased, "event")}.${record}`;
}

function lineOf({ conversation, title, lastAtMs, messages, project, folder }: Conversation, pen: Pen): string {
  const when = pen.timeText(lastAtMs).slice(0, "2026-01-01 00:00".length);
  const head = `${shortId(pen.safe(conversation))}  ${pen.paint("dim", when)}  ${String(messages).padStart(countWidth)}  `;
  const about = project ?? folder?.split(/[\\/]/).findLast((part) => part !== "");
  const text = `${oneLine(title, pen) || "(nothing said yet)"}${about === undefined ? "" : ` (${oneLine(about, pen)})`}`;
  return `${head}${truncate(text, Math.max(16, pen.columns - shortLength - when.length - countWidth - 6))}`;
}

function foundText({ found, isWhole }: Static<typeof Search.output>, pen: Pen): string {
  if (found.length === 0) return pen.paint("dim", "Nothing was said with all of these words.");
  const lines = found.flatMap(({ conversation, title, role, excerpt }) => [
    `${shortId(pen.safe(conversation))}  ${pen.paint("bold", truncate(oneLine(title, pen), pen.columns - shortLength - 2))}`,
    ...wrapped(`${role === "assistant" ? "answer" : role === "user" ? "you" : "title"}: ${excerpt}`, pen, "  "),
  ]);
  return [...lines, ...(isWhole ? [] : [pen.paint("dim", "There may be more; add a word.")])].join("\n");
}

function branchText({ conversation, messages }: Branch, pen: Pen): string {
  const { title, project, folder } = conversation;
  const about = project ?? folder;
  const head = [
    pen.paint("bold", oneLine(title, pen) || "(nothing said yet)"),
    pen.paint("dim", pen.safe(`${conversation.conversation}${about === undefined ? "" : `  ${about}`}`)),
  ];
  return [...head, ...messages.flatMap((each) => ["", ...messageLines(each, pen)])].join("\n");
}

function messageLines({ siblings, message, ...said }: Branch["messages"][number], pen: Pen): readonly string[] {
  const place = siblings.indexOf(message) + 1;
  const others = siblings.filter((each) => each !== message).map(shortId);
  const beside =
    others.length === 0
      ? ""
      : pen.paint("dim", `  (${place} of ${siblings.length}; others: ${pen.safe(others.join(", "))})`);
  const who = said.role === "user" ? "You" : pen.safe(said.agent ?? "agent");
  const head = `${pen.paint(said.role === "user" ? "cyan" : "green", who)}${beside}`;
  if (said.role === "user") return [head, ...wrapped(said.text, pen, "  "), ...attachedLines(said, pen)];
  if (said.status === "finished") return [head, ...answerLines(said, pen), ...endLines(said, pen)];
  return [head, failureText({ status: said.status, reason: said.reason ?? "" }, pen)];
}

const attachedLines = ({ attachments }: Pick<Message, "attachments">, pen: Pen): readonly string[] =>
  attachments.map(({ path }) => pen.paint("dim", `  with ${oneLine(path, pen)}`));

/** An answer as text: what stands in fences keeps its lines behind a bar, everything else is wrapped. */
export function answerLines({ text }: Pick<Message, "text">, pen: Pen): readonly string[] {
  const lines: string[] = [];
  let fence = "";
  for (const line of pen.safe(text).split("\n")) {
    const marks = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    if (fence !== "") {
      if (marks.startsWith(fence) && line.trim() === marks) fence = "";
      else lines.push(...barred(line, pen));
    } else if (marks !== "") fence = marks;
    else if (line.trim() === "") lines.push("");
    else if (/^#{1,6} /.test(line)) lines.push(`  ${pen.paint("bold", line.replace(/^#+ /, ""))}`);
    else lines.push(...wrapped(line, pen, "  "));
  }
  // The lines around a fence are blank already; two in a row say nothing.
  return lines.filter((line, place) => line !== "" || (place > 0 && lines[place - 1] !== ""));
}

function barred(line: string, pen: Pen): readonly string[] {
  const bar = pen.paint("dim", "  │ ");
  const pieces = line.trim() === "" ? [""] : wrapWords(line, Math.max(20, pen.columns - 4));
  return pieces.map((piece) => `${bar}${piece}`);
}

function wrapped(text: string, pen: Pen, indent: string): readonly string[] {
  const lines = pen.safe(text).split("\n");
  const width = Math.max(20, pen.columns - indent.length);
  return lines.flatMap((line) => {
    const inner = /^\s*(?:[-*+•]|\d+[.)])?\s*/.exec(line)?.[0] ?? "";
    const pieces = wrapWords(line.slice(inner.length), Math.max(20, width - inner.length));
    return pieces.map((piece, place) => `${indent}${place === 0 ? inner : " ".repeat(inner.length)}${piece}`);
  });
}

type Ended = Pick<ShownMessage, "citations" | "origins" | "isExtractive" | "spent" | "notDone">;

/** Where an answer comes from, what it leaves out, and what it took. */
export function endLines(
  { citations, origins = [], isExtractive, spent, notDone }: Ended,
  pen: Pen,
): readonly string[] {
  const places = citations.map(({ path, line }) => `${path}:${line}`);
  const dim = (text: string): readonly string[] => wrapped(text, pen, "  ").map((line) => pen.paint("dim", line));
  return [
    ...(isExtractive && places.length > 0 ? ["", ...dim(takenText(origins))] : []),
    ...(!isExtractive && places.length > 0 ? ["", ...dim(`Sources: ${places.join(", ")}`)] : []),
    ...(isExtractive ? [] : origins.flatMap((each) => dim(originText(each)))),
    ...notDone.flatMap((each) => dim(`Left out: ${each}`)),
    ...(spent === null ? [] : dim(spentText(spent))),
  ];
}

const microPerUsd = 1_000_000;

export function spentText(spent: NonNullable<Message["spent"]>): string {
  const { steps, inputTokens, outputTokens, microUsd, durationMs } = spent;
  const parts = [counted(steps, "step")];
  if ((inputTokens ?? 0) + (outputTokens ?? 0) > 0)
    parts.push(`${inputTokens ?? "?"} tokens in, ${outputTokens ?? "?"} out`);
  if (microUsd !== null && microUsd > 0) parts.push(`${(microUsd / microPerUsd).toFixed(4)} USD`);
  return [...parts, formatDurationMs(durationMs)].join(", ");
}

const failureWords = {
  waiting: "Not answered yet",
  running: "The answer is under way",
  failed: "No answer",
  cancelled: "Stopped",
  interrupted: "Cut off by the end of the hub; `arw resume` goes on with it",
} as const;

export function failureText(
  { status, reason }: { readonly status: keyof typeof failureWords; readonly reason: string },
  pen: Pen,
): string {
  const isBad = status === "failed";
  const words = `${failureWords[status]}${reason === "" ? "" : `: ${oneLine(reason, pen)}`}`;
  return wrapped(words, pen, "  ")
    .map((line, place) =>
      place === 0 ? pen.paint(isBad ? "red" : "yellow", `${isBad ? "✗" : "■"} ${line.trim()}`) : line,
    )
    .join("\n");
}

const stepLooks = {
  proposed: ["→", "yellow"],
  done: ["◦", "dim"],
  refused: ["■", "yellow"],
  failed: ["✗", "red"],
} as const;

/** One step of an answer, on one line. */
export function stepText(item: Extract<StreamItem, { kind: "tool" }>, pen: Pen): string {
  const [glyph, style] = stepLooks[item.state];
  const why = item.reason === undefined ? "" : `: ${item.reason}`;
  return pen.paint(style, truncate(`${glyph} ${oneLine(`${item.summary}${why}`, pen)}`, pen.columns));
}

/** An item of a stream by itself, for those who read along. */
function streamLine(item: StreamItem, pen: Pen): string {
  switch (item.kind) {
    case "started":
      return pen.paint("dim", `${pen.safe(item.agent)} answers as episode ${pen.safe(item.episode)}`);
    case "text":
      return pen.safe(item.text);
    case "thought":
      return pen.paint("dim", pen.safe(item.text));
    case "tool":
      return stepText(item, pen);
    case "approval":
      return pen.paint("yellow", `? ${item.state}: arw approvals decide ${shortId(pen.safe(item.approvalId))} allow`);
    case "question":
      return pen.paint("yellow", `? ${item.state}: arw answer ${shortId(pen.safe(item.questionId))} "…"`);
    case "end":
      return [...answerLines({ text: item.answer }, pen), ...endLines(item, pen)].join("\n");
    case "failed":
      return failureText(item, pen);
    default:
      return item satisfies never;
  }
}

const oneLine = (text: string, pen: Pen): string => pen.safe(text).replaceAll(/\s+/g, " ").trim();
