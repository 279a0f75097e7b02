/** Runs commands to their end. What may run, and whether a person is asked, the corridor has decided before. */
import { truncate } from "../../base/text-marks.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, gateKey, type Preview } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Cancelled } from "../../contract/standard-problems.ts";
import { commandLine } from "./command-line.ts";
import { defaults, NotStarted, Off, Run } from "./contract.ts";
import { readOutput } from "./output.ts";
import { ChildFault, type ChildOrder, type ConfinementAbilities } from "./port.ts";
import type { ChildStarter } from "./starter.ts";

/** Of both outputs together. What prints more is ended: nobody reads it, and counting it takes the machine's time. */
const outputBytesMax = 50_000_000;
/** What a question shows in one line. The exact arguments stand beside it. */
const lineMax = 260;
const folderMax = 80;

export interface ShellDeps {
  readonly isEnabled: boolean;
  readonly starter: ChildStarter;
  /** Has the secrets in the environment files of a folder known before a command prints them. */
  readonly learnSecrets: (folder: string, signal: AbortSignal) => Promise<void>;
}

export const createShell = (deps: ShellDeps): Domain => ({
  name: "shell",
  operations: [bind(Run, (input, ctx) => run(input, ctx, deps), { preview: (input) => preview(input, deps) })],
  events: [],
  views: [],
});

type Input = Static<typeof Run.input>;

async function run(input: Input, ctx: Context, deps: ShellDeps): Promise<Static<typeof Run.output>> {
  refuseWhenOff(deps);
  const { folder, command, args = [], stdin = "", timeoutMs = defaults.timeoutMs } = input;
  if (ctx.caller.kind === "agent") await deps.learnSecrets(folder, ctx.signal);
  const startedAtMs = ctx.now();
  const order: Omit<ChildOrder, "network"> = {
    command,
    args,
    env: {},
    cwd: folder,
    folders: [{ path: folder, mode: "write" }],
    limits: { timeoutMs, outputBytesMax },
    signal: ctx.signal,
  };
  const { caller, corrId } = ctx;
  const child = await deps.starter.start(order, { caller, corrId, operation: gateKey(Run) }).catch(refused);
  const given = child.stdin.write(new TextEncoder().encode(stdin)).then(() => child.stdin.end());
  const [out, err, { endedBy, exitCode, signal }] = await Promise.all([
    readOutput(child.stdout),
    readOutput(child.stderr),
    child.exited,
    given,
  ]);
  if (endedBy === "caller") {
    ctx.signal.throwIfAborted();
    throw new Problem(Cancelled, "everything was stopped while the command ran");
  }
  if (endedBy === "fault") throw new Problem(NotStarted, `the confinement could not be made: ${firstLine(err.text)}`);
  return {
    exitCode,
    signal,
    endedBy,
    stdout: out.text,
    stderr: err.text,
    stdoutBytes: out.sizeBytes,
    stderrBytes: err.sizeBytes,
    isCut: out.isCut || err.isCut,
    durationMs: Math.max(0, ctx.now() - startedAtMs),
    isConfined: child.isConfined,
    label: "tool",
  };
}

function refuseWhenOff({ isEnabled }: ShellDeps): void {
  if (isEnabled) return;
  const next = "set `shell.isEnabled = true` in the configuration, or ARW_SHELL=1, and start the hub again";
  throw new Problem(Off, `This hub starts no commands; ${next}.`, { source: "config:shell.isEnabled", next });
}

function refused(error: unknown): never {
  throw error instanceof ChildFault ? new Problem(NotStarted, error.message, { cause: error }) : error;
}

const firstLine = (text: string): string => truncate(text.split("\n")[0] ?? "", lineMax);

async function preview({ folder, command, args = [] }: Input, deps: ShellDeps): Promise<Preview> {
  refuseWhenOff(deps);
  const line = truncate(commandLine(command, args), lineMax);
  const where = `in ${truncate(folder, folderMax)}`;
  return { summary: `run ${line} ${where}, ${reachOf(await deps.starter.abilities())}`, canUndo: false };
}

function reachOf({ lack, confinesFiles }: ConfinementAbilities): string {
  if (confinesFiles) return "confined: it changes this folder alone, and reaches hosts only through the hub";
  return `without confinement (${truncate(lack ?? "", lackMax)}): it can do whatever you can`;
}
const lackMax = 80;
