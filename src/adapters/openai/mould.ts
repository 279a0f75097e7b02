/**
 * The frames of one answer mostly differ in a text alone. Where that is proved of one of them, those that look like it are not
 * read as JSON one by one: their texts are what is left when everything else is taken away.
 */
import { isObject } from "./answer.ts";
import { isWords, parsed, readFrame, type Words } from "./parts.ts";
import type { Part } from "../../domains/models/port.ts";

export interface Mould {
  readonly kind: Words["kind"];
  /** The texts of whole frames, together; null where one of them did not come out of the mould. */
  textIn(frames: string): string | null;
}

/** Whatever is none of these stands for itself within a text of JSON. */
const isMarked = /["\\\u0000-\u001f]/;
const probe = "a text that no server says";

/** Of the data of a frame and what it was read as. Proved on a text of its own, which has to be read as that and nothing else. */
export function mouldOf(data: string, parts: readonly Part[]): Mould | null {
  const [part] = parts;
  if (part === undefined || parts.length > 1 || !isWords(part) || /[\r\n]/.test(data)) return null;
  const quoted = JSON.stringify(part.text);
  const at = data.lastIndexOf(quoted);
  if (at < 0) return null;
  const before = data.slice(0, at + 1);
  const behind = data.slice(at + quoted.length - 1);
  return isMouldOf(part.kind, before, behind) ? createMould(part.kind, `data: ${before}`, `${behind}\n\n`) : null;
}

function isMouldOf(kind: Words["kind"], before: string, behind: string): boolean {
  const frame = parsed(before + probe + behind);
  if (!isObject(frame)) return false;
  const { parts, reason, usage } = readFrame(frame);
  const [part] = parts;
  const isAlone = parts.length === 1 && reason === null && usage === null;
  return isAlone && part?.kind === kind && part.text === probe;
}

function createMould(kind: Words["kind"], head: string, tail: string): Mould {
  const between = tail + head;
  const around = head.length + tail.length;
  return {
    kind,
    textIn(frames) {
      if (frames.length < around || frames.slice(0, head.length) !== head || !frames.endsWith(tail)) return null;
      const text = frames.slice(head.length, -tail.length).split(between).join("");
      return isMarked.test(text) ? null : text;
    },
  };
}
