/** `arw connect --models`: puts the models of other agents on this hub's `/v1`, each with a token of its own. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../adapters/files/make-folder.ts";
import { replaceFile } from "../adapters/files/replace-file.ts";
import type { Static } from "../contract/schema.ts";
import { CreateToken, RevokeToken } from "../domains/access/contract.ts";
import { List } from "../domains/models/contract.ts";
import { CallFailed, type CliParts, exitCodes, type Globals, type Transport } from "../surfaces/cli/port.ts";
import type { AgentFile } from "./connect/agents.ts";
import { shownDiff } from "./connect/changes.ts";
import { NotEditable } from "./connect/entries.ts";
import { byHand, type ModelAddress, takesModels, withModels } from "./connect/model-address.ts";
import { textOf } from "./connect/records.ts";

export interface ModelsOptions {
  readonly terminal: CliParts["terminal"];
  readonly connect: (globals: Globals) => Promise<Transport>;
  /** Where the hub was found, once it was connected to. */
  readonly address: () => string;
}

interface Connecting extends ModelsOptions {
  readonly program: readonly string[];
  readonly globals: Globals;
  readonly files: readonly AgentFile[];
  readonly folder: string;
  readonly isAgreed: (count: number) => Promise<boolean>;
  readonly write: (path: string, change: { readonly before: string; readonly after: string }) => Promise<boolean>;
}

export const keyPathOf = (folder: string, agent: string): string => join(folder, `${agent}.key`);

export async function connectModels(connecting: Connecting): Promise<number> {
  const { terminal, connect, globals, files, folder } = connecting;
  await using transport = await connect(globals);
  const models = await modelsOf(transport);
  if (models.length === 0) {
    terminal.write(
      "This hub knows no model yet: `arw models discover` looks for some, `arw models add` names a server.\n",
    );
    return exitCodes.ok;
  }
  const url = `${connecting.address().replace(/\/$/u, "")}/v1`;
  const changes: Change[] = [];
  for (const file of files) {
    const before = await textOf(file.path);
    if (before === null) continue;
    const address = { url, models, node: connecting.program[0] ?? "node", keyPath: keyPathOf(folder, file.agent) };
    const words = byHand(file, address);
    if (words !== null) terminal.write(`  ${file.title}  ${file.path}\n    By hand: ${words}\n`);
    const change = takesModels(file) ? changeOf(file, before, { address, terminal }) : null;
    if (change !== null) changes.push(change);
  }
  if (changes.length === 0) {
    terminal.write("There is nothing to change.\n");
    return exitCodes.ok;
  }
  for (const { file, before, after } of changes) terminal.write(`\n${shownDiff({ file, entries: [] }, before, after)}`);
  terminal.write(
    "\nEach gets a token of its own, in a file that its own names; the token reaches models and nothing else.\n",
  );
  if (!(await connecting.isAgreed(changes.length))) return exitCodes.ok;
  for (const change of changes) {
    await giveToken(transport, change.file.agent, folder);
    if (!(await connecting.write(change.file.path, change))) return exitCodes.problem;
  }
  terminal.write(`\n${nextWords(changes, models)}`);
  return exitCodes.ok;
}

const unending = (): AbortSignal => new AbortController().signal;

interface Change {
  readonly file: AgentFile;
  readonly before: string;
  readonly after: string;
}

async function modelsOf(transport: Transport): Promise<readonly string[]> {
  const answer = await transport.call(List.id, {}, unending());
  if (answer.kind !== "answer") return [];
  return (answer.output as Static<typeof List.output>).models.map(({ model }) => model);
}

function changeOf(
  file: AgentFile,
  before: string,
  { address, terminal }: { readonly address: ModelAddress; readonly terminal: CliParts["terminal"] },
): Change | null {
  try {
    const after = withModels(file, before, address);
    return after === before ? null : { file, before, after };
  } catch (error) {
    if (!(error instanceof NotEditable)) throw error;
    terminal.write(`  ${file.title}  ${file.path}\n    stays as it is: ${error.message}\n`);
    return null;
  }
}

/** One for each agent, called like it, so that rules and allowances for it count. An older one of ours ends. */
async function giveToken(transport: Transport, name: string, folder: string): Promise<void> {
  if ((await textOf(keyPathOf(folder, name))) !== null) await takeToken(transport, name, folder);
  const made = await transport.call(
    CreateToken.id,
    { name, role: "agent", key: ["models:*", "access:whoami"] },
    unending(),
  );
  const { token } = (made.kind === "answer" ? made.output : {}) as { readonly token?: string };
  if (token === undefined) throw new TypeError("a token that was made is told");
  await makeFolder(folder, { mode: 0o700 });
  await replaceFile(keyPathOf(folder, name), Buffer.from(token), { mode: 0o600 });
}

/** Whoever has no such token any more has none to lose. */
async function takeToken(transport: Transport, name: string, folder: string): Promise<void> {
  try {
    await transport.call(RevokeToken.id, { name }, unending());
  } catch (error) {
    if (!(error instanceof CallFailed) || error.document.code !== "arw.not-found") throw error;
  }
  await rm(keyPathOf(folder, name), { force: true });
}

/** With the file of an agent its token goes, too; without a hub a person is told how. */
export async function forgetModels(
  { terminal, connect, globals, folder }: Pick<Connecting, "terminal" | "connect" | "globals" | "folder">,
  agent: string,
): Promise<void> {
  if ((await textOf(keyPathOf(folder, agent))) === null) return;
  try {
    await using transport = await connect(globals);
    await takeToken(transport, agent, folder);
  } catch {
    await rm(keyPathOf(folder, agent), { force: true });
    terminal.write(`No hub answers: once one runs, \`arw token rm ${agent}\` ends the token.\n`);
  }
}

function nextWords(changes: readonly Change[], [model = "MODEL"]: readonly string[]): string {
  const words = changes.map(({ file }) =>
    file.agent === "codex" ? `codex -c model_provider=arw -m ${model}` : `opencode -m arw/${model}`,
  );
  return `Now: ${[...new Set(words)].join(", or ")}. \`arw connect --undo\` takes it back.\n`;
}
