/**
 * Entry of every npm script: `node tools/bootstrap/run.mjs NAME [arguments]`.
 *
 * Plain JavaScript without dependencies, because it runs on the Node that happens to be on PATH (20 or newer), before
 * anything is installed. It sets up what NAME needs, inside the clone only, and then runs NAME on a Node that is new enough.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commands } from "./commands.mjs";
import { SetUpProblem } from "./problem.mjs";
import { programEnvironment, programFlags } from "../../bin/program-flags.mjs";
import { runChild } from "../../bin/run-child.mjs";
import { setUp } from "./set-up.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Runs one command of the table and answers its exit code. */
async function main([name = "", ...rest]) {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`There is no command "${name}". Known: ${Object.keys(commands).join(", ")}.\n`);
    return 2;
  }
  const { line, needsWeb, isCalledAnywhere } = command(rest);
  const { nodePath, env } = await setUp({ root, needsWeb });
  const [file = "", ...given] = line;
  const cwd = isCalledAnywhere ? (process.env.INIT_CWD ?? process.cwd()) : root;
  const isProgram = file.startsWith("src/app/");
  const flags = isProgram ? programFlags : ["--disable-warning=ExperimentalWarning"];
  const options = { cwd, env: isProgram ? programEnvironment(env, root) : env };
  return runChild(nodePath, [...flags, join(root, file), ...given], options);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetUpProblem)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
