/**
 * The text of a page, as somebody would read it aloud: no scripts, styles and tags, lines where the page has blocks. It walks
 * the page once from front to back, so the time is that of its length whatever is written there. It is no parser of HTML and
 * protects nobody from anything: what comes out is still a stranger's text.
 */
const silent: ReadonlySet<string> = new Set([
  "script",
  "style",
  "noscript",
  "template",
  "svg",
  "head",
  "iframe",
  "object",
]);
const breaking: ReadonlySet<string> = new Set(
  "address article aside blockquote br dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tr ul".split(
    " ",
  ),
);

export function readableText(page: string): string {
  const parts: string[] = [];
  let at = 0;
  while (at < page.length) {
    const open = page.indexOf("<", at);
    if (open < 0) {
      parts.push(page.slice(at));
      break;
    }
    parts.push(page.slice(at, open));
    if (page.startsWith("<!--", open)) {
      at = after(page, "-->", open + 4);
      continue;
    }
    const name = nameAt(page, open + 1);
    if (name === null) {
      parts.push("<");
      at = open + 1;
      continue;
    }
    at = after(page, ">", open);
    if (breaking.has(name.replace("/", ""))) parts.push(name === "li" ? "\n- " : "\n");
    if (silent.has(name)) at = skipped(page, { name, from: at, parts });
  }
  return tidied(decoded(parts.join("")));
}

/** Where it goes on behind this mark; the end of the page when there is none. */
function after(page: string, mark: string, from: number): number {
  const found = page.indexOf(mark, from);
  return found < 0 ? page.length : found + mark.length;
}

/** `p`, `/p`, `!doctype`; null where a `<` begins no tag. */
function nameAt(page: string, from: number): string | null {
  const name = /^(\/?[a-zA-Z][a-zA-Z0-9-]{0,30}|[!?])/.exec(page.slice(from, from + 32))?.[0];
  return name === undefined ? null : name.toLowerCase();
}

/** The title is the one thing in a head that is read. */
function skipped(page: string, { name, from, parts }: { name: string; from: number; parts: string[] }): number {
  const close = new RegExp(`</${name}[\\s>/]`, "gi");
  close.lastIndex = from;
  const found = close.exec(page);
  const end = found?.index ?? page.length;
  if (name === "head") {
    const title = /<title[^>]{0,200}>([^<]{1,500})/i.exec(page.slice(from, Math.min(end, from + headLengthMax)))?.[1];
    if (title !== undefined) parts.push(title, "\n\n");
  }
  return found === null ? page.length : after(page, ">", end);
}
/** Titles stand near the beginning. */
const headLengthMax = 20_000;

const named: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  ndash: "–",
  mdash: "—",
  hellip: "…",
  lsquo: "‘",
  rsquo: "’",
  ldquo: "“",
  rdquo: "”",
  copy: "©",
  euro: "€",
  auml: "ä",
  ouml: "ö",
  uuml: "ü",
  Auml: "Ä",
  Ouml: "Ö",
  Uuml: "Ü",
  szlig: "ß",
  eacute: "é",
};

const decoded = (text: string): string =>
  text.replaceAll(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|[a-zA-Z]{2,8});/g, (whole, what: string) => {
    if (!what.startsWith("#")) return named[what] ?? whole;
    const code = what[1] === "x" ? Number.parseInt(what.slice(2), 16) : Number(what.slice(1));
    const isCharacter = code > 31 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter || code === 10 ? String.fromCodePoint(code) : "";
  });

/** One space for many, one empty line for many, none at the ends. */
function tidied(text: string): string {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    const words = line
      .split(/\s/)
      .filter((word) => word !== "")
      .join(" ");
    if (words !== "" || (lines.length > 0 && lines.at(-1) !== "")) lines.push(words);
  }
  while (lines.at(-1) === "") lines.pop();
  return lines.join("\n");
}
