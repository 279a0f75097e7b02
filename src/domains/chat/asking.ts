/** Asks an agent for an answer: a run of its own, which goes on whether or not anybody reads along. */
import type { Grant, Label } from "../../contract/caller.ts";
import type { Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { Run, type Turn } from "../agents/contract.ts";
import { FileTooLarge, Read } from "../fs/contract.ts";
import { ListProfiles } from "../profiles/contract.ts";
import { List as ListProjects } from "../projects/contract.ts";
import { answersId, answersKeys } from "./answers/program.ts";
import type { Book } from "./book.ts";
import {
  AnswerAsked,
  AnswerRefused,
  attachedBytesMax,
  AttachedTooMuch,
  type Attachment,
  type ConversationRow,
  NoFolder,
} from "./contract.ts";
import { threadOf } from "./thread.ts";
import { titleOf } from "./views.ts";

export interface AskingDeps {
  readonly parts: KernelParts;
  readonly book: Book;
  /** Whose words a run that ended had read: an answer brings them into each answer that follows it. */
  readonly labelsOf: (episode: string) => readonly Label[];
}

/** What an agent is told of what was said before: the newest, as far as it fits. */
const historyCharsMax = 100_000;
const historyMessagesMax = 200;

export interface Asked {
  readonly message: string;
  readonly agent: string;
  readonly begin: () => Promise<void>;
}

interface Asking {
  readonly row: ConversationRow;
  /** The question that is to be answered, as it will stand in the conversation. */
  readonly question: string;
  readonly text: string;
  readonly attachments: readonly Attachment[];
  /** What the question follows. */
  readonly parent: string | null;
  readonly agent?: string | undefined;
}

/** Makes everything ready. `begin` writes down that the agent was asked, and lets it begin. */
export async function prepare(asking: Asking, deps: AskingDeps, ctx: Context): Promise<Asked> {
  const { row, question, text } = asking;
  const { conversation } = row;
  const folder = await folderOf(row, ctx);
  const agent = asking.agent ?? (await agentOf(row, ctx));
  const message = ctx.id();
  const { turn, labels } = turnOf(asking, folder, deps);
  const input = {
    agent,
    title: `Chat: ${titleOf(text)}`.slice(0, 300),
    ...(folder === null ? {} : { folder }),
    input: turn,
    // An agent of a project has what its file names.
    ...(agent === answersId ? { grants: folder === null ? [] : grantsIn(folder) } : {}),
  };
  return {
    message,
    agent,
    async begin() {
      await ctx.emit(AnswerAsked, { conversation, message, parent: question, agent });
      try {
        await deps.parts.kernel.dispatch({
          operationId: Run.id,
          input,
          credentials: { kind: "caller", caller: labels.length === 0 ? ctx.caller : { ...ctx.caller, labels } },
          corrId: message,
        });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const { code } = error.definition;
        await ctx.emit(AnswerRefused, { conversation, message, code, reason: error.message.slice(0, 1000) });
      }
    },
  };
}

const grantsIn = (folder: string): Grant[] => answersKeys.map((key) => ({ key, folder }));

/** Where the files of a conversation lie; null where it is about none. */
export async function folderOf({ project, folder }: ConversationRow, ctx: Context): Promise<string | null> {
  if (folder !== undefined) return folder;
  if (project === undefined) return null;
  const { projects } = await ctx.call(ListProjects, {});
  return projects.find((each) => each.project === project)?.folder ?? null;
}

/** The conversation's own, else the only one of its project, else the one that asks no model. */
async function agentOf({ agent, project }: ConversationRow, ctx: Context): Promise<string> {
  if (agent !== undefined) return agent;
  if (project === undefined) return answersId;
  const { profiles } = await ctx.call(ListProfiles, { project });
  const [only, other] = profiles;
  return only !== undefined && other === undefined ? only.agent : answersId;
}

/** What the agent is given, and whose words are in it beside the person's. */
function turnOf({ row, text, attachments, parent }: Asking, folder: string | null, { book, labelsOf }: AskingDeps) {
  const history: { role: "user" | "assistant"; text: string }[] = [];
  const labels = new Set<Label>();
  let chars = 0;
  for (const id of threadOf(row.tree).wayTo(parent).toReversed()) {
    const said = book.message(id);
    if (said === undefined || said.text === "") continue;
    chars += said.text.length;
    if (chars > historyCharsMax || history.length === historyMessagesMax) break;
    history.unshift({ role: said.role, text: said.text });
    if (said.role === "assistant") for (const label of labelsOf(id)) labels.add(label);
  }
  const turn: Turn = {
    task: text,
    ...(history.length === 0 ? {} : { history }),
    ...(attachments.length === 0 ? {} : { attachments: attachments.map((each) => ({ ...each })) }),
    ...(row.project === undefined ? {} : { project: row.project }),
    ...(folder === null ? {} : { folder }),
  };
  const isBare = labels.size === 0 || (labels.size === 1 && labels.has("user"));
  return { turn, labels: isBare ? [] : [...labels.add("user")] };
}

/** Looks at each file that is attached, as whoever attaches it. */
export async function attach(
  paths: readonly string[],
  row: ConversationRow,
  ctx: Context,
): Promise<readonly Attachment[]> {
  if (paths.length === 0) return [];
  const folder = await folderOf(row, ctx);
  if (folder === null) throw new Problem(NoFolder, "there is no folder to attach files from");
  const attached: Attachment[] = [];
  let sizeBytes = 0;
  for (const path of new Set(paths)) {
    const read = await ctx.call(Read, { folder, path, lines: 1 }).catch((error: unknown) => {
      if (isProblem(error, FileTooLarge)) throw tooMuch(path);
      throw error;
    });
    sizeBytes += read.sizeBytes;
    if (sizeBytes > attachedBytesMax) throw tooMuch(path);
    attached.push({ path, digest: read.digest });
  }
  return attached;
}

const tooMuch = (path: string): Problem =>
  new Problem(AttachedTooMuch, `with ${path} it is more than ${attachedBytesMax / 1024} KiB`, {
    sizeBytesMax: attachedBytesMax,
  });
