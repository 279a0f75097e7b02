/** The npm scripts: what each runs, and what must be set up before. */
import { chooseEntry } from "../../bin/entry.mjs";

/**
 * @typedef {object} Run
 * @property {string[]} line the file to run, and what it is given
 * @property {boolean} needsWeb whether the web interface must be built first
 * @property {boolean} isCalledAnywhere whether paths that a person gives are meant from where they stand, not from the clone
 */

/** @param {string[]} line @returns {(given: string[]) => Run} */
const tool =
  (...line) =>
  (given) => ({ line: [...line, ...given], needsWeb: false, isCalledAnywhere: false });

/** @param {string[]} line @returns {(given: string[]) => Run} */
const withWeb =
  (...line) =>
  (given) => ({ line: [...line, ...given], needsWeb: true, isCalledAnywhere: false });

/** @param {string} name @param {string[]} given @returns {Run} */
const app = (name, given) => ({
  line: [`src/app/${name}.ts`, ...given],
  needsWeb: name === "main",
  isCalledAnywhere: true,
});

/** @type {Record<string, (given: string[]) => Run>} */
export const commands = {
  start: (given) => app("main", given),
  arw: (given) => {
    const { name, rest } = chooseEntry(given);
    return app(name, rest);
  },
  test: withWeb("node_modules/vitest/vitest.mjs", "run"),
  soak: withWeb("tools/bootstrap/soak.mjs"),
  bench: withWeb("bench/run.ts"),
  check: tool("tools/bootstrap/check.mjs"),
  types: tool("tools/bootstrap/check.mjs", "types"),
  lint: tool("tools/bootstrap/check.mjs", "lint", "format"),
  tidy: tool("tools/bootstrap/check.mjs", "tidy"),
  format: tool("node_modules/@biomejs/biome/bin/biome", "format", "--write"),
  gen: tool("tools/gen.ts"),
  "new-domain": tool("tools/new-domain.ts"),
  package: withWeb("tools/package.ts"),
};
