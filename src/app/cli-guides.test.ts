/** Every command that a guide shows is one that the command line takes, with these words and these options. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { planCommands } from "../surfaces/cli/plan.ts";
import { createProgram } from "../surfaces/cli/program.ts";
import { capsuleCommands } from "./cli-capsule.ts";
import { chatCommand } from "./cli-chat.ts";
import { connectCommand } from "./cli-connect.ts";
import { encryptCommands } from "./cli-encrypt.ts";
import { mcpCommands } from "./cli-mcp.ts";
import { ownCommands } from "./cli-own.ts";
import { cliPresentation } from "./cli-presentation.ts";
import { solverCommand } from "./cli-prove.ts";
import { importCommand } from "./cli-run-capsule.ts";
import { secretCommand } from "./cli-secret.ts";
import { tailCommand } from "./cli-tail.ts";
import { contractTable } from "./domains.ts";
import { programRoot } from "./state-dir.ts";

const presentation = cliPresentation(() => "");
const plans = planCommands(contractTable(), presentation);
// Nothing is run, so nothing of this machine is needed.
const nothing = {} as never;
const own = [
  ...ownCommands(nothing),
  ...capsuleCommands(nothing),
  ...encryptCommands(nothing),
  ...mcpCommands(nothing),
  ...[importCommand, solverCommand, chatCommand, connectCommand, secretCommand, tailCommand].map((make) =>
    make(nothing),
  ),
];

/** A line that begins with `arw`, up to its comment or to the next program. */
const command = /^\s*(?:\$ )?(?:npm run )?arw (?:-- )?([^#|>&]+?)\s*(?:[#|>&].*)?$/u;
const word = /"([^"]*)"|'([^']*)'|(\S+)/gu;

function shownIn(file: string): readonly (readonly string[])[] {
  const fences = readFileSync(file, "utf8").split(/^\s*```.*$/mu);
  const lines = fences.filter((_text, place) => place % 2 === 1).flatMap((text) => text.split("\n"));
  // What stands in angles is for the reader to fill in.
  return lines.flatMap((line) => {
    const [, words] = command.exec(line.replaceAll(/<[^>]*>/gu, "x")) ?? [];
    return words === undefined ? [] : [[...words.matchAll(word)].map(([, a, b, c]) => a ?? b ?? c ?? "")];
  });
}

async function refusalOf(words: readonly string[]): Promise<string | null> {
  let said = "";
  // The other commands only take time.
  const [first = ""] = words;
  const program = createProgram({
    plans: plans.filter((plan) => plan.words[0] === first),
    own: own.filter((each) => each.words.split(" ")[0] === first),
    aliases: [],
    version: "1",
    columns: 80,
    hasColor: false,
    write: () => undefined,
    writeError: (text) => void (said += text),
    overview: () => "",
    run: async () => undefined,
    runOwn: async () => undefined,
    startHub: async () => undefined,
    complete: () => undefined,
  });
  try {
    await program.parseAsync([...words], { from: "user" });
    return null;
  } catch {
    return said.split("\n")[0] ?? "";
  }
}

const isAlias = (words: readonly string[]): boolean =>
  (presentation.aliases ?? []).some(
    (alias) => `${words.join(" ")} `.startsWith(`${alias.word} `) && words.includes(alias.flag),
  );

test("every command in the guides is taken as it stands there", async () => {
  const files = globSync("docs/guides/*.md", { cwd: programRoot() });
  const refused: string[] = [];
  let count = 0;
  for (const file of files.filter((each) => !each.endsWith("adding-a-domain.md")))
    for (const words of shownIn(join(programRoot(), file))) {
      if (words.length === 0 || isAlias(words)) continue;
      count += 1;
      const refusal = await refusalOf(words);
      if (refusal !== null) refused.push(`${file}: arw ${words.join(" ")}: ${refusal}`);
    }
  assert.ok(count > 100, String(count));
  expect(refused).toEqual([]);
});
