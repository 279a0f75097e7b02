import type { TextKind } from "./outline-schema.ts";

/** How prose is marked up; decides what a heading, a link and a literal block look like. */
export type Flavour = "markdown" | "restructured" | "asciidoc" | "html" | "plain";

const markdown = new Set(["md", "markdown", "mdown", "mdx", "qmd", "rmd"]);
const prose = new Set([
  "txt",
  "text",
  "rst",
  "rest",
  "adoc",
  "asciidoc",
  "asc",
  "org",
  "tex",
  "html",
  "htm",
  "xhtml",
  "me",
]);
const proseNames = new Set([
  "readme",
  "license",
  "licence",
  "copying",
  "authors",
  "changelog",
  "changes",
  "news",
  "notice",
  "contributing",
  "todo",
  "install",
]);
const code = new Set(
  (
    "ts tsx mts cts js jsx mjs cjs py pyi rb go rs java kt kts scala swift c h cc cpp cxx hpp hh m mm cs fs vb php pl pm lua r jl " +
    "sh bash zsh fish ps1 bat cmd sql hs ml mli ex exs erl clj cljs lisp el vim dart zig nim v sol css scss sass less vue svelte " +
    "tf hcl nix gradle cmake mk proto graphql wat asm s ino awk"
  ).split(" "),
);
const codeNames = new Set([
  "makefile",
  "dockerfile",
  "rakefile",
  "gemfile",
  "justfile",
  "procfile",
  "vagrantfile",
  "jenkinsfile",
]);
const data = new Set(
  (
    "csv tsv json jsonl ndjson json5 geojson yaml yml toml xml ini conf cfg env properties lock svg log plist ics vcf bib gpx kml " +
    "ipynb sum map patch diff srt vtt"
  ).split(" "),
);

/** How much of a file of unknown name is looked at to tell prose from the rest. */
const lookLength = 4096;

export function kindOf(path: string, text: string): TextKind {
  const look = text.slice(0, lookLength);
  if (looksBinary(look)) return "other";
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const dot = name.lastIndexOf(".");
  const extension = name.slice(dot + 1);
  if (markdown.has(extension)) return "markdown";
  if (prose.has(extension)) return "text";
  if (code.has(extension) || codeNames.has(name)) return "code";
  if (data.has(extension)) return "data";
  if (look.startsWith("#!")) return "code";
  // Dot files are settings of some tool.
  if (dot === 0) return "data";
  if (proseNames.has(dot > 0 ? name.slice(0, dot) : name)) return "text";
  return looksLikeProse(look) ? "text" : "other";
}

export function flavourOf(path: string, kind: TextKind): Flavour {
  if (kind === "markdown") return "markdown";
  if (/\.(?:rst|rest)$/i.test(path)) return "restructured";
  if (/\.(?:adoc|asciidoc|asc)$/i.test(path)) return "asciidoc";
  return /\.x?html?$/i.test(path) ? "html" : "plain";
}

function looksBinary(look: string): boolean {
  let odd = 0;
  for (let at = 0; at < look.length; at++) {
    const unit = look.charCodeAt(at);
    if (unit === 0) return true;
    if (unit === 0xfffd || (unit < 32 && unit !== 9 && unit !== 10 && unit !== 12 && unit !== 13)) odd++;
  }
  return odd * 20 > look.length;
}

function looksLikeProse(look: string): boolean {
  const letters = look.match(/\p{L}/gu)?.length ?? 0;
  const blanks = look.match(/\s/g)?.length ?? 0;
  return letters > 20 && letters + blanks > look.length * 0.85 && blanks * 12 > look.length;
}
