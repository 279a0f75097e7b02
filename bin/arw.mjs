#!/usr/bin/env node
/** The `arw` command: in a clone it runs the sources (and sets up what is missing), in a package the compiled files. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseEntry } from "./entry.mjs";
import { programEnvironment, programFlags } from "./program-flags.mjs";
import { runChild } from "./run-child.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const nodeVersionMin = [24, 16];

async function main(given) {
  const bootstrap = join(root, "tools", "bootstrap", "run.mjs");
  if (existsSync(bootstrap)) return run([bootstrap, "arw", ...given]);
  if (!isNodeNewEnough()) {
    const least = nodeVersionMin.join(".");
    process.stderr.write(
      `arw needs Node ${least} or newer; this is ${process.version}. Get it from https://nodejs.org/en/download\n`,
    );
    return 1;
  }
  const { name, rest } = chooseEntry(given);
  return run([...programFlags, join(root, "dist", "app", `${name}.js`), ...rest]);
}

function run(given) {
  return runChild(process.execPath, given, { cwd: process.cwd(), env: programEnvironment(process.env, root) });
}

function isNodeNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > nodeVersionMin[0] || (major === nodeVersionMin[0] && minor >= nodeVersionMin[1]);
}

process.exitCode = await main(process.argv.slice(2));
