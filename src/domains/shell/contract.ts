/** Commands: programs that are started in a granted folder, as confined as the machine allows. */
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { fileProblems } from "../fs/contract.ts";
import { closed, DurationMs, FolderPath, oneOf, SizeBytes, Type } from "../../contract/schema.ts";

export const Off = problem({
  code: "shell.off",
  status: 403,
  title: "Commands are off",
  about:
    "This hub starts no commands. `shell.isEnabled = true` in the configuration, or `ARW_SHELL=1`, and a restart turn them on.",
});
export const NotStarted = problem({
  code: "shell.not-started",
  status: 422,
  title: "The command could not be started",
  about:
    "The folder is none, is a link or belongs to the hub, or the confinement could not be made. `arw doctor` says what confines commands here.",
});

const timeoutMsDefault = 60_000;
/** A build or a test suite; what lasts longer is a service, and no call. */
const timeoutMsMax = 600_000;
/** To start it, and to end it with what it started. */
const marginMs = 30_000;

export const Run = op({
  id: "shell.run",
  http: "POST /shell/run",
  cli: "shell run <folder> <command>",
  effect: "write",
  isTool: true,
  about:
    "Run a command in a folder and answer with what it printed; off until the configuration turns it on, and ended when it takes more time, memory or processes than it may.",
  input: closed({
    folder: FolderPath,
    command: Type.String({
      minLength: 1,
      maxLength: 4096,
      pattern: "^[^\\u0000]+$",
      examples: ["git", "sh"],
      description: "Program to run, by name or path. No shell reads it: for a line of one, run `sh` with `-c`.",
    }),
    args: Type.Optional(
      Type.Array(Type.String({ maxLength: 100_000, pattern: "^[^\\u0000]*$" }), {
        maxItems: 1000,
        description: "Its arguments, each as it is.",
      }),
    ),
    stdin: Type.Optional(Type.String({ maxLength: 1_000_000, description: "Text that it is given to read." })),
    timeoutMs: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: timeoutMsMax,
        default: timeoutMsDefault,
        description: "When it is ended, in milliseconds.",
      }),
    ),
  }),
  output: closed({
    exitCode: Type.Union([Type.Integer(), Type.Null()], { description: "Null when a signal ended it." }),
    signal: Type.Union([Type.String(), Type.Null()], { description: "Signal that ended it, as `SIGKILL`." }),
    endedBy: oneOf(
      ["itself", "time", "output", "memory", "processes"],
      "`time`: it took longer than it may. `output`: it printed more than anybody would read. `memory`, `processes`: with what it started it used more than the configuration lets it.",
    ),
    stdout: Type.String(),
    stderr: Type.String(),
    stdoutBytes: SizeBytes,
    stderrBytes: SizeBytes,
    isCut: Type.Boolean({ description: "Beginning and end of a long output are kept; a line between them says so." }),
    durationMs: DurationMs,
    isConfined: Type.Boolean({
      description: "It saw its folder and the system's programs alone, and reached hosts only through the hub.",
    }),
    label: oneOf(["tool"], "Whatever is built from this text was told by a program."),
  }),
  problems: [Off, NotStarted, ...fileProblems],
  needs: ["exec"],
  scope: ({ folder }) => ({ folder }),
  deadlineMs: timeoutMsMax + marginMs,
});
export const defaults = { timeoutMs: timeoutMsDefault } as const;
