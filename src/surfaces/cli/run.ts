/** The command line from the words that a person typed to the exit code. */
import { CommanderError } from "commander";
import { completionScript } from "./completion.ts";
import { type FollowOptions, followJob, type Job } from "./follow.ts";
import { callTelling, type LongCall } from "./long-call.ts";
import { overviewText } from "./overview.ts";
import { createPen, type Pen } from "./pen.ts";
import { type CommandPlan, planCommands } from "./plan.ts";
import {
  CallFailed,
  type CallResult,
  type CliParts,
  exitCodes,
  type Globals,
  HubUnreachable,
  type Input,
  type Presentation,
  type Transport,
} from "./port.ts";
import { problemText } from "./problem-text.ts";
import { type Chosen, completionNodes, createProgram } from "./program.ts";
import { renderAnswer, renderItem } from "./render.ts";
import { wholeIds } from "./short-ids.ts";

/** `words` are what stands behind `arw`. Never rejects but for defects. */
export async function runCli(parts: CliParts, words: readonly string[]): Promise<number> {
  const { terminal, table, presentation } = parts;
  const pen = createPen(terminal);
  const plans = planCommands(table, presentation);
  let code: number = exitCodes.ok;
  const program = createProgram({
    plans,
    version: parts.version,
    columns: terminal.columns,
    hasColor: terminal.hasColor,
    write: terminal.write,
    writeError: terminal.writeError,
    overview: () => overviewText(plans, { ...presentation, own: parts.own ?? [] }, pen),
    run: async (chosen) => {
      code = await runCommand(parts, chosen, pen);
    },
    complete: (shell) => terminal.write(completionScript(shell, completionNodes(program))),
    startHub: async (flags) => {
      code = await parts.startHub(flags);
    },
    own: parts.own ?? [],
    aliases: presentation.aliases ?? [],
    runOwn: async (command, given) => {
      code = await command.run(given).catch((error: unknown) => tell(parts, { globals: given.globals }, error));
    },
  });
  try {
    await program.parseAsync(helpLast(withoutAlias(words, presentation.aliases ?? [])), { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
}

function withoutAlias(words: readonly string[], aliases: NonNullable<Presentation["aliases"]>): readonly string[] {
  const begins = ({ word }: { readonly word: string }): boolean => `${words.join(" ")} `.startsWith(`${word} `);
  const alias = aliases.find((each) => begins(each) && words.includes(each.flag));
  if (alias === undefined) return words;
  const { word, flag, means } = alias;
  return [...means, ...words.slice(word.split(" ").length).filter((each) => each !== flag)];
}

/** `help episodes show` asks for the help of the whole path, not of its first word. */
const helpLast = (words: readonly string[]): string[] =>
  words[0] === "help" && words.length > 1 ? [...words.slice(1), "--help"] : [...words];

interface Running {
  readonly parts: CliParts;
  readonly chosen: Chosen;
  readonly pen: Pen;
  readonly transport: Transport;
  readonly signal: AbortSignal;
}

async function runCommand(parts: CliParts, chosen: Chosen, pen: Pen): Promise<number> {
  const interrupted = new AbortController();
  const stopListening = parts.terminal.onInterrupt(() => interrupted.abort());
  try {
    await using transport = await parts.connect(chosen.globals);
    return await perform({ parts, chosen, pen, transport, signal: interrupted.signal }, stopListening);
  } catch (error) {
    if (interrupted.signal.aborted) return exitCodes.interrupted;
    return tell(parts, chosen, error);
  } finally {
    stopListening();
  }
}

async function perform(running: Running, stopListening: () => void): Promise<number> {
  const { parts, chosen, transport, signal } = running;
  const { operation } = chosen.plan;
  const { shortIds: own, shortIdsEverywhere = [] } = parts.presentation;
  const shortIds = [...(own[operation.id] ?? []), ...shortIdsEverywhere];
  const prepared = await parts.presentation.prepare?.[operation.id]?.(chosen.input, parts.terminal);
  const typed = withFolders({ ...chosen, input: prepared ?? chosen.input }, parts);
  const input = await wholeIds({ input: typed, shortIds, transport, signal });
  if (operation.mode === "many") return printStream(running, input);
  const corrIdOf = chosen.isDetached ? undefined : parts.presentation.jobsLeft?.[operation.id];
  const afterSeq = corrIdOf === undefined ? 0 : await newestSeq(running);
  const result = await callTelling(operation.id, input, longCallOf(running));
  if (result.kind === "answer" && corrIdOf !== undefined) {
    const corrId = corrIdOf(result.output);
    stopListening();
    return followJob(followOptions(running, { corrId, taskId: undefined, approvalId: undefined, afterSeq }));
  }
  if (result.kind === "answer") {
    const sent = printFile(running, result.output);
    if (sent !== null) return sent;
    printAnswer(running, result.output);
    const output = (await isSupplied(running, result.output)) ? await askedAgain(running, input) : result.output;
    return codeOf(parts.presentation.failures?.[operation.id]?.(output) ?? false);
  }
  if (chosen.isDetached) {
    printStarted(running, result);
    return exitCodes.ok;
  }
  // From here on Ctrl-C belongs to the follower, which leaves the job alone.
  stopListening();
  return followJob(followOptions(running, jobOf(result)));
}

const longCallOf = ({ parts, chosen, pen, transport, signal }: Running): LongCall => ({
  ...parts,
  pen,
  transport,
  signal,
  isJson: chosen.globals.json === true,
});

/** Whether the person at this terminal brought what the answer lacked. */
async function isSupplied({ parts, chosen, signal }: Running, output: unknown): Promise<boolean> {
  const { terminal, presentation } = parts;
  if (!terminal.isTty || chosen.globals.json === true) return false;
  return (await presentation.offers?.[chosen.plan.operation.id]?.(output, chosen.globals, signal)) ?? false;
}

async function askedAgain(running: Running, input: Input): Promise<unknown> {
  const { transport, chosen, signal } = running;
  const result = await transport.call(chosen.plan.operation.id, input, signal);
  if (result.kind !== "answer") return undefined;
  printAnswer(running, result.output);
  return result.output;
}

const codeOf = (failure: boolean | number): number =>
  typeof failure === "number" ? failure : failure ? exitCodes.problem : exitCodes.ok;

/** Asked before a call that leaves a job in an older episode: what follows it begins above. */
async function newestSeq({ parts, transport, signal }: Running): Promise<number> {
  const { operation, input, seqOf } = parts.presentation.follow.newest;
  const result = await transport.call(operation, input, signal);
  return result.kind === "answer" ? seqOf(result.output) : 0;
}

/** A folder is meant from where the person stands, which only this process knows. */
function withFolders({ plan, input }: Chosen, { terminal }: CliParts): Input {
  const fields = [...plan.positionals, ...plan.options].map(({ field }) => field);
  const folders = fields.filter((field) => field.isFolder && typeof input[field.name] === "string");
  return {
    ...input,
    ...Object.fromEntries(folders.map(({ name }) => [name, terminal.resolvePath(String(input[name]))])),
  };
}

const jobOf = (result: Exclude<CallResult, { kind: "answer" }>): Job => ({
  corrId: result.corrId,
  taskId: result.kind === "accepted" ? result.taskId : undefined,
  approvalId: result.kind === "held" ? result.approvalId : undefined,
  afterSeq: 0,
});

function followOptions({ parts, chosen, pen, transport }: Running, job: Job): FollowOptions {
  const { terminal, presentation } = parts;
  const show = presentation.answers[chosen.plan.operation.id] ?? renderAnswer;
  return {
    job,
    plan: presentation.follow,
    transport,
    terminal,
    wait: parts.wait,
    pen,
    isYes: chosen.isYes,
    isJson: chosen.globals.json === true,
    showOutput: (output) => terminal.write(`${show(output, pen, chosen.input)}\n`),
    aboutOf: (code) => parts.table.problems.get(code)?.about,
  };
}

async function printStream({ parts, chosen, pen, transport, signal }: Running, input: Input): Promise<number> {
  const { terminal, presentation } = parts;
  const show = presentation.items[chosen.plan.operation.id] ?? renderItem;
  for await (const item of transport.stream(chosen.plan.operation.id, input, signal)) {
    terminal.write(`${chosen.globals.json ? JSON.stringify(item) : show(item, pen, chosen.input)}\n`);
  }
  return signal.aborted ? exitCodes.interrupted : exitCodes.ok;
}

function printAnswer({ parts, chosen, pen }: Running, output: unknown): void {
  const show = parts.presentation.answers[chosen.plan.operation.id] ?? renderAnswer;
  parts.terminal.write(`${chosen.globals.json ? JSON.stringify(output) : show(output, pen, chosen.input)}\n`);
}

/** Null where the answer is no file. What is no text would confuse a screen, so it is told there how to get it. */
function printFile({ parts, chosen }: Running, output: unknown): number | null {
  const { terminal, presentation } = parts;
  const bytes = chosen.globals.json === true ? null : presentation.files?.[chosen.plan.operation.id]?.(output);
  if (bytes === null || bytes === undefined) return null;
  if (!terminal.isScreen && terminal.writeBytes !== undefined) {
    terminal.writeBytes(bytes);
    return exitCodes.ok;
  }
  terminal.writeError("Nothing was written: name a file behind it, or send it on with `> FILE`.\n");
  return exitCodes.usage;
}

function printStarted({ parts, chosen, pen }: Running, result: Exclude<CallResult, { kind: "answer" }>): void {
  const { terminal, presentation } = parts;
  const { kind: _kind, ...ids } = result;
  if (chosen.globals.json) terminal.write(`${JSON.stringify(ids)}\n`);
  else if (result.kind === "held")
    terminal.write(`It waits for an answer: \`${presentation.follow.answerCommand(pen.safe(result.approvalId))}\`\n`);
  else
    terminal.write(
      `Started ${pen.safe(result.corrId)}. Look at it with \`${presentation.follow.showCommand(pen.safe(result.corrId))}\`.\n`,
    );
}

interface Asked {
  readonly globals: Globals;
  readonly plan?: CommandPlan;
  readonly input?: Input;
}

function tell(parts: CliParts, { globals, plan, input = {} }: Asked, error: unknown): number {
  const { table, terminal, presentation } = parts;
  // The pen of the error stream: colours follow the same wish.
  const pen = createPen(terminal);
  if (error instanceof HubUnreachable) {
    terminal.writeError(
      `${pen.paint("red", "✗ The hub is not running.")} ${error.message}\n  Start it with \`npm start\` in the clone, or with \`arw\`, then try again.\n`,
    );
    return exitCodes.unreachable;
  }
  const failed = error instanceof CallFailed ? error.document : (parts.faultDocument?.(error) ?? null);
  if (failed === null) throw error;
  const document = presentation.failed?.[plan?.operation.id ?? ""]?.(failed, input) ?? failed;
  const text = problemText({ document, definition: table.problems.get(document.code), plan }, pen);
  if (globals.json) terminal.writeError(`${JSON.stringify(document)}\n`);
  else terminal.writeError(`${text}\n`);
  return exitCodes.problem;
}
