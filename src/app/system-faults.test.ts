import assert from "node:assert/strict";
import { test } from "vitest";
import { StateLocked } from "../adapters/files/state-lock.ts";
import { Problem } from "../contract/problem.ts";
import { NotFound } from "../contract/standard-problems.ts";
import { FolderFault } from "../domains/fs/port.ts";
import { StoreFault } from "../kernel/ports.ts";
import { faultDocument, unreadWords } from "./system-faults.ts";

const refused = (code: string, more: object = {}): Error =>
  Object.assign(new Error(`${code}: the system's own words`), { code, path: "/disk/a", ...more });
const told = (error: unknown): readonly (string | undefined)[] => {
  const { code, detail } = faultDocument(error) ?? {};
  return [code, detail];
};

test.each([
  ["EACCES", "you have no right to it. Name another place, or make this one yours."],
  ["EROFS", "it lies on a disk that can only be read. Name a place on another disk."],
  ["ENOSPC", "the disk is full. Free some space, then try again."],
  ["EISDIR", "it is a folder, where a file is needed. Name a file."],
  ["ENOTDIR", "a part of the path is a file, where a folder is needed. Name a folder, or a file in one."],
])("%s is a problem with a next step", (code, words) => {
  assert.deepEqual(told(refused(code)), ["cli.file", `/disk/a: ${words}`]);
});

test("what was refused first is told, whatever failed over it, and of a move where it was to go", () => {
  const closing = new SuppressedError(refused("EIO"), refused("ENOSPC"), "closing");
  assert.match(String(told(closing)[1]), /the disk is full/);
  assert.match(String(told(refused("EACCES", { dest: "/disk/b" }))[1]), /^\/disk\/b: /);
  const store = Object.assign(new Error("unable to open database file"), { code: "ERR_SQLITE_ERROR" });
  assert.match(String(told(store)[1]), /^The state directory cannot be used \(unable to open database file\)\. Name/);
});

test("faults of the state keep their codes, and a defect stays one", () => {
  assert.deepEqual(
    [
      new StateLocked("/state", null),
      new StoreFault("full", "no room"),
      new StoreFault("locked", "no key"),
      new FolderFault("unreadable", '"/state": permission is missing (EACCES)'),
      new Problem(NotFound, "nothing"),
    ].map((error) => told(error)[0]),
    ["cli.state-in-use", "cli.store", "cli.state-encrypted", "cli.file", "arw.not-found"],
  );
  for (const defect of [new TypeError("a defect"), refused("ERR_ASSERTION"), "text", null])
    assert.equal(faultDocument(defect), null);
  assert.deepEqual(
    [unreadWords(refused("ENOENT")), unreadWords(new TypeError("x"))],
    ["there is no such file", "it cannot be read"],
  );
});
