/** A command as a person reads it: every argument can be told from the next, and nothing in it is invisible. */
export const commandLine = (command: string, args: readonly string[]): string =>
  [command, ...args].map((word) => quoted(word)).join(" ");

const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;
/** Ends of lines, what moves the cursor, what turns the direction of writing, and what has no width. */
const unseen = /[\p{C}\p{Zl}\p{Zp}]/gu;

function quoted(word: string): string {
  if (plain.test(word)) return word;
  const shown = word.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll(unseen, escaped);
  return shown === word ? `'${word}'` : `$'${shown}'`;
}

const escaped = (character: string): string =>
  character === "\n" ? "\\n" : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
