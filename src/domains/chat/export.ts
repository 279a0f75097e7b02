/** A conversation as a text that somebody can keep. */
import type { Branch, ConversationRow, Message, Origin, ShownMessage } from "./contract.ts";

const nameCharsMax = 60;

export interface Exported {
  readonly name: string;
  readonly media: string;
  readonly text: string;
}

/** One branch, to be read. What was said stands as it is: it is Markdown already, or reads as such. */
export function asMarkdown({ conversation, messages }: Branch): Exported {
  const { title, createdAtMs, project, folder } = conversation;
  const about = project ?? folder;
  const head = [
    `# ${oneLine(title) || "Conversation"}`,
    "",
    `Begun ${isoOf(createdAtMs)}${about === undefined ? "" : `, about \`${oneLine(about)}\``}.`,
  ];
  const text = [...head, ...messages.flatMap((each) => ["", ...sectionOf(each)]), ""].join("\n");
  return { name: `${fileName(title)}.md`, media: "text/markdown", text };
}

/** All branches, for programs. */
export function asJson(
  { tree, isNamed: _kept, ...conversation }: ConversationRow,
  message: (id: string) => Message | undefined,
): Exported {
  const messages = tree.flatMap((each) => message(each.message) ?? []);
  const text = `${JSON.stringify({ conversation, messages }, null, 2)}\n`;
  return { name: `${fileName(conversation.title)}.json`, media: "application/json", text };
}

function sectionOf(message: ShownMessage): readonly string[] {
  const { role, agent = "agent", atMs, text, status, reason, citations, isExtractive, origins = [], ...more } = message;
  const lines = [`## ${role === "user" ? "You" : agent}, ${isoOf(atMs)}`, ""];
  if (text !== "") lines.push(text);
  if (status !== "finished") lines.push(`*${notAnswered(status, reason)}*`);
  if (isExtractive && citations.length > 0) lines.push("", `*${takenText(origins)}*`);
  else if (origins.length > 0) lines.push("", `*${origins.map(originText).join(" ")}*`);
  if (citations.length > 0)
    lines.push("", `Sources: ${citations.map(({ path, line }) => `\`${oneLine(path)}:${line}\``).join(", ")}`);
  if (more.attachments.length > 0)
    lines.push("", `Attached: ${more.attachments.map(({ path }) => `\`${oneLine(path)}\``).join(", ")}`);
  return lines;
}

/** Where the passages of an answer stand, and who wrote them where it was not their person. */
export const takenText = (origins: readonly Origin[]): string =>
  origins.length === 0
    ? "Taken from your files; no model was asked."
    : ["Taken from files of the folder; no model was asked.", ...origins.map(originText)].join(" ");

export function originText({ path, agent, episode, model, isChanged }: Origin): string {
  const who = model === "none" ? agent : `${agent} with the model ${model}`;
  const since = isChanged ? ", and changed since" : "";
  return `${oneLine(path)} was written by ${oneLine(who)} in the episode ${episode.slice(-8)}${since}.`;
}

/** Says in words why there is no answer, or not yet. */
export function notAnswered(status: Message["status"], reason = ""): string {
  const words: Readonly<Record<Message["status"], string>> = {
    finished: "",
    waiting: "Not answered yet",
    running: "The answer is under way",
    failed: "No answer",
    cancelled: "The answer was stopped",
    interrupted: "The answer was cut off by the end of the hub; it can be resumed",
  };
  return `${words[status]}${reason === "" ? "" : `: ${oneLine(reason)}`}.`;
}

const isoOf = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
const oneLine = (text: string): string => text.replaceAll(/[\s`]+/g, " ").trim();

/** Letters, digits and dashes: a name that every file system takes. */
function fileName(title: string): string {
  const plain = title
    .normalize("NFKD")
    .replaceAll(/[^A-Za-z0-9]+/g, "-")
    .slice(0, nameCharsMax)
    .replaceAll(/^-+|-+$/g, "")
    .toLowerCase();
  return plain === "" ? "conversation" : plain;
}
