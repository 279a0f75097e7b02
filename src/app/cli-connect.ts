/** `arw connect`: puts the MCP servers of other agents on this machine behind the hub, and takes that back. */
import { sha256Hex } from "../base/canonical-json.ts";
import { exitCodes, type Globals, type OwnCommand } from "../surfaces/cli/port.ts";
import { type AgentFile, agentFiles, type Machine } from "./connect/agents.ts";
import { type Looked, lookToUnwrap, lookToWrap, shownDiff } from "./connect/changes.ts";
import { isWrapped, NotEditable, type Prefix } from "./connect/entries.ts";
import { Changed, type ConnectRecord, createRecords, type Records, textOf } from "./connect/records.ts";
import { connectModels, forgetModels, type ModelsOptions } from "./cli-connect-models.ts";
import { withoutModels } from "./connect/model-address.ts";
import { asName } from "./mcp-names.ts";

export interface ConnectCommandOptions extends ModelsOptions {
  readonly machine: Machine;
  readonly stateDirOf: (globals: Globals) => string;
  /** How this program is started from anywhere: Node and its file. */
  readonly program: readonly string[];
  readonly nowMs: () => number;
}

export const connectCommand = (options: ConnectCommandOptions): OwnCommand => ({
  words: "connect",
  about:
    "Find the agents on this machine and put their MCP servers behind the hub; shows every change before it is made.",
  options: [
    ["--yes", "make the changes without asking"],
    ["--models", "put the models of these agents on this hub's `/v1` instead; the hub has to run"],
    ["--ask-in-client", "put questions to you in the windows of these agents; what they answer counts as yours"],
    ["--undo", "take back what was written"],
    ["--agent <name>", "only this agent, such as `cursor`"],
  ],
  async run({ flags, globals }) {
    const only = Array.isArray(flags["agent"]) ? new Set(flags["agent"].map(String)) : null;
    const files = agentFiles(options.machine).filter(({ agent }) => only === null || only.has(agent));
    const stateDir = options.stateDirOf(globals);
    const running: Running = {
      ...options,
      files,
      globals,
      folder: `${stateDir}/connect`,
      records: createRecords(`${stateDir}/connect`),
      prefix: prefixOf(options, { globals, stateDir, asksInClient: flags["askInClient"] === true }),
      asksInClient: flags["askInClient"] === true,
      isYes: flags["yes"] === true,
    };
    if (flags["undo"] === true) return undo(running);
    return flags["models"] === true ? connectModels(modelsOf(running)) : connect(running);
  },
});

type Running = ConnectCommandOptions & {
  readonly globals: Globals;
  /** Notes and keys of what was written. */
  readonly folder: string;
  readonly files: readonly AgentFile[];
  readonly records: Records;
  readonly prefix: (agent: string) => Prefix;
  readonly isYes: boolean;
  readonly asksInClient: boolean;
};

/** The state directory is named only where the agent could not find it by itself. */
function prefixOf(
  { program, machine }: ConnectCommandOptions,
  {
    globals,
    stateDir,
    asksInClient,
  }: { readonly globals: Globals; readonly stateDir: string; readonly asksInClient: boolean },
): (agent: string) => Prefix {
  const isNamed = globals.stateDir !== undefined || (machine.env["ARW_STATE_DIR"] ?? "") !== "";
  const state = isNamed ? ["--state-dir", stateDir] : [];
  const asking = asksInClient ? ["--ask-in-client"] : [];
  return (agent) => (server) => {
    const own = [...state, "--agent", agent, "--name", asName(server), ...asking];
    return [...program, "mcp", "wrap", ...own, "--"];
  };
}

const modelsOf = (running: Running) => ({
  ...running,
  isAgreed: (count: number) => isAgreed(running, count),
  write: (path: string, change: { readonly before: string; readonly after: string }) =>
    tried(running, path, () => running.records.write(path, { ...change, nowMs: running.nowMs() })),
});

async function connect(running: Running): Promise<number> {
  const { terminal, files, prefix } = running;
  const found: Looked[] = [];
  for (const file of files) {
    const before = await textOf(file.path);
    if (before !== null) found.push(lookToWrap(file, before, prefix));
  }
  const shown = found.filter(({ entries, reason }) => entries.length > 0 || reason !== null);
  if (shown.length === 0) {
    terminal.write("No agent with MCP servers was found on this machine. Nothing was changed.\n");
    return exitCodes.ok;
  }
  terminal.write(shown.map((each) => foundText(each, prefix)).join("\n"));
  const changes = shown.flatMap((each) => (each.after === null ? [] : [{ ...each, after: each.after }]));
  if (changes.length === 0) {
    const again = running.asksInClient ? " `arw connect --undo` first, to put it in front anew." : "";
    terminal.write(`\nThere is nothing to change.${again}\n`);
    return exitCodes.ok;
  }
  for (const each of changes) terminal.write(`\n${shownDiff(each, each.before, each.after)}`);
  if (running.asksInClient) terminal.write(`\n${askedThere}\n`);
  if (!(await isAgreed(running, changes.length))) return exitCodes.ok;
  for (const { file, before, after } of changes) {
    const isDone = await tried(running, file.path, () =>
      running.records.write(file.path, { before, after, nowMs: running.nowMs() }),
    );
    if (!isDone) return exitCodes.problem;
  }
  terminal.write(
    "\nStart the hub with `arw`, then restart these programs. `arw connect --undo` takes it back.\n`arw connect --models` puts their models on this hub, too.\n",
  );
  return exitCodes.ok;
}

/** What whoever chooses it has to know before they say yes. */
const askedThere = `Questions will be put to you in the windows of these programs, for one call at a time. Whatever such a program answers counts
as your own yes, also to calls built from what strangers wrote, and nobody here can tell whether you answered or the agent did.
Without --ask-in-client they are answered in the hub alone.`;

/** Answers false, and says why, when the file was left as it is. */
async function tried({ terminal }: Running, path: string, write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    terminal.write(`✓ ${path}\n`);
    return true;
  } catch (error) {
    const next = error instanceof Changed ? "Run the command again." : "It was left as it is.";
    terminal.writeError(`✗ ${path}: ${error instanceof Error ? error.message : String(error)}. ${next}\n`);
    return false;
  }
}

const marks = {
  command: "→ behind the hub",
  http: "  reached by address, stays as it is",
  odd: "  not understood, stays as it is",
};

function foundText({ file, entries, reason }: Looked, prefix: (agent: string) => Prefix): string {
  const servers = entries.map((entry) => {
    const what = isWrapped(entry)
      ? "✓ behind the hub already"
      : reason === null
        ? marks[entry.kind]
        : "  stays as it is";
    return `    ${entry.name.padEnd(nameWidth)} ${what}\n`;
  });
  const words = prefix(file.agent)("NAME").map((word) => (/\s/u.test(word) ? JSON.stringify(word) : word));
  const byHand =
    reason === null
      ? ""
      : `    ${reason}. By hand: put these words before the command of each server, NAME being its name:\n      ${words.join(" ")}\n`;
  return `  ${file.title}  ${file.path}\n${servers.join("")}${byHand}`;
}
const nameWidth = 24;

async function isAgreed({ terminal, isYes }: Running, count: number): Promise<boolean> {
  if (isYes) return true;
  const files = count === 1 ? "this file" : `these ${count} files`;
  if (!terminal.isTty) {
    terminal.write(`\nNothing was written. \`--yes\` changes ${files}.\n`);
    return false;
  }
  const typed = await terminal.ask(`\nChange ${files}? Type yes: `, new AbortController().signal).catch(() => "");
  const isAgreed = typed.trim().toLowerCase() === "yes";
  if (!isAgreed) terminal.write("Nothing was written.\n");
  return isAgreed;
}

interface Return {
  readonly record: ConnectRecord;
  readonly before: string;
  readonly after: string;
  readonly diff: string;
}

async function undo(running: Running): Promise<number> {
  const { terminal, records, files } = running;
  const known = (await records.all()).filter(({ path }) => files.some((file) => file.path === path));
  if (known.length === 0) {
    terminal.write("Nothing of `arw connect` is left to take back.\n");
    return exitCodes.ok;
  }
  const returns: Return[] = [];
  let code: number = exitCodes.ok;
  for (const record of known) {
    const planned = await planReturn(record, files.find((file) => file.path === record.path) as AgentFile);
    if (typeof planned === "string") {
      terminal.writeError(
        `✗ ${record.path}: ${planned}\n  It was left as it is; its copy of before is ${record.backup}.\n`,
      );
      code = exitCodes.problem;
    } else if (planned === null) await records.forget(record);
    else returns.push(planned);
  }
  for (const { diff } of returns) terminal.write(`${diff}\n`);
  if (returns.length === 0 || !(await isAgreed(running, returns.length))) return code;
  for (const { record, before, after } of returns) {
    const isDone = await tried(running, record.path, () => records.takeBack(record, { before, after }));
    const { agent } = files.find(({ path }) => path === record.path) as AgentFile;
    if (isDone) await forgetModels(running, agent);
    else code = exitCodes.problem;
  }
  return code;
}

/** The file as it was, if nobody touched it since; else what others wrote stays, and only what is ours goes. */
async function planReturn(record: ConnectRecord, file: AgentFile): Promise<Return | string | null> {
  const before = await textOf(record.path);
  if (before === null) return null;
  const backup = await textOf(record.backup);
  const looked = lookToUnwrap(file, before);
  if (record.written !== null && sha256Hex(before) === record.written && backup !== null)
    return { record, before, after: backup, diff: shownDiff(looked, before, backup) };
  if (looked.reason !== null) {
    const since = backup === null ? "" : `\n${lineCounts(backup, before)}`;
    return `it was changed since, and ${looked.reason}.${since}`;
  }
  try {
    const after = withoutModels(file, looked.after ?? before);
    return after === before ? null : { record, before, after, diff: shownDiff(looked, before, after) };
  } catch (error) {
    if (!(error instanceof NotEditable)) throw error;
    return `it was changed since, and ${error.message}.`;
  }
}

/** What cannot be read cannot be masked either: only how much changed is told. */
function lineCounts(backup: string, now: string): string {
  const [was, is] = [backup.split("\n").length, now.split("\n").length];
  return `  It had ${was} lines and has ${is} now; compare it with the copy.`;
}
