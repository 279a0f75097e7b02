/** What went wrong while setting up, in words for people: what happened, and the next step. */
export class SetUpProblem extends Error {
  name = "SetUpProblem";
}

const causes = [
  {
    codes: ["ENOSPC", "EDQUOT"],
    text: "The disk is full. Free about 1 GB where this clone and npm's cache lie, then run the same command again.",
  },
  {
    codes: ["EINTEGRITY"],
    text: "A downloaded package does not match its recorded hash, so it was not used. Run `npm cache verify` and try again. If it happens again, whatever answers as your package registry alters packages: check `npm config get registry`.",
  },
  {
    codes: ["E401", "E403", "ENEEDAUTH"],
    text: "The package registry refused access. Check the sign-in of `npm config get registry`, then run the same command again.",
  },
  {
    codes: ["E404", "ETARGET"],
    text: "The package registry does not have a package that the lock file names. Check `npm config get registry`: a mirror may be out of date.",
  },
  {
    codes: ["EACCES", "EPERM", "EROFS", "EBUSY"],
    text: "A file could not be written. Check that you own this folder and that no other program holds its files (an editor, a virus scanner, a running hub), then run the same command again.",
  },
  {
    codes: [
      "ENOTFOUND",
      "EAI_AGAIN",
      "ECONNREFUSED",
      "ECONNRESET",
      "ETIMEDOUT",
      "ENETUNREACH",
      "EHOSTUNREACH",
      "ERR_SOCKET_TIMEOUT",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "E500",
      "E502",
      "E503",
      "E504",
    ],
    text: "The package registry cannot be reached. Check the network and `npm config get registry` (behind a proxy: `npm config set proxy`), then run the same command again. What was set up so far is kept.",
  },
  {
    codes: ["EUSAGE"],
    text: "package.json and package-lock.json disagree. Undo local edits to them, or run `npm install` once to bring them together.",
  },
];

/**
 * The advice that fits the output of npm, or undefined. Pure.
 * @param {string} output
 * @returns {string | undefined}
 */
export function explain(output) {
  return causes.find(({ codes }) => codes.some((code) => new RegExp(`\\b${code}\\b`).test(output)))?.text;
}

/**
 * The last lines of a tool's output: enough to see the cause, short enough to read.
 * @param {string} output
 */
export function lastLines(output) {
  const lineCountMax = 25;
  return output.trimEnd().split("\n").slice(-lineCountMax).join("\n");
}
