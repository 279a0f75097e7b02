/**
 * z3, compiled to WebAssembly, in a child process for each question: its threads, its memory and its crashes end with the answer.
 * The script goes in as SMT-LIB text, so that any other solver can be asked the very same.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Solver, SolverAnswer } from "../../domains/prove/port.ts";
import { z3Version } from "./pinned.ts";
import { valuesIn } from "./values.ts";

/** Answers beyond this are no answers to questions of ours. */
const outputCharsMax = 4_000_000;
/** Of what the process says when it fails. */
const errorCharsMax = 300;

/** Reads a script from standard input and writes what z3 says. Nothing of the hub is loaded there. */
const program = `
const { init } = await import(process.argv[1]);
let script = "";
for await (const part of process.stdin) script += part;
const { Z3, em } = await init();
const context = Z3.mk_context(Z3.mk_config());
process.stdout.write(await Z3.eval_smtlib2_string(context, script), () => {
  em.PThread.terminateAllThreads();
  process.exit(0);
});
`;

/** Null where it is not installed in that folder, or in another version than this hub knows. */
export function findZ3(folder: string): Solver | null {
  const place = join(folder, "node_modules", "z3-solver");
  const entry = join(place, "build", "node.js");
  if (!existsSync(entry) || versionIn(join(place, "package.json")) !== z3Version) return null;
  return {
    name: `z3 ${z3Version}`,
    async solve({ script, constants }, { signal, timeoutMs }) {
      const asked = [
        `(set-option :timeout ${timeoutMs})`,
        script,
        "(check-sat)",
        `(get-value (${constants.join(" ")}))`,
      ].join("\n");
      // z3 heeds its own time first; what does not even do that is ended.
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs + startMsMax)]);
      const said = await run(pathToFileURL(entry).href, asked, limit).catch((error: unknown) => {
        signal.throwIfAborted();
        return { fault: String(error).slice(0, errorCharsMax) };
      });
      return typeof said === "string" ? answerOf(said) : { kind: "unknown", reason: said.fault };
    },
  };
}

function versionIn(path: string): unknown {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { readonly version?: unknown }).version;
  } catch {
    // Half of an installation is none.
    return null;
  }
}

/** Loading takes a third of a second on an idle machine. */
const startMsMax = 20_000;

function answerOf(said: string): SolverAnswer {
  const [line = ""] = said.trimStart().split("\n", 1);
  if (line === "unsat") return { kind: "unsat" };
  if (line === "sat") return { kind: "sat", values: valuesIn(said.slice(said.indexOf("sat") + 3)) };
  return { kind: "unknown", reason: said.slice(0, errorCharsMax) };
}

function run(entry: string, script: string, signal: AbortSignal): Promise<string> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program, entry], {
    stdio: ["pipe", "pipe", "pipe"],
    signal,
    killSignal: "SIGKILL",
    env: {},
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (output.length < outputCharsMax) output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = `${errors}${text}`.slice(-errorCharsMax);
  });
  // A child that ended early reads nothing more; its exit code says so.
  child.stdin.on("error", () => undefined);
  child.stdin.end(script);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new RangeError(`z3 ended with ${code}: ${errors}`));
    });
  });
}
