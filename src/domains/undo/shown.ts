/** What a person is shown of a file that an undo changes or leaves. */
import { unifiedDiff } from "../../base/text-diff.ts";
import { decodeUtf8, isLikelyBinary } from "../../base/text-marks.ts";
import { formatBytes } from "../../base/units.ts";
import type { ChangedFile } from "./changes.ts";
import { type FileUndo, stepsNamedMax } from "./contract.ts";
import type { Content, Unwound } from "./unwind.ts";

/** Characters of all diffs of one answer; further ones are told by their counts. */
const diffCharsMax = 2_000_000;

/** Shows one file after the other, until the room for diffs is used up. */
export function createShower() {
  let charsLeft = diffCharsMax;
  const diff = (path: string, before: Content, after: Content): string => {
    const { text, counts } = difference(path, before, after);
    if (text.length > charsLeft) return `${counts}\n`;
    charsLeft -= text.length;
    return text;
  };
  return ({ folder, path, changes }: ChangedFile, unwound: Unwound): FileUndo => {
    const { fate, nowDigest, thenDigest, now, goal, left, detail } = unwound;
    return {
      folder,
      path,
      fate,
      steps: changes.slice(0, stepsNamedMax).map(({ step }) => step),
      ...(nowDigest === undefined ? {} : { nowDigest }),
      ...(thenDigest === undefined ? {} : { thenDigest }),
      diff: diff(path, now, goal),
      ...(left === undefined ? {} : { since: diff(path, left, now) }),
      ...(detail === undefined ? {} : { detail }),
    };
  };
}

function difference(path: string, before: Content, after: Content): { readonly text: string; readonly counts: string } {
  if ([before, after].some((each) => each !== null && isLikelyBinary(each))) {
    const counts = `binary: ${sizeText(before)} → ${sizeText(after)}`;
    return { text: `--- a/${path}\n+++ b/${path}\n${counts}\n`, counts };
  }
  const { text, addedLines, removedLines } = unifiedDiff({ path, before: textOf(before), after: textOf(after) });
  return { text, counts: `… +${addedLines} −${removedLines} lines` };
}

const textOf = (content: Content): string => (content === null ? "" : decodeUtf8(content).text);
const sizeText = (content: Content): string => (content === null ? "no file" : formatBytes(content.byteLength));
