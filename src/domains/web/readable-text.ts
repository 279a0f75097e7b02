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

/** Begins a cell of a table; no page shows it. */
const cell = "\u001f";

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
    at = afterTag(page, open + 1);
    const bare = name.replace("/", "");
    if (breaking.has(bare)) parts.push(name === "li" ? "\n- " : "\n");
    // Cells stand beside each other, and would else be read as one word.
    else if (name === "td" || name === "th") parts.push(cell);
    else if (name === "img") parts.push(altOf(page.slice(open, at)));
    // Drawings may close themselves; everything behind would be lost with a close that never comes.
    if (silent.has(name) && !(page[at - 2] === "/" && name === "svg")) at = skipped(page, { name, from: at, parts });
  }
  return tidied(decoded(parts.join("")));
}

/** Where it goes on behind this mark; the end of the page when there is none. */
function after(page: string, mark: string, from: number): number {
  const found = page.indexOf(mark, from);
  return found < 0 ? page.length : found + mark.length;
}

/** Tags with more attributes than that are none that anybody wrote. */
const tagLengthMax = 20_000;

/** Behind the tag; a `>` in quotes does not end it. One whose quotes never close ends at its first `>`. */
function afterTag(page: string, from: number): number {
  const end = Math.min(page.length, from + tagLengthMax);
  let quote = "";
  for (let at = from; at < end; at += 1) {
    const sign = page[at] as string;
    if (quote !== "") quote = sign === quote ? "" : quote;
    else if (sign === ">") return at + 1;
    // Elsewhere a quote is a part of a name or a value, as in <p don't>.
    else if ((sign === '"' || sign === "'") && isAfterEquals(page, at, from)) quote = sign;
  }
  return after(page, ">", from);
}

function isAfterEquals(page: string, at: number, from: number): boolean {
  let before = at - 1;
  while (before > from && /\s/.test(page[before] as string)) before -= 1;
  return page[before] === "=";
}

/** What a picture shows, where its page says so. */
function altOf(tag: string): string {
  const [, double, single] = /\salt\s{0,9}=\s{0,9}(?:"([^"]{1,300})"|'([^']{1,300})')/i.exec(tag) ?? [];
  const alt = double ?? single;
  return alt === undefined ? "" : ` [${alt}] `;
}

/** `p`, `/p`, `!doctype`; null where a `<` begins no tag. */
function nameAt(page: string, from: number): string | null {
  const name = /^(\/?[a-zA-Z][a-zA-Z0-9-]{0,30}|[!?])/.exec(page.slice(from, from + 32))?.[0];
  return name === undefined ? null : name.toLowerCase();
}

/** The title is the one thing in a head that is read. */
function skipped(page: string, { name, from, parts }: { name: string; from: number; parts: string[] }): number {
  // The end of a head may be left out: its body ends it.
  const close = new RegExp(name === "head" ? "</head[\\s>/]|<body[\\s>/]" : `</${name}[\\s>/]`, "gi");
  close.lastIndex = from;
  const found = close.exec(page);
  const end = found?.index ?? page.length;
  if (name === "head") {
    const title = /<title[^>]{0,200}>([^<]{1,500})/i.exec(page.slice(from, Math.min(end, from + headLengthMax)))?.[1];
    if (title !== undefined) parts.push(title, "\n\n");
  }
  if (found === null) return page.length;
  return found[0].startsWith("</") ? after(page, ">", end) : end;
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
  egrave: "è",
  agrave: "à",
  ccedil: "ç",
  ntilde: "ñ",
  middot: "·",
  bull: "•",
  times: "×",
  deg: "°",
  pound: "£",
  sect: "§",
  laquo: "«",
  raquo: "»",
  rarr: "→",
  larr: "←",
  trade: "™",
  reg: "®",
  shy: "",
  zwnj: "",
  ensp: " ",
  emsp: " ",
  thinsp: " ",
};

const windows = new TextDecoder("windows-1252");

const decoded = (text: string): string =>
  text.replaceAll(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|[a-zA-Z]{2,8});/g, (whole, what: string) => {
    if (!what.startsWith("#")) return Object.hasOwn(named, what) ? (named[what] ?? whole) : whole;
    const code = what[1] === "x" ? Number.parseInt(what.slice(2), 16) : Number(what.slice(1));
    // Old pages number the signs of Windows.
    if (code >= 0x80 && code <= 0x9f) return windows.decode(Uint8Array.of(code));
    const isCharacter = code > 31 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter || code === 10 ? String.fromCodePoint(code) : "";
  });

/** One space for many, one empty line for many, none at the ends. */
function tidied(text: string): string {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    const cells = line.split(cell).map((each) => each.trim().split(/\s+/).join(" "));
    const words = (cells[0] === "" ? cells.slice(1) : cells).join(" | ");
    if (words !== "" || (lines.length > 0 && lines.at(-1) !== "")) lines.push(words);
  }
  while (lines.at(-1) === "") lines.pop();
  return lines.join("\n");
}
