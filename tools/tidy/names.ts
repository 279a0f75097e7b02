/** Names of files: kebab-case, after the noun inside. */
import { posix } from "node:path";
import type { Fault } from "./source.ts";

const bannedWords = new Set(["utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"]);
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|bench|generated|d))*\.(ts|tsx|mjs)$/;

export function nameFaults(file: string): Fault[] {
  const name = posix.basename(file);
  const fault = (message: string): Fault => ({ file, line: 1, rule: "names", message });
  const words = name.split(/[.-]/);
  const banned = [
    ...words,
    ...posix
      .dirname(file)
      .split("/")
      .flatMap((folder) => folder.split("-")),
  ].filter((word) => bannedWords.has(word));
  return [
    ...(kebabCase.test(name) ? [] : [fault("file names are kebab-case")]),
    ...banned.map((word) => fault(`"${word}" names nothing; use the noun inside`)),
  ];
}
