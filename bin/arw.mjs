#!/usr/bin/env node
/** The `arw` command: in a clone it runs the sources (and sets up what is missing), in a package the compiled files. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chooseEntry } from "./entry.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const nodeVersionMin = [24, 16];

async function main() {
  const given = process.argv.slice(2);
  const bootstrap = join(root, "tools", "bootstrap", "run.mjs");
  if (existsSync(bootstrap)) {
    process.argv = [process.execPath, bootstrap, "arw", ...given];
    await import(pathToFileURL(bootstrap).href);
    return;
  }
  if (!isNodeNewEnough()) {
    process.stderr.write(
      `arw needs Node ${nodeVersionMin.join(".")} or newer; this is ${process.version}. Get it from https://nodejs.org/en/download\n`,
    );
    process.exitCode = 1;
    return;
  }
  const { name, rest } = chooseEntry(given);
  const entry = join(root, "dist", "app", `${name}.js`);
  process.argv = [process.execPath, entry, ...rest];
  await import(pathToFileURL(entry).href);
}

function isNodeNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > nodeVersionMin[0] || (major === nodeVersionMin[0] && minor >= nodeVersionMin[1]);
}

await main();
