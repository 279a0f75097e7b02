/** Finds what was said: messages that hold all words that were asked for, however they are written. */
import type { Found, ConversationRow, Message } from "./contract.ts";
import { foundMax } from "./contract.ts";

/** Text that one search looks through: so much is looked through in about a tenth of a second. */
const searchedCharsMax = 16_000_000;
const excerptChars = 160;
const excerptBefore = 40;

export const plain = (text: string): string => text.normalize("NFKC").toLowerCase();

interface Searching {
  readonly conversations: readonly ConversationRow[];
  readonly message: (id: string) => Message | undefined;
}

export function search(words: string, { conversations, message }: Searching): { found: Found[]; isWhole: boolean } {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  const found: Found[] = [];
  let charsLeft = searchedCharsMax;
  for (const { conversation, title, isNamed, tree, createdAtMs } of conversations) {
    const [first] = tree;
    // What nobody named bears the words that it begins with.
    const titled = isNamed ? excerptOf(title, wanted) : null;
    if (titled !== null) {
      const place = { conversation, message: first?.message ?? conversation, title, atMs: createdAtMs };
      found.push({ ...place, role: "title", excerpt: titled });
    }
    for (const node of tree.toReversed()) {
      const said = message(node.message);
      if (said === undefined) continue;
      charsLeft -= said.text.length;
      const excerpt = charsLeft < 0 ? null : excerptOf(said.text, wanted);
      if (excerpt !== null)
        found.push({ conversation, message: node.message, title, role: said.role, excerpt, atMs: said.atMs });
      if (charsLeft < 0 || found.length > foundMax) return { found: found.slice(0, foundMax), isWhole: false };
    }
  }
  return { found: found.slice(0, foundMax), isWhole: found.length <= foundMax };
}

/** The text around the first find, on one line; null when a word is missing. */
function excerptOf(text: string, wanted: readonly string[]): string | null {
  const searched = plain(text);
  const places = wanted.map((word) => searched.indexOf(word));
  if (places.length === 0 || places.includes(-1)) return null;
  // Where the plain form has another length, the place is about right, and the excerpt wide enough.
  const start = Math.max(0, Math.min(...places) - excerptBefore);
  const cut = text
    .slice(start, start + excerptChars)
    .replaceAll(/\s+/g, " ")
    .trim()
    .toWellFormed();
  return `${start > 0 ? "…" : ""}${cut}${start + excerptChars < text.length ? "…" : ""}`;
}
