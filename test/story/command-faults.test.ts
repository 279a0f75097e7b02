/** Commands that are given what the machine refuses: a problem with a next step, whatever the file was for. No hub runs. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { createRoom } from "./kit/room.ts";

test("a folder where a file is needed, and a file where a folder is, are told as such", async () => {
  await using room = await createRoom();
  const file = join(room.path, "a-file");
  await writeFile(file, "words");
  const below = { ...room, stateDir: join(file, "state") };
  const folder = room.path;
  for (const [words, shell, said] of [
    [["--local", "health"], below, /a part of the path is a file.*Name a folder.*\n {2}cli\.file\n$/s],
    [["prove", "stricter", folder, "now"], room, /: it is a folder, where a file is needed; `now` and/],
    [
      ["--local", "run", "scout", "tidy up"],
      room,
      /scout briefs a folder and takes no task: begin it with `arw brief FO/,
    ],
    [["recipe", "run", folder], room, /: it is a folder, where a file is needed\n/],
    [
      ["policy", "capsule", "keygen", join(file, "key")],
      room,
      /the key file cannot be made: ".*a-file\/key": not of the/,
    ],
  ] as const) {
    const { code, stderr } = await runArw(words, shell);
    assert.equal(code, 1, stderr);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /\n {4}at |node:internal/, "no stack");
  }
});
