/** Chat: conversations with agents. An answer is a run of an agent, so its rules, questions, limits and record are the run's. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import {
  closed,
  CorrelationId,
  Digest,
  EpochMs,
  FolderPath,
  oneOf,
  RelativePath,
  type Static,
  Type,
} from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { NotRunning, TurnAnswer } from "../agents/contract.ts";
import { fileProblems } from "../fs/contract.ts";
import { Erased } from "../journal/contract.ts";
import { ProjectName } from "../projects/contract.ts";

/** What a hub keeps: about a year of a person who talks a lot; beyond it they choose what may go. */
export const conversationsMax = 1_000;
export const messagesAllMax = 20_000;
/** Longer ones are slow to read and to think about; a new conversation costs nothing. */
export const messagesMax = 500;
/** What somebody types; a longer text is a file, and files can be attached. */
export const textCharsMax = 20_000;
const titleCharsMax = 120;
export const attachmentsMax = 16;
/** All attachments of a message together: what is larger is searched, not read as a whole. */
export const attachedBytesMax = 262_144;
/** Conversations of one page of the list, and finds of one search. */
const pageMax = 200;
export const foundMax = 50;

const idOf = (description: string) => Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$", description });
const ConversationId = idOf("Id of the conversation.");
const MessageId = idOf("Id of the message; of an answer also of its episode.");
const Title = Type.String({ minLength: 1, maxLength: titleCharsMax });
const AgentName = Type.String({ minLength: 1, maxLength: 120, description: "`helper@garden`, or `answers`." });
const Words = Type.String({ minLength: 1, maxLength: textCharsMax, pattern: "\\S", description: "What you say." });

export const Attachment = closed({ path: RelativePath, digest: Digest });
export type Attachment = Static<typeof Attachment>;
const Attach = Type.Optional(
  Type.Array(RelativePath, {
    maxItems: attachmentsMax,
    description: "Text files of the conversation's folder that the agent shall look at, 256 KiB together.",
  }),
);

/** Where an answer stands. `waiting`: no worker has taken it yet. A question is `finished` at once. */
export const messageStatuses = ["waiting", "running", "finished", "failed", "cancelled", "interrupted"] as const;
export const Message = closed({
  message: MessageId,
  conversation: ConversationId,
  parent: Type.Union([MessageId, Type.Null()], { description: "The message that it follows; null at the beginning." }),
  role: oneOf(["user", "assistant"]),
  text: Type.String({ description: "Empty while an answer is under way, and where it failed." }),
  status: oneOf(messageStatuses),
  agent: Type.Optional(AgentName),
  attachments: Type.Array(Attachment),
  citations: TurnAnswer.properties.citations,
  isExtractive: Type.Boolean({ description: "Quoted from files; no model was asked." }),
  spent: Type.Union([TurnAnswer.properties.spent, Type.Null()]),
  notDone: Type.Array(Type.String(), { description: "What the answer leaves out, and why." }),
  code: Type.Optional(Type.String({ description: "Why there is no answer: the problem's code." })),
  reason: Type.Optional(Type.String({ description: "Why there is no answer, in words." })),
  atMs: EpochMs,
  endedAtMs: Type.Optional(EpochMs),
});
export type Message = Static<typeof Message>;

const home = {
  project: Type.Optional(ProjectName),
  folder: Type.Optional(FolderPath),
  agent: Type.Optional(AgentName),
};
const Node = closed({ message: MessageId, parent: Type.Union([MessageId, Type.Null()]) });
const ConversationTerms = {
  conversation: ConversationId,
  title: Type.String({ maxLength: titleCharsMax, description: "As named, or the first words that were said." }),
  ...home,
  createdAtMs: EpochMs,
  lastAtMs: EpochMs,
};
/** A conversation as it is kept: its messages form a tree, and stand under their own ids. */
export const ConversationRow = closed({
  ...ConversationTerms,
  isNamed: Type.Boolean({ description: "A person gave the title." }),
  tree: Type.Array(Node, { description: "All messages in the order in which they came." }),
});
export type ConversationRow = Static<typeof ConversationRow>;
export const Conversation = closed({
  ...ConversationTerms,
  messages: Type.Integer({ minimum: 0, description: "On all branches together." }),
});
export type Conversation = Static<typeof Conversation>;

export const Origin = closed({
  path: RelativePath,
  agent: Type.String(),
  episode: CorrelationId,
  model: Type.String({ description: "That took part in what was written; `none` where none did." }),
  isChanged: Type.Boolean({ description: "The file was changed after it was written so." }),
});
export type Origin = Static<typeof Origin>;
const Origins = Type.Optional(
  Type.Array(Origin, {
    description: "Cited files that a run of this hub wrote: their words are not their person's own.",
  }),
);

export const ShownMessage = closed({
  ...Message.properties,
  origins: Origins,
  siblings: Type.Array(MessageId, {
    description:
      "The messages at this place of the conversation, itself among them, oldest first; each begins a branch.",
  }),
});
export type ShownMessage = Static<typeof ShownMessage>;
export const Branch = closed({
  conversation: Conversation,
  messages: Type.Array(ShownMessage, { description: "From the beginning to the end of the branch." }),
});
export type Branch = Static<typeof Branch>;

const within = { conversation: ConversationId, message: MessageId };
export const Created = event({
  kind: "chat.created",
  about: "A conversation was begun.",
  data: closed({ conversation: ConversationId, title: Type.Optional(Title), ...home }),
});
export const Renamed = event({
  kind: "chat.renamed",
  about: "A conversation got another title.",
  data: closed({ conversation: ConversationId, title: Title }),
});
export const Deleted = event({
  kind: "chat.deleted",
  about: "A conversation was deleted: its words are erased, and the record of its episodes stays.",
  data: closed({ conversation: ConversationId }),
});
export const MessageDeleted = event({
  kind: "chat.message.deleted",
  about: "A message was deleted with its conversation.",
  data: closed(within),
});
export const MessageSent = event({
  kind: "chat.message.sent",
  about: "A person said something in a conversation.",
  data: closed({
    ...within,
    parent: Type.Union([MessageId, Type.Null()]),
    text: Words,
    attachments: Type.Array(Attachment, { maxItems: attachmentsMax }),
  }),
});
export const AnswerAsked = event({
  kind: "chat.answer.asked",
  about: "An agent was asked for an answer; what becomes of it is told by its episode.",
  data: closed({ ...within, parent: MessageId, agent: AgentName }),
});
export const AnswerRefused = event({
  kind: "chat.answer.refused",
  about: "The agent did not begin with the answer: a rule, a person or a limit was against it.",
  data: closed({
    ...within,
    code: Type.String({ maxLength: 200 }),
    reason: Type.String({ maxLength: 1000 }),
  }),
});

export const StillAnswering = problem({
  code: "chat.still-answering",
  status: 409,
  title: "An answer is under way",
  about: "Wait until the answer has come, or stop it with `arw chat stop ID`; then go on.",
});
export const NotThatMessage = problem({
  code: "chat.not-that-message",
  status: 409,
  title: "Not a message for this",
  about: "Questions of yours are edited, answers are retried, and what you say follows an answer.",
});
export const TooMuchSaid = problem({
  code: "chat.too-much",
  status: 409,
  title: "No room for more",
  about:
    "A hub keeps 1,000 conversations, 20,000 messages in all, and 500 in one conversation. Begin a new one, or delete one that is not needed any more.",
});
export const NoFolder = problem({
  code: "chat.no-folder",
  status: 409,
  title: "The conversation has no folder",
  about: "Files are attached from the folder of the conversation. Begin one with a project or a folder.",
});
export const AttachedTooMuch = problem({
  code: "chat.attached-too-much",
  status: 413,
  title: "Too much attached",
  about:
    "Attachments are read as a whole, 256 KiB together. Ask without attaching: the agent looks into the files of the folder by itself.",
});

const persons = { isOpenWhenHalted: true } as const;
const byId = closed({ conversation: ConversationId });
const scope = ({ project, folder }: { readonly project?: string; readonly folder?: string }) => ({
  ...(project === undefined ? {} : { project }),
  ...(folder === undefined ? {} : { folder }),
});

export const Create = op({
  id: "chat.create",
  http: "POST /chat/conversations",
  cli: "",
  effect: "write",
  about: "Begin a conversation about a project, a folder, or nothing of yours.",
  input: closed({ ...home, title: Type.Optional(Title) }),
  output: Conversation,
  problems: [NotFound, TooMuchSaid, ...fileProblems],
  emits: [Created],
  scope,
});
export const List = op({
  id: "chat.list",
  http: "GET /chat/conversations",
  cli: "chat list",
  effect: "read",
  about: "List the conversations, newest first.",
  input: closed({
    project: Type.Optional(ProjectName),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: pageMax, default: 50 })),
    before: Type.Optional(ConversationId),
  }),
  output: closed({
    conversations: Type.Array(Conversation),
    next: Type.Union([ConversationId, Type.Null()], { description: "`before` of the next page." }),
  }),
});
export const Show = op({
  id: "chat.show",
  http: "GET /chat/conversations/{conversation}",
  cli: "chat show <conversation>",
  effect: "read",
  about: "Show one branch of a conversation, the newest unless another message is named.",
  input: closed({ conversation: ConversationId, message: Type.Optional(MessageId) }),
  output: Branch,
  problems: [NotFound],
});

/** How a step of an answer, a question or an answer itself stands. */
export const stepStates = ["proposed", "done", "refused", "failed"] as const;
// Not `seq`: items with one are taken for an endless stream, and whoever takes that up again would send the words again.
const Position = Type.Integer({ minimum: 0, description: "Position in the journal; `afterSeq` goes on from there." });
export const StreamItem = Type.Union([
  closed({ kind: oneOf(["started"]), ...within, question: MessageId, episode: CorrelationId, agent: AgentName }),
  closed({ kind: oneOf(["text", "thought"]), text: Type.String() }),
  closed({
    kind: oneOf(["tool"]),
    position: Position,
    step: Type.Integer({ minimum: 1 }),
    tool: Type.String(),
    summary: Type.String(),
    state: oneOf(stepStates),
    reason: Type.Optional(Type.String()),
  }),
  closed({
    kind: oneOf(["approval"]),
    position: Position,
    approvalId: Type.String(),
    state: oneOf(["waiting", "granted", "denied", "expired", "cancelled"]),
  }),
  closed({
    kind: oneOf(["question"]),
    position: Position,
    questionId: Type.String(),
    state: oneOf(["waiting", "answered", "expired", "withdrawn"]),
  }),
  closed({
    kind: oneOf(["end"]),
    message: MessageId,
    answer: Type.String(),
    citations: TurnAnswer.properties.citations,
    origins: Origins,
    isExtractive: Type.Boolean(),
    spent: Type.Union([TurnAnswer.properties.spent, Type.Null()]),
    notDone: Type.Array(Type.String()),
  }),
  closed({
    kind: oneOf(["failed"]),
    message: MessageId,
    status: oneOf(["failed", "cancelled", "interrupted"]),
    code: Type.String(),
    reason: Type.String(),
  }),
]);
export type StreamItem = Static<typeof StreamItem>;

const asking = {
  mode: "many",
  effect: "write",
  output: StreamItem,
  problems: [NotFound, StillAnswering, NotThatMessage, TooMuchSaid, NoFolder, AttachedTooMuch, ...fileProblems],
} as const;
export const Send = op({
  id: "chat.send",
  http: "POST /chat/send",
  cli: "chat send <conversation> <text>",
  ...asking,
  problems: [...asking.problems],
  emits: [MessageSent, AnswerAsked, AnswerRefused],
  about: "Say something in a conversation and follow the answer; who leaves the stream does not stop it.",
  input: closed({
    conversation: ConversationId,
    text: Words,
    attachments: Attach,
    parent: Type.Optional(
      Type.Union([MessageId, Type.Null()], {
        description: "The answer that it follows; the newest without it, null to begin anew.",
      }),
    ),
  }),
});
export const Edit = op({
  id: "chat.edit",
  http: "POST /chat/edit",
  cli: "chat edit <conversation> <message> <text>",
  ...asking,
  problems: [...asking.problems],
  emits: [MessageSent, AnswerAsked, AnswerRefused],
  about: "Say something in other words: a new branch beside what you said before, with its own answer.",
  input: closed({ ...within, text: Words, attachments: Attach }),
});
export const Retry = op({
  id: "chat.retry",
  http: "POST /chat/retry",
  cli: "chat retry <conversation> <message>",
  ...asking,
  problems: [...asking.problems],
  emits: [AnswerAsked, AnswerRefused],
  about: "Ask for a new answer beside the old one, of the same agent or another.",
  input: closed({ ...within, agent: Type.Optional(AgentName) }),
});
export const Follow = op({
  id: "chat.follow",
  http: "GET /chat/follow",
  cli: "chat follow <conversation>",
  mode: "many",
  effect: "read",
  about: "Read on in an answer that is under way: what was said and done so far, then what comes.",
  input: closed({
    conversation: ConversationId,
    message: Type.Optional(idOf("The answer; the newest without it.")),
    afterSeq: Type.Optional(Type.Integer({ minimum: 0, description: "Only steps after this position." })),
  }),
  output: StreamItem,
  problems: [NotFound, NotThatMessage],
});
export const Stop = op({
  id: "chat.stop",
  http: "POST /chat/stop",
  cli: "chat stop <conversation>",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  ...persons,
  about: "Stop the answers of a conversation that are under way.",
  input: byId,
  output: closed({ stopped: Type.Array(MessageId) }),
  problems: [NotFound, NotRunning],
});
export const Rename = op({
  id: "chat.rename",
  http: "PUT /chat/conversations/{conversation}/title",
  cli: "chat rename <conversation> <title>",
  effect: "write",
  isIdempotent: true,
  ...persons,
  about: "Give a conversation another title.",
  input: closed({ conversation: ConversationId, title: Title }),
  output: Conversation,
  problems: [NotFound],
  emits: [Renamed],
});
export const Delete = op({
  id: "chat.delete",
  http: "DELETE /chat/conversations/{conversation}",
  cli: "chat delete <conversation>",
  effect: "destroy",
  ...persons,
  about: "Delete a conversation with all its branches and erase what was said; the record of its episodes stays.",
  input: byId,
  output: closed({
    ...Conversation.properties,
    erased: Type.Integer({ minimum: 0, description: "Events of the journal that lost their words for good." }),
    episodes: Type.Integer({
      minimum: 0,
      description: "Runs that answered; their record still tells what they were asked and what they said.",
    }),
  }),
  problems: [NotFound, StillAnswering],
  emits: [MessageDeleted, Deleted, Erased],
});
export const Found = closed({
  ...within,
  title: Type.String(),
  role: oneOf(["user", "assistant", "title"]),
  excerpt: Type.String({ description: "The words around the first find." }),
  atMs: EpochMs,
});
export type Found = Static<typeof Found>;
export const Search = op({
  id: "chat.search",
  http: "GET /chat/search",
  cli: "chat search <words>",
  effect: "read",
  about: "Find messages that hold all of these words, newest conversations first.",
  input: closed({ words: Type.String({ minLength: 1, maxLength: 200, pattern: "\\S" }) }),
  output: closed({
    found: Type.Array(Found, { maxItems: foundMax }),
    isWhole: Type.Boolean({ description: "False when there may be more than was looked through or is shown." }),
  }),
});
export const Export = op({
  id: "chat.export",
  http: "GET /chat/conversations/{conversation}/export",
  cli: "chat export <conversation>",
  effect: "read",
  about: "Give a conversation out as a text: one branch as Markdown, or all of it as JSON.",
  input: closed({
    conversation: ConversationId,
    as: Type.Optional(oneOf(["md", "json"], "`md` is one branch to read, `json` all branches for programs.")),
    message: Type.Optional(MessageId),
  }),
  output: closed({
    name: Type.String({ description: "A file name that fits." }),
    media: Type.String(),
    text: Type.String(),
  }),
  problems: [NotFound],
});
