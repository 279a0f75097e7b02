/** Models: the servers that run them, and what is asked of them. */
import { event } from "../../contract/event.ts";
import { type Cost, op } from "../../contract/operation.ts";
import { type Problem, problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { Denied, NotFound } from "../../contract/standard-problems.ts";
import { BadAllowance, TooManyAllowances, units } from "../budgets/contract.ts";
import { sendEvents, sendProblems } from "../egress/contract.ts";
import { costOf, scopeOf, spentInVain, spentOf } from "./costs.ts";
import {
  answered,
  ChatAnswer,
  ChatMessage,
  Count,
  sampling,
  StreamItem,
  taken,
  Text,
  ToolName,
  Usage,
} from "./messages.ts";
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
    ...taken,
    // Absent in events of older hubs.
    microUsd: Type.Optional(taken.microUsd),
    finish: Type.Union([oneOf(finishes), Type.Null()], { description: "Null when the answer broke off." }),
    code: Type.String({ maxLength: 200, description: "`ok`, or the problem's code." }),
    isScripted: Type.Boolean({ description: "The answer was written beforehand." }),
  }),
});
/** A piece of an answer that is told live. */
export const saidLengthMax = 100_000;
export const ModelSaid = event({
  kind: "models.said",
  isDurable: false,
  about: "A piece of an answer as it comes; passes by and is not kept.",
  data: closed({
    model: ModelName,
    text: Type.String({ maxLength: saidLengthMax }),
    isThought: Type.Optional(Type.Boolean({ description: "Said to itself, and no part of the answer." })),
  }),
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
  about:
    "Every model of the role was tried. `tried` lists each with what went wrong; `retryAfterMs` says when the first of them would answer again, where one said so.",
});

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
export type { StreamItem } from "./messages.ts";
const completeInput = closed({ model: ModelName, prompt: Text, ...sampling });
export type CompleteInput = Static<typeof completeInput>;

const asking = {
  effect: "read" as const,
  needs: ["model:ask"],
  // The longest answer of a slow machine.
  deadlineMs: 1_800_000,
  problems: [...runtimeProblems, ...sendProblems, Denied, NotFound, RoleFailed],
};
const paid = <I>(cost: (input: I) => Cost) => ({
  cost,
  spentInVain: (problem: Problem, input: I): Cost | null => spentInVain(problem, cost(input)),
});
export const chatCost = (input: Pick<ChatInput, "model" | "messages" | "tools" | "form" | "tokensMax">): Cost =>
  costOf(input, JSON.stringify([input.messages, input.tools, input.form]), input.messages.length);
const completeCost = (input: CompleteInput): Cost => costOf(input, input.prompt, 1);

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
  ...paid(chatCost),
  spent: ({ usage }, input) => spentOf(usage, chatCost(input)),
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
  ...paid(chatCost),
  spent: (item, input) => (item.kind === "end" ? spentOf(item.usage, chatCost(input)) : null),
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
  ...paid(completeCost),
  spent: ({ usage }, input) => spentOf(usage, completeCost(input)),
});
export const StreamText = op({
  id: "models.streamText",
  http: "POST /models/stream-text",
  cli: "",
  mode: "many",
  ...asking,
  about: "Let a model go on with a text, and get it piece by piece.",
  input: completeInput,
  output: StreamItem,
  emits: [...sendEvents, ModelAsked],
  scope: scopeOf,
  ...paid(completeCost),
  spent: (item, input) => (item.kind === "end" ? spentOf(item.usage, completeCost(input)) : null),
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
    ...taken,
    isScripted: Type.Boolean(),
  }),
  emits: [...sendEvents, ModelAsked],
  scope: scopeOf,
  ...paid(embedCost),
  spent: ({ usage }, input) => spentOf(usage, embedCost(input)),
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
  output: closed({
    model: Type.String(),
    scores: Type.Array(Type.Number()),
    usage: Usage,
    ...taken,
    isScripted: Type.Boolean(),
  }),
  emits: [...sendEvents, ModelAsked],
  scope: scopeOf,
  ...paid(rerankCost),
  spent: ({ usage }, input) => spentOf(usage, rerankCost(input)),
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

const previewInput = closed({
  model: ModelName,
  text: Type.Optional(Type.String({ maxLength: 200_000, description: "What would be said, in place of messages." })),
  messages: Type.Optional(Type.Array(ChatMessage, { maxItems: 2000 })),
  tools: chatInput.properties.tools,
  form: chatInput.properties.form,
  tokensMax: sampling.tokensMax,
});
export const Preview = op({
  id: "models.preview",
  http: "POST /models/preview",
  cli: "models preview <model> [text]",
  effect: "read",
  about:
    "Say what a chat would take at most, and what is left of each allowance that counts it; nothing is asked or taken.",
  input: previewInput,
  output: closed({
    models: Type.Array(
      closed({
        model: Type.String(),
        isLocal: Type.Boolean(),
        inputTokensMax: Type.Integer({ minimum: 0, description: "A token for each byte: no tokenizer makes more." }),
        outputTokensMax: Type.Integer({ minimum: 0 }),
        microUsdMax: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
          description: "Millionths of a USD; null where nobody knows the price.",
        }),
        price: Type.Union([Type.String(), Type.Null()], { description: "File and line of the price." }),
        allowances: Type.Array(
          closed({
            allowanceId: Type.String(),
            text: Type.String(),
            unit: oneOf(units),
            wanted: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
              description: "The most that the call can take of it; null where nobody knows.",
            }),
            left: Type.Integer({ minimum: 0 }),
            isEnough: Type.Boolean(),
          }),
        ),
      }),
      { description: "Of a role each of its models, in the order in which they are tried." },
    ),
  }),
  problems: [NotFound],
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
    server: {
      ...ServerName,
      description: "Host of the server, or its whole address, such as http://localhost:8080/v1.",
    },
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
  isReadPastRules: true,
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
        wantsKey: Type.Boolean({ description: "It tells its models only to who has a key." }),
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
