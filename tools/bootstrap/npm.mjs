/** Runs npm itself, under a chosen Node. */
import { existsSync, lstatSync, mkdtempSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { explain, lastLines, SetUpProblem } from "./problem.mjs";
import { capture } from "./processes.mjs";

// Scripts stay off, so that no package runs code while it is installed. Development packages are part of a clone, whatever
// NODE_ENV says. Retries are short: a person waits.
const installFlags = [
  "ci",
  "--ignore-scripts",
  "--include=dev",
  "--include=optional",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
  "--loglevel=error",
  "--fetch-retry-mintimeout=1000",
  "--fetch-retry-maxtimeout=8000",
];

/**
 * Installs exactly what the lock file of `folder` names.
 * @param {{ folder: string, nodePath: string }} options
 */
export async function installLocked({ folder, nodePath }) {
  refuseLink(join(folder, "node_modules"));
  // npm's own cache would lie in the home; nothing outside the clone is touched, and nobody needs it afterwards.
  const cache = mkdtempSync(join(folder, ".npm-cache-"));
  try {
    return await install({ folder, nodePath, cache });
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

/** `npm ci` empties the folder first, and through a link that would be somebody else's. */
function refuseLink(modules) {
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  throw new SetUpProblem(
    `${modules} is a link to ${readlinkSync(modules)}, which installing would empty. Remove the link, then run the same command again.`,
  );
}

async function install({ folder, nodePath, cache }) {
  const { code, output } = await capture(nodePath, [npmPath(), ...installFlags, "--cache", cache], {
    cwd: folder,
    env: envFor(nodePath),
  });
  if (code !== 0) throw new SetUpProblem(`${explain(output) ?? "Installing failed."}\n\n${lastLines(output)}`);
}

/**
 * The environment of whatever runs on `nodePath`: that Node is first on PATH.
 * @param {string} nodePath
 * @returns {NodeJS.ProcessEnv}
 */
export function envFor(nodePath) {
  const name = pathName();
  const folder = dirname(nodePath);
  const others = (process.env[name] ?? "").split(delimiter).filter((each) => each !== folder);
  return { ...process.env, [name]: [folder, ...others].join(delimiter) };
}

function npmPath() {
  const given = process.env.npm_execpath;
  if (given !== undefined && /npm-cli\.[cm]?js$/.test(given)) return given;
  // Started by hand or by another package manager: npm lies beside a Node, this one's or one on PATH.
  const pathFolders = (process.env[pathName()] ?? "").split(delimiter).filter((each) => each !== "");
  const found = [dirname(process.execPath), ...pathFolders].flatMap(npmBeside).find((path) => existsSync(path));
  if (found === undefined) throw new SetUpProblem("npm was not found. Run the command through npm: `npm start`.");
  return found;
}

/** Where installers put npm, seen from the folder of the `node` or `npm` command. */
function npmBeside(folder) {
  const linked = existsSync(join(folder, "npm")) ? [realpathSync(join(folder, "npm"))] : [];
  return [
    ...linked.filter((path) => path.endsWith("npm-cli.js")),
    join(folder, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
    join(folder, "node_modules", "npm", "bin", "npm-cli.js"),
  ];
}

/** Windows spells the name "Path"; two spellings in one environment would hide one. */
function pathName() {
  return Object.keys(process.env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
}
