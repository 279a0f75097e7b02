/** Sets up a clone: a Node that is new enough, the dependencies, the web interface. Does nothing when nothing changed. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { howToGetNode, isAtLeast, nodeVersionMin, privateNodeBinary, privateNodePackage } from "./node-choice.mjs";
import { envFor, installLocked } from "./npm.mjs";
import { lastLines, SetUpProblem } from "./problem.mjs";
import { capture } from "./processes.mjs";
import { fingerprint, isStamped, removeStamp, writeStamp } from "./stamp.mjs";

/**
 * @typedef {object} Part one thing to set up
 * @property {string} name
 * @property {string} announcement
 * @property {() => string} print hash of the inputs
 * @property {() => boolean} isThere whether the result exists, whatever the stamp says
 * @property {() => Promise<void>} make
 */

/**
 * @param {{ root: string, needsWeb: boolean }} options
 * @returns {Promise<{ nodePath: string, env: NodeJS.ProcessEnv }>} the Node to run, and the environment to run it in
 */
export async function setUp({ root, needsWeb }) {
  const isOwn = isAtLeast(process.version, nodeVersionMin);
  const nodePath = isOwn ? process.execPath : privateNodePath(root);
  const nodeParts = isOwn ? [] : [privateNodePart(root, nodePath)];
  const webParts = needsWeb ? [webPart(root, nodePath)] : [];
  const parts = [...nodeParts, dependenciesPart(root, nodePath), ...webParts];
  const isStale = (part) => !part.isThere() || !isStamped(stampPath(root, part), part.print());
  if (parts.some(isStale)) {
    const path = join(root, ".arw", "set-up", "lock");
    const onWait = (holder) => say(`Another set-up of this clone is running (process ${holder}); waiting for it…`);
    await withLock({ path, onWait }, async () => {
      // Asked again for each part: another start may have done it while this one waited.
      for (const part of parts) if (isStale(part)) await makePart(root, part);
    });
  }
  return { nodePath, env: envFor(nodePath) };
}

async function makePart(root, part) {
  const startMs = performance.now();
  say(`${part.announcement}…`);
  removeStamp(stampPath(root, part));
  // Taken before the work: inputs that change meanwhile leave a stale stamp, and the next start does it again.
  const print = part.print();
  await part.make();
  writeStamp(stampPath(root, part), print);
  say(`  done in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}

function stampPath(root, part) {
  return join(root, ".arw", "set-up", part.name);
}

function privateNodePath(root) {
  const name = privateNodePackage(process.platform, process.arch);
  if (name === undefined) {
    const { version, platform, arch: architecture } = process;
    throw new SetUpProblem(howToGetNode({ version, platform, architecture }));
  }
  return join(root, "tools", "node", "node_modules", name, ...privateNodeBinary(process.platform).split("/"));
}

/** As `process.version` spells it, so that the private Node counts as the same when it is put on PATH. */
function privateNodeVersion(root) {
  const { packages } = JSON.parse(readFileSync(join(root, "tools", "node", "package-lock.json"), "utf8"));
  return `v${packages[`node_modules/${privateNodePackage(process.platform, process.arch)}`].version}`;
}

/** @returns {Part} */
function privateNodePart(root, nodePath) {
  const folder = join(root, "tools", "node");
  return {
    name: "node",
    announcement: `Node here is ${process.version}, ARW needs ${nodeVersionMin} or newer: getting a private one (about 50 MB, once)`,
    print: () => fingerprint({ root: folder, words: [process.platform, process.arch], paths: ["package-lock.json"] }),
    isThere: () => existsSync(nodePath),
    make: async () => {
      // npm runs on the old Node here: this folder holds one package without an engine rule.
      await installLocked({ folder, nodePath: process.execPath });
      await proveNode(nodePath);
    },
  };
}

/** npm passes over an optional package that it cannot fetch or that does not fit; a run is the proof that it is there. */
async function proveNode(nodePath) {
  const { code, output } = await capture(nodePath, ["--version"], { cwd: process.cwd(), env: process.env });
  if (code === 0 && isAtLeast(output.trim(), nodeVersionMin)) return;
  const { version, platform, arch: architecture } = process;
  throw new SetUpProblem(
    [
      "The private Node could not be fetched, or does not run on this machine.",
      "If the network or the registry was away, run the same command again. Otherwise:",
      howToGetNode({ version, platform, architecture }),
      lastLines(output),
    ].join("\n"),
  );
}

/** @returns {Part} */
function dependenciesPart(root, nodePath) {
  const version = nodePath === process.execPath ? process.version : privateNodeVersion(root);
  const words = [process.platform, process.arch, version];
  return {
    name: "dependencies",
    announcement: "Installing dependencies (about 20 s, once)",
    print: () => fingerprint({ root, words, paths: ["package-lock.json", ".npmrc"] }),
    // npm writes this file last.
    isThere: () => existsSync(join(root, "node_modules", ".package-lock.json")),
    make: () => installLocked({ folder: root, nodePath }),
  };
}

/** @returns {Part} */
function webPart(root, nodePath) {
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  return {
    name: "web",
    announcement: "Building the web interface (a few seconds, when it changed)",
    print: () => fingerprint({ root, paths: ["web", "client", "package-lock.json"] }),
    isThere: () => existsSync(join(root, "web", "dist", "index.html")),
    make: async () => {
      const env = { ...envFor(nodePath), NODE_ENV: "production" };
      const { code, output } = await capture(nodePath, [vite, "build", "web"], { cwd: root, env });
      if (code !== 0) throw new SetUpProblem(`The web interface did not build.\n\n${lastLines(output)}`);
    },
  };
}

/** Progress goes to the error stream: what a command prints stays clean for pipes. */
function say(text) {
  process.stderr.write(`${text}\n`);
}
