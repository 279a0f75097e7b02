/** `arw chat`: a conversation in the terminal, or one question through a pipe. */
import type { Static } from "../contract/schema.ts";
import {
  type Branch,
  type Conversation,
  Create,
  Edit,
  Retry,
  Send,
  Show,
  Stop,
  type StreamItem,
  textCharsMax,
} from "../domains/chat/contract.ts";
import { List as ListProjects } from "../domains/projects/contract.ts";
import { askWords } from "../surfaces/cli/ask-words.ts";
import { askOnTerminal, questionText } from "../surfaces/cli/follow.ts";
import { createPen, type Pen } from "../surfaces/cli/pen.ts";
import {
  CallFailed,
  type CliParts,
  exitCodes,
  type FollowPlan,
  type Globals,
  type Input,
  type OwnCommand,
  type Transport,
} from "../surfaces/cli/port.ts";
import { createScreen, type Screen } from "../surfaces/cli/screen.ts";
import { wholeIds } from "../surfaces/cli/short-ids.ts";
import { answerLines, endLines, failureText, stepText } from "./cli-chat-look.ts";

export interface ChatOptions {
  readonly terminal: CliParts["terminal"];
  readonly connect: (globals: Globals) => Promise<Transport>;
  readonly follow: FollowPlan;
  /** All that comes through the pipe, or null when it is longer than a question may be. */
  readonly readInput: () => Promise<string | null>;
}

export const chatCommand = (options: ChatOptions): OwnCommand => ({
  words: "chat",
  about: "Talk with an agent about a project or a folder; without a model it answers from your files.",
  rest: {
    name: "where",
    about: "name of a project, or a folder; words behind it, or behind --to ID, are asked at once",
  },
  options: [
    ["--to <id>", "go on with this conversation, which has its place and its agent"],
    ["--agent <name>", "who answers in a new conversation: helper@garden, or answers"],
    ["--attach <path>", "a file of the folder to look at; may be repeated"],
  ],
  async run({ rest = [], flags, globals }) {
    const { terminal } = options;
    await using transport = await options.connect(globals);
    const talk: Talk = {
      ...options,
      transport,
      pen: createPen(terminal),
      screen: createScreen(terminal),
      isJson: globals.json === true,
      agent: texts(flags["agent"]).at(-1),
      attachments: texts(flags["attach"]),
      place: {},
      conversation: null,
      question: null,
      answer: null,
    };
    const to = texts(flags["to"]).at(-1);
    const words = to === undefined ? await beginAt(talk, rest) : await goOn(talk, to, rest);
    if (words === null) return exitCodes.usage;
    if (words.length > 0) return (await say(talk, words.join(" "))) ? exitCodes.ok : exitCodes.problem;
    return terminal.isTty ? await converse(talk) : await once(talk);
  },
});

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const never = (): AbortSignal => new AbortController().signal;

interface Place {
  readonly project?: string;
  readonly folder?: string;
}

/** A conversation as this terminal has it. */
interface Talk extends ChatOptions {
  readonly transport: Transport;
  readonly pen: Pen;
  readonly screen: Screen;
  readonly isJson: boolean;
  readonly agent: string | undefined;
  place: Place;
  attachments: readonly string[];
  /** Begun with the first words. */
  conversation: string | null;
  /** Newest of either, for `/edit` and `/retry`. */
  question: string | null;
  answer: string | null;
}

async function answerTo<T>(transport: Transport, operationId: string, input: Input): Promise<T> {
  const result = await transport.call(operationId, input, never());
  // The hub's answers are checked against the table on its side; nothing here is a job.
  return (result.kind === "answer" ? result.output : null) as T;
}

/** Answers the words behind the place. A project of that name goes before a folder of that name. */
async function beginAt(talk: Talk, [where, ...words]: readonly string[]): Promise<readonly string[]> {
  if (where === undefined) return words;
  const { projects } = await answerTo<Static<typeof ListProjects.output>>(talk.transport, ListProjects.id, {});
  const isProject = projects.some(({ project }) => project === where);
  talk.place = isProject ? { project: where } : { folder: talk.terminal.resolvePath(where) };
  return words;
}

/** Answers the words that were given, without the conversation's own place; null when it cannot go on as asked. */
async function goOn(talk: Talk, id: string, words: readonly string[]): Promise<readonly string[] | null> {
  const { transport, terminal, pen, agent } = talk;
  const shortIds = [{ field: "conversation", list: "state.conversations", key: "conversation" }];
  const input = await wholeIds({ input: { conversation: id }, shortIds, transport, signal: never() });
  const { conversation, messages } = await answerTo<Branch>(transport, Show.id, input);
  const { project, folder } = conversation;
  if (agent !== undefined && agent !== conversation.agent) {
    const own = conversation.agent ?? messages.findLast(({ role }) => role === "assistant")?.agent ?? "another agent";
    terminal.writeError(
      pen.safe(
        `${own} answers in this conversation. Leave --agent out, or begin one: arw chat FOLDER --agent ${agent}`,
      ),
    );
    terminal.writeError("\n");
    return null;
  }
  talk.conversation = conversation.conversation;
  talk.place = { ...(project === undefined ? {} : { project }), ...(folder === undefined ? {} : { folder }) };
  talk.question = messages.findLast(({ role }) => role === "user")?.message ?? null;
  talk.answer = messages.findLast(({ role }) => role === "assistant")?.message ?? null;
  const [first] = words;
  const isPlace = first !== undefined && (first === project || terminal.resolvePath(first) === folder);
  return isPlace ? words.slice(1) : words;
}

/** One question from a pipe; the answer goes to the standard output. */
async function once(talk: Talk): Promise<number> {
  const text = await talk.readInput();
  if (text === null || text.trim() === "") {
    const why =
      text === null ? "That is too long for a question; attach a file with --attach." : "There is no question.";
    talk.terminal.writeError(`${why} Write it into the pipe, or behind the folder: arw chat FOLDER "What is due?"\n`);
    return exitCodes.usage;
  }
  return (await say(talk, text.trim())) ? exitCodes.ok : exitCodes.problem;
}

const help = [
  "/retry            answer the last question again",
  "/edit WORDS       ask the last question in other words",
  "/attach PATH      let the next question look at this file",
  "/help             show this",
  "/quit             leave; so does Ctrl-C at the prompt",
];

async function converse(talk: Talk): Promise<number> {
  const { terminal, pen } = talk;
  const { project = "", folder = project } = talk.place;
  terminal.write(
    `${pen.paint("dim", pen.safe(`${folder === "" ? "About nothing of yours" : `About ${folder}`}. /help tells more.`))}\n`,
  );
  for (;;) {
    const line = await prompt(talk);
    if (line === null || line === "/quit") break;
    if (line !== "") await obey(talk, line);
  }
  if (talk.conversation !== null)
    terminal.write(`${pen.paint("dim", `Go on with: arw chat --to ${talk.conversation.slice(-8)}`)}\n`);
  return exitCodes.ok;
}

/** Null when the person leaves. */
async function prompt({ terminal, pen }: Talk): Promise<string | null> {
  const leaving = new AbortController();
  const stopListening = terminal.onInterrupt(() => leaving.abort());
  try {
    return (await terminal.ask(`\n${pen.paint("cyan", "›")} `, leaving.signal)).trim();
  } catch (error) {
    if (isLeave(error)) return null;
    throw error;
  } finally {
    stopListening();
  }
}

/** Ctrl-C, or the end of the input. */
const isLeave = (error: unknown): boolean => error instanceof Error && error.name === "AbortError";

async function obey(talk: Talk, line: string): Promise<void> {
  const { terminal, pen } = talk;
  const [word = "", ...rest] = line.split(/\s+/);
  const words = rest.join(" ");
  try {
    if (word === "/help") terminal.write(`${help.map((each) => pen.paint("dim", `  ${each}`)).join("\n")}\n`);
    else if (word === "/attach" && words !== "") talk.attachments = [...talk.attachments, words];
    else if (word === "/retry" && talk.answer !== null)
      await read(talk, Retry.id, { conversation: talk.conversation, message: talk.answer });
    else if (word === "/edit" && words !== "" && talk.question !== null)
      await read(talk, Edit.id, { conversation: talk.conversation, message: talk.question, text: words });
    else if (word.startsWith("/") && !word.slice(1).includes("/"))
      terminal.writeError("That does nothing here; /help shows what does.\n");
    else await say(talk, line);
  } catch (error) {
    // A refusal ends the question, not the conversation.
    if (!(error instanceof CallFailed)) throw error;
    terminal.writeError(`${failureText({ status: "failed", reason: error.document.detail }, pen)}\n`);
  }
}

/** False when no answer came. */
async function say(talk: Talk, text: string): Promise<boolean> {
  const { agent, place, transport, attachments } = talk;
  if (talk.conversation === null) {
    const begun = { ...place, ...(agent === undefined ? {} : { agent }) };
    talk.conversation = (await answerTo<Conversation>(transport, Create.id, begun)).conversation;
  }
  const attached = attachments.length === 0 ? {} : { attachments };
  const isAnswered = await read(talk, Send.id, { conversation: talk.conversation, text, ...attached });
  talk.attachments = [];
  return isAnswered;
}

/** Reads an answer to its end. Ctrl-C stops the answer, and a second one leaves without waiting for that. */
async function read(talk: Talk, operationId: string, input: Input): Promise<boolean> {
  const { terminal, transport, pen, screen, isJson } = talk;
  const leaving = new AbortController();
  const stopping = new AbortController();
  const stopListening = terminal.onInterrupt(() => {
    if (stopping.signal.aborted) leaving.abort();
    // What is asked at this moment needs no answer any more.
    stopping.abort();
    if (!leaving.signal.aborted)
      void transport.call(Stop.id, { conversation: input["conversation"] }, never()).catch(() => leaving.abort());
  });
  const reading: Reading = { talk, signal: stopping.signal, said: "", isAnswered: false };
  screen.release();
  try {
    for await (const item of transport.stream(operationId, input, leaving.signal)) {
      if (isJson) terminal.write(`${JSON.stringify(item)}\n`);
      await take(reading, item as StreamItem);
    }
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    terminal.writeError(`\n${pen.paint("dim", "No longer following; the answer goes on unless it was stopped.")}\n`);
  } finally {
    screen.hold();
    stopListening();
  }
  return reading.isAnswered;
}

interface Reading {
  readonly talk: Talk;
  readonly signal: AbortSignal;
  /** What the model said since the last step. */
  said: string;
  isAnswered: boolean;
}

async function take(reading: Reading, item: StreamItem): Promise<void> {
  const { talk } = reading;
  const { terminal, pen, screen, isJson } = talk;
  if (item.kind === "started") {
    talk.question = item.question;
    talk.answer = item.message;
  } else if (item.kind === "end") reading.isAnswered = true;
  if (isJson) return;
  if (item.kind === "text") {
    if (reading.said === "") screen.hold();
    reading.said += item.text;
    terminal.write(pen.safe(item.text));
  } else if (item.kind === "tool") step(reading, item);
  else if (item.kind === "approval" && item.state === "waiting") await askApproval(reading, item.approvalId);
  else if (item.kind === "question" && item.state === "waiting") await askQuestion(reading, item.questionId);
  else if (item.kind === "end") tellEnd(reading, item);
  else if (item.kind === "failed") {
    screen.hold();
    terminal.writeError(`${reading.said === "" ? "" : "\n"}${failureText(item, pen)}\n`);
  }
}

/** What is only looked at passes by on one line; what changes something, or does not, stays. */
function step(reading: Reading, item: Extract<StreamItem, { kind: "tool" }>): void {
  const { terminal, pen, screen } = reading.talk;
  if (reading.said !== "") terminal.write("\n");
  reading.said = "";
  screen.release();
  const text = stepText(item, pen);
  if (item.state === "refused" || item.state === "failed") terminal.writeError(`${text}\n`);
  else if (terminal.isTty) screen.progress(text, text);
}

function tellEnd({ talk, said }: Reading, item: Extract<StreamItem, { kind: "end" }>): void {
  const { terminal, pen, screen } = talk;
  screen.hold();
  const isTold = said.trim() !== "" && said.trim() === item.answer.trim();
  if (said !== "") terminal.write("\n");
  const lines = [...(isTold ? [] : answerLines({ text: item.answer }, pen)), ...endLines(item, pen)];
  terminal.write(`${lines.join("\n")}\n`);
}

/** Null when the person stopped the answer instead. */
async function typed(asked: Promise<string>): Promise<string | null> {
  try {
    return await asked;
  } catch (error) {
    if (isLeave(error)) return null;
    throw error;
  }
}

async function askQuestion(reading: Reading, questionId: string): Promise<void> {
  const { talk, signal } = reading;
  const { words } = talk.follow;
  if (reading.said !== "") talk.terminal.write("\n");
  reading.said = "";
  talk.screen.release();
  if (words !== undefined) await askWords({ ...talk, words }, questionId, signal);
}

async function askApproval({ talk, signal }: Reading, approvalId: string): Promise<void> {
  const { terminal, transport, pen, screen, follow } = talk;
  const row = await answerTo<Readonly<Record<string, unknown>>>(transport, follow.question, { key: approvalId });
  // Whoever reads from the beginning also meets questions that were answered.
  if (row["status"] !== "waiting") return;
  screen.hold();
  terminal.write(`${questionText(row, pen)}\n`);
  if (!terminal.isTty) {
    terminal.writeError(`It waits for an answer: \`${follow.answerCommand(approvalId)}\`\n`);
    return;
  }
  const forRun = follow.runAnswer?.(row) ?? null;
  const said = await typed(askOnTerminal(talk, forRun?.words ?? null, signal));
  if (said === null) return;
  const input = said === "r" && forRun !== null ? forRun.input : follow.decision(approvalId, said === "y");
  await transport.call(follow.decide, input, never()).catch((error: unknown) => {
    // Somebody else was quicker.
    if (!(error instanceof CallFailed)) throw error;
    terminal.writeError(`${pen.safe(error.document.detail)}\n`);
  });
}

/** The pipe, as far as a question may be long; what is left of it is never held. */
export async function readQuestion(): Promise<string | null> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > textCharsMax) return null;
  }
  return text;
}
