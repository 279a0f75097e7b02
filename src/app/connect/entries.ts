/** A server as a configuration starts it, and the command that puts the hub before it. */
import { isDeepStrictEqual } from "node:util";

export type Place = readonly (string | number)[];
export interface Entry {
  readonly name: string;
  /** Keys down to it. */
  readonly place: Place;
  /** `http`: reached by its address, which a wrapper for commands leaves alone. */
  readonly kind: "command" | "http" | "odd";
  readonly command: readonly string[];
}

/** The words that stand before a server's own command, for the server of this name. */
export type Prefix = (name: string) => readonly string[];

/** A change that is not safe to make by program, and why; a person is told how to make it instead. */
export class NotEditable extends Error {
  override readonly name = "NotEditable";
}

/** Where the server's own command begins in one that is wrapped; 0 when it is not. */
export function ownFrom(command: readonly string[]): number {
  const words = command.indexOf("mcp");
  if (words < 0 || command[words + 1] !== "wrap") return 0;
  // A word behind one of these is its value, whatever it looks like.
  for (let at = words + 2; at < command.length; at += valued.has(command[at] ?? "") ? 2 : 1)
    if (command[at] === "--") return at + 1;
  return 0;
}

/** Options of the wrapper that take a value. */
const valued: ReadonlySet<string> = new Set(["--state-dir", "--agent", "--name"]);

export const isWrapped = ({ command }: Entry): boolean => ownFrom(command) > 0;

/** An edit of a text: what stands from here to there becomes this. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export function applied(text: string, edits: readonly Edit[]): string {
  const last = edits.toSorted((a, b) => b.from - a.from);
  return last.reduce((rest, edit) => rest.slice(0, edit.from) + edit.text + rest.slice(edit.to), text);
}

/** Whether two values of plain data say the same, in whatever order. */
export const saysTheSame = (one: unknown, other: unknown): boolean => isDeepStrictEqual(copyOf(one), copyOf(other));

/** A copy of plain data, to be changed. */
export const copyOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;
