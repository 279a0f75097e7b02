/** Models: the servers that run them, and what is asked of them. */
import { event } from "../../contract/event.ts";
import { type Cost, op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, DurationMs, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { Denied, NotFound } from "../../contract/standard-problems.ts";
import { BadAllowance, TooManyAllowances } from "../budgets/contract.ts";
import { sendEvents, sendProblems } from "../egress/contract.ts";
import { isOnThisMachine, parseModelName } from "../../base/model-name.ts";
import { finishes, runtimeProblems } from "./port.ts";

/** Kinds of server; what they share is the OpenAI-compatible protocol. */
export const serverKinds = ["openai", "llama-server", "vllm", "ollama", "lm-studio"] as const;

const ServerName = Type.String({
  minLength: 1,
  maxLength: 260,
  examples: ["localhost:11434", "api.openai.com"],
  description: "Host of the server, with its port unless that is 443.",
});
const Kind = oneOf(serverKinds, "What kind of server it is.");
const SecretName = Type.String({
  pattern: "^[A-Z][A-Z0-9_]{0,63}$",
  description: "Name of the secret that is sent as its key.",
});
/** Names of models are file names at most. */
const modelLengthMax = 400;
export const ModelName = Type.String({
  minLength: 1,
  maxLength: modelLengthMax,
  examples: ["localhost:11434/llama3.2", "api.openai.com/gpt-5-mini", "chat"],
  description: "Server and model, `localhost:11434/llama3.2`, or the name of a role.",
});
const RoleName = Type.String({
  pattern: "^[a-z][a-z0-9-]{0,39}$",
  description: "Name of the role: `chat`, `small`, `embed`.",
});

const serverTerms = {
  server: ServerName,
  url: Type.String({ maxLength: 2000, description: "Address before `/chat/completions`." }),
  kind: Kind,
  secret: Type.Optional(SecretName),
};
export const Server = closed({
  ...serverTerms,
  // Agents are shown no word that stands under this name, not even the name of a secret.
  secret: Type.Optional(Type.String({ maxLength: 64, description: "Name of the secret that is sent as its key." })),
  isLocal: Type.Boolean({ description: "What is said to it stays on this machine." }),
  addedAtMs: EpochMs,
  addedBy: Type.String(),
});
export type Server = Static<typeof Server>;

const Role = closed({
  role: RoleName,
  models: Type.Array(ModelName, { minItems: 1, maxItems: 8, description: "In the order in which they are tried." }),
  mayLeave: Type.Boolean({
    description: "When a model of this machine fails, one elsewhere may be asked in its place.",
  }),
});
export const RoleRow = closed({ ...Role.properties, setAtMs: EpochMs, setBy: Type.String() });
export type RoleRow = Static<typeof RoleRow>;

const Count = Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: "Null where nobody counted." });
export const Usage = closed({ inputTokens: Count, outputTokens: Count, cachedTokens: Count });

export const ServerAdded = event({
  kind: "models.server.added",
  about: "A person named a model server that the hub may ask.",
  data: closed(serverTerms),
});
export const ServerRemoved = event({
  kind: "models.server.removed",
  about: "A person took a model server away.",
  data: closed({ server: ServerName }),
});
export const RoleSet = event({
  kind: "models.role.set",
  about: "A person said which models a role stands for.",
  data: Role,
});
export const RoleRemoved = event({
  kind: "models.role.removed",
  about: "A person took a role away.",
  data: closed({ role: RoleName }),
});
export const ModelAsked = event({
  kind: "models.asked",
  about: "A model answered, or failed to.",
  data: closed({
    model: ModelName,
    work: oneOf(["chat", "complete", "embed", "rerank"]),
    ...Usage.properties,
    durationMs: DurationMs,
    firstMs: Type.Union([DurationMs, Type.Null()], { description: "Until the first piece of the answer." }),
    finish: Type.Union([oneOf(finishes), Type.Null()], { description: "Null when the answer broke off." }),
    code: Type.String({ maxLength: 200, description: "`ok`, or the problem's code." }),
    isScripted: Type.Boolean({ description: "The answer was written beforehand." }),
  }),
});
export const ModelSaid = event({
  kind: "models.said",
  isDurable: false,
  about: "A piece of an answer as it comes; passes by and is not kept.",
  data: closed({ model: ModelName, text: Type.String({ maxLength: 100_000 }) }),
});

export const BadServer = problem({
  code: "models.bad-server",
  status: 400,
  title: "Not a model server",
  about: "The address is none, names another host than the server, or goes to another machine without encryption.",
});
export const AllowanceFirst = problem({
  code: "models.allowance-first",
  status: 409,
  title: "Say first how much it may cost",
  about:
    "This server is not on this machine, so asking it may cost money. Add it with an allowance; `next` is the command with 1 USD a day.",
});
export const TooManyServers = problem({
  code: "models.too-many",
  status: 409,
  title: "Too many servers or roles",
  about: "The hub keeps 100 servers and 50 roles. Remove one that is not needed any more.",
});
export const RoleFailed = problem({
  code: "models.role-failed",
  status: 502,
  title: "No model of the role answered",
  about: "Every model of the role was tried. `tried` lists each with what went wrong.",
});

const Text = Type.String({ maxLength: 2_000_000 });
const Piece = Type.Union([
  closed({ kind: oneOf(["text"]), text: Text }),
  closed({ kind: oneOf(["image"]), url: Type.String({ pattern: "^data:image/", maxLength: 8_000_000 }) }),
]);
const ToolName = Type.String({ pattern: "^[A-Za-z0-9_.-]{1,128}$" });
const ToolCall = closed({
  id: Type.String({ maxLength: 200 }),
  name: Type.String({ maxLength: 200 }),
  argumentsText: Type.String({ maxLength: 1_000_000, description: "As the model wrote it, which may be no JSON." }),
});
export const ChatMessage = closed({
  role: oneOf(["system", "user", "assistant", "tool"]),
  content: Type.Array(Piece, { maxItems: 1000 }),
  toolCalls: Type.Optional(Type.Array(ToolCall, { maxItems: 128 })),
  toolCallId: Type.Optional(Type.String({ maxLength: 200 })),
});
/** What an answer may have when nobody says. */
export const tokensMaxDefault = 2048;
const sampling = {
  tokensMax: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: tokensMaxDefault,
      description: "The most that the answer may have, tokens.",
    }),
  ),
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  topP: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  seed: Type.Optional(Type.Integer()),
  stop: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 16 })),
};
const chatInput = closed({
  model: ModelName,
  messages: Type.Array(ChatMessage, { minItems: 1, maxItems: 2000 }),
  tools: Type.Optional(
    Type.Array(
      closed({
        name: ToolName,
        about: Type.String({ maxLength: 20_000 }),
        input: Type.Unknown({ description: "JSON Schema of the arguments." }),
      }),
      { maxItems: 256 },
    ),
  ),
  toolChoice: Type.Optional(Type.Union([oneOf(["auto", "none", "required"]), closed({ name: ToolName })])),
  form: Type.Optional(
    Type.Union([
      closed({ kind: oneOf(["text", "json"]) }),
      closed({ kind: oneOf(["schema"]), name: ToolName, schema: Type.Unknown() }),
    ]),
  ),
  ...sampling,
});
export type ChatInput = Static<typeof chatInput>;
const completeInput = closed({ model: ModelName, prompt: Text, ...sampling });

const answered = {
  model: Type.String({ description: "The model that answered." }),
  finish: oneOf(finishes),
  usage: Usage,
  isScripted: Type.Boolean({ description: "The answer was written beforehand." }),
  label: oneOf(["tool"], "What a model says was told by somebody else."),
};
const ChatAnswer = closed({
  text: Type.String(),
  thought: Type.String({ description: "What the model said to itself; empty where it did not." }),
  toolCalls: Type.Array(ToolCall),
  ...answered,
});
const StreamItem = Type.Union([
  closed({ kind: oneOf(["text", "thought"]), text: Type.String() }),
  closed({
    kind: oneOf(["tool"]),
    place: Type.Integer({ minimum: 0 }),
    id: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    argumentsText: Type.String(),
  }),
  closed({ kind: oneOf(["end"]), ...answered }),
]);
export type StreamItem = Static<typeof StreamItem>;

/** A token is at least one byte of text, and so much comes from templates around each message. */
const tokensAround = 16;
const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

interface Priced {
  readonly model: string;
  readonly tokensMax?: number;
}

/** The most it can be: no tokenizer makes more tokens than there are bytes. */
export const costOf = ({ model, tokensMax = tokensMaxDefault }: Priced, said: string, messages: number): Cost => {
  const name = parseModelName(model);
  // A role costs nothing by itself: the model that it stands for is a call of its own.
  if (name === null) return {};
  const bytes = bytesOf(said);
  return {
    tokens: { input: bytes + tokensAround * (messages + 1), output: tokensMax },
    ...(isOnThisMachine(name.server) ? { microUsd: 0 } : { bytesOut: 2 * bytes + 20_000 }),
  };
};

/** What the server counted; where it did not, all that was set aside stays taken. */
const spentOf = (usage: Static<typeof Usage>, { model }: Priced): Cost | null => {
  const { inputTokens, outputTokens, cachedTokens } = usage;
  const name = parseModelName(model);
  if (name === null) return {};
  if (inputTokens === null || outputTokens === null) return null;
  return {
    tokens: {
      input: inputTokens,
      output: outputTokens,
      ...(cachedTokens === null ? {} : { cachedInput: cachedTokens }),
    },
    ...(isOnThisMachine(name.server) ? { microUsd: 0 } : {}),
  };
};

const scopeOf = ({ model }: Priced) => (parseModelName(model) === null ? {} : { model });
const asking = {
  effect: "read" as const,
  needs: ["model:ask"],
  // The longest answer of a slow machine.
  deadlineMs: 1_800_000,
  problems: [...runtimeProblems, ...sendProblems, Denied, NotFound, RoleFailed],
};
const saidIn = ({ messages, tools, form }: ChatInput): string => JSON.stringify([messages, tools, form]);

export const Chat = op({
  id: "models.chat",
  http: "POST /models/chat",
  cli: "",
  ...asking,
  about: "Ask a model, and get its whole answer.",
  input: chatInput,
  output: ChatAnswer,
  emits: [...sendEvents, ModelAsked, ModelSaid],
  scope: scopeOf,
  cost: (input) => costOf(input, saidIn(input), input.messages.length),
  spent: ({ usage }, input) => spentOf(usage, input),
});
export const Stream = op({
  id: "models.stream",
  http: "POST /models/stream",
  cli: "",
  mode: "many",
  ...asking,
  about: "Ask a model, and get its answer piece by piece.",
  input: chatInput,
  output: StreamItem,
  emits: [...sendEvents, ModelAsked],
  scope: scopeOf,
  cost: (input) => costOf(input, saidIn(input), input.messages.length),
  spent: (item, input) => (item.kind === "end" ? spentOf(item.usage, input) : null),
});
export const Complete = op({
  id: "models.complete",
  http: "POST /models/complete",
  cli: "",
  ...asking,
  about: "Let a model go on with a text.",
  input: completeInput,
  output: closed({ text: Type.String(), ...answered }),
  emits: [...sendEvents, ModelAsked],
  scope: scopeOf,
  cost: (input) => costOf(input, input.prompt, 1),
  spent: ({ usage }, input) => spentOf(usage, input),
});
const Texts = Type.Array(Type.String({ minLength: 1, maxLength: 200_000 }), { minItems: 1, maxItems: 512 });
const embedInput = closed({ model: ModelName, texts: Texts });
const embedCost = ({ model, texts }: Static<typeof embedInput>) =>
  costOf({ model, tokensMax: 0 }, texts.join(""), texts.length);
export const Embed = op({
  id: "models.embed",
  http: "POST /models/embed",
  cli: "",
  ...asking,
  about: "Turn texts into vectors of length 1.",
  input: embedInput,
  output: closed({
    model: Type.String(),
    vectors: Type.Array(Type.Array(Type.Number())),
    usage: Usage,
    isScripted: Type.Boolean(),
  }),
  emits: [...sendEvents, ModelAsked],
  scope: scopeOf,
  cost: embedCost,
  spent: ({ usage }, input) => spentOf(usage, input),
});
const rerankInput = closed({
  model: ModelName,
  query: Type.String({ minLength: 1, maxLength: 20_000 }),
  documents: Texts,
});
const rerankCost = ({ model, query, documents }: Static<typeof rerankInput>) =>
  costOf({ model, tokensMax: 0 }, documents.map((each) => query + each).join(""), documents.length);
export const Rerank = op({
  id: "models.rerank",
  http: "POST /models/rerank",
  cli: "",
  ...asking,
  about: "Say how well each document answers a question.",
  input: rerankInput,
  output: closed({ model: Type.String(), scores: Type.Array(Type.Number()), usage: Usage, isScripted: Type.Boolean() }),
  emits: [...sendEvents, ModelAsked],
  scope: scopeOf,
  cost: rerankCost,
  spent: ({ usage }, input) => spentOf(usage, input),
});
export const Tokenize = op({
  id: "models.tokenize",
  http: "POST /models/tokenize",
  cli: "",
  ...asking,
  about: "Cut a text into the tokens of a model.",
  input: closed({ model: ModelName, text: Type.String({ maxLength: 200_000 }) }),
  output: closed({ model: Type.String(), tokens: Type.Array(Type.Integer()) }),
  emits: [...sendEvents],
  scope: scopeOf,
});

const Listed = closed({
  model: Type.String(),
  server: Type.String(),
  kind: Kind,
  isLocal: Type.Boolean(),
  contextTokens: Count,
  isScripted: Type.Boolean(),
});
export const List = op({
  id: "models.list",
  http: "GET /models",
  cli: "models",
  effect: "read",
  about: "List the models of all servers, and the servers that do not answer.",
  input: closed({}),
  output: closed({
    models: Type.Array(Listed),
    roles: Type.Array(RoleRow),
    silent: Type.Array(closed({ server: Type.String(), reason: Type.String() }), {
      description: "Servers that did not answer now.",
    }),
  }),
  emits: [...sendEvents],
});

const forPersons = { isForPersons: true, isOpenWhenHalted: true } as const;
export const AddServer = op({
  id: "models.servers.add",
  http: "PUT /models/servers/{server}",
  cli: "models add <server>",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  about: "Name a model server that the hub and its agents may ask.",
  input: closed({
    server: ServerName,
    url: Type.Optional(
      Type.String({
        maxLength: 2000,
        description: "Address before `/chat/completions`, when it is another than `/v1` of the server.",
      }),
    ),
    kind: Type.Optional(oneOf(serverKinds, "What kind of server it is; `openai` fits all.")),
    secret: Type.Optional(SecretName),
    allow: Type.Optional(
      Type.String({ maxLength: 100, description: "Allowance for servers that are not on this machine: `1 USD/day`." }),
    ),
  }),
  output: Server,
  problems: [BadServer, AllowanceFirst, TooManyServers, BadAllowance, TooManyAllowances],
  emits: [ServerAdded],
});
export const RemoveServer = op({
  id: "models.servers.remove",
  http: "DELETE /models/servers/{server}",
  cli: "models rm <server>",
  effect: "destroy",
  ...forPersons,
  about: "Take a model server away; nothing is asked of it any more.",
  input: closed({ server: ServerName }),
  output: Server,
  problems: [NotFound],
  emits: [ServerRemoved],
});
export const ListServers = op({
  id: "models.servers.list",
  http: "GET /models/servers",
  cli: "models servers",
  effect: "read",
  about: "List the model servers that a person named.",
  input: closed({}),
  output: closed({ servers: Type.Array(Server) }),
});
export const SetRole = op({
  id: "models.roles.set",
  http: "PUT /models/roles/{role}",
  cli: "models role <role> <models>",
  effect: "write",
  isIdempotent: true,
  ...forPersons,
  about: "Say which models a role stands for, in the order in which they are tried.",
  input: closed({ role: RoleName, models: Role.properties.models, mayLeave: Type.Optional(Role.properties.mayLeave) }),
  output: RoleRow,
  problems: [NotFound, TooManyServers],
  emits: [RoleSet],
});
export const RemoveRole = op({
  id: "models.roles.remove",
  http: "DELETE /models/roles/{role}",
  cli: "models role-rm <role>",
  effect: "destroy",
  ...forPersons,
  about: "Take a role away.",
  input: closed({ role: RoleName }),
  output: RoleRow,
  problems: [NotFound],
  emits: [RoleRemoved],
});
export const Discover = op({
  id: "models.discover",
  http: "POST /models/discover",
  cli: "models discover",
  effect: "read",
  isForPersons: true,
  about: "Look for model servers on this machine, one probe for each known port, and for keys in the environment.",
  input: closed({}),
  output: closed({
    servers: Type.Array(
      closed({
        server: Type.String(),
        kind: Kind,
        models: Type.Array(Type.String()),
        isAdded: Type.Boolean(),
        next: Type.String({ description: "The command that adds it." }),
      }),
    ),
    keys: Type.Array(
      closed({
        variable: Type.String({ description: "Name of the variable; its value is shown nowhere." }),
        server: Type.String(),
        next: Type.Array(Type.String(), { description: "The commands that hand the key over and add the server." }),
      }),
    ),
  }),
  emits: [...sendEvents],
});
