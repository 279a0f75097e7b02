/** The hub's operations that only the room of conversations uses. */
import type { Client } from "../../../../client/src/index.ts";
import { get, post, put, query, remove, streamed } from "../../api.ts";
import type { AgentManifest } from "../../shapes.ts";

type Answer<Method extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<Method>>;
type Item<Method extends (...args: never[]) => AsyncGenerator> =
  ReturnType<Method> extends AsyncGenerator<infer Each> ? Each : never;

export type Conversations = Answer<Client["chat"]["list"]>;
export type Conversation = Conversations["conversations"][number];
export type Branch = Answer<Client["chat"]["show"]>;
export type Message = Branch["messages"][number];
export type StreamItem = Item<Client["chat"]["follow"]>;
export type Found = Answer<Client["chat"]["search"]>;
export type Preview = Answer<Client["models"]["preview"]>;
export type FilePart = Answer<Client["fs"]["read"]>;
export type Projects = Answer<Client["projects"]["list"]>;
interface FileOf {
  readonly folder?: string | undefined;
  readonly project?: string | undefined;
  readonly path: string;
}
type Profiles = Answer<Client["profiles"]["list"]>;
export type ContextPreview = Answer<Client["profiles"]["context"]>;
type NewConversation = NonNullable<Parameters<Client["chat"]["create"]>[0]>;
type Sent = Parameters<Client["chat"]["send"]>[0];
type Edited = Parameters<Client["chat"]["edit"]>[0];

const at = encodeURIComponent;
const conversationsShownMax = 200;
const place = (conversation: string): string => `/chat/conversations/${at(conversation)}`;

export const chatApi = {
  list: (signal?: AbortSignal) =>
    get<Conversations>(`/chat/conversations?${query({ limit: conversationsShownMax })}`, signal),
  show: (conversation: string, message: string | undefined, signal?: AbortSignal) =>
    get<Branch>(`${place(conversation)}?${query({ message })}`, signal),
  create: (conversation: NewConversation) => post<Conversation>("/chat/conversations", conversation),
  rename: (conversation: string, title: string) => put<Conversation>(`${place(conversation)}/title`, { title }),
  remove: (conversation: string) => remove<Conversation>(place(conversation)),
  export: (conversation: string, as: "md" | "json", message: string | undefined) =>
    get<{ name: string; media: string; text: string }>(`${place(conversation)}/export?${query({ as, message })}`),
  search: (words: string, signal?: AbortSignal) => get<Found>(`/chat/search?${query({ words })}`, signal),
  stop: (conversation: string) => post<object>("/chat/stop", { conversation }),
  send: (sent: Sent, signal: AbortSignal) => streamed("/chat/send", { signal, body: sent }),
  edit: (edited: Edited, signal: AbortSignal) => streamed("/chat/edit", { signal, body: edited }),
  retry: (conversation: string, message: string, signal: AbortSignal) =>
    streamed("/chat/retry", { signal, body: { conversation, message } }),
  follow: (conversation: string, message: string, signal: AbortSignal) =>
    streamed(`/chat/follow?${query({ conversation, message })}`, { signal }),
  agents: (signal?: AbortSignal) => get<{ agents: readonly AgentManifest[] }>("/agents", signal),
  profiles: (project: string, signal?: AbortSignal) => get<Profiles>(`/profiles?${query({ project })}`, signal),
  projects: (signal?: AbortSignal) => get<Projects>("/projects", signal),
  context: (agent: string, task: string, history: readonly { role: "user" | "assistant"; text: string }[]) =>
    post<ContextPreview>("/profiles/context", { agent, task, history: [...history] }),
  preview: (model: string, text: string) => post<Preview>("/models/preview", { model, text }),
  /** Some lines of a file of a conversation's folder. */
  lines: ({ folder = "", project, path }: FileOf, fromLine: number, lines: number) =>
    project === undefined
      ? post<FilePart>("/fs/read", { folder, path, fromLine, lines })
      : get<FilePart>(`/projects/${at(project)}/file?${query({ path, fromLine, lines })}`),
};
