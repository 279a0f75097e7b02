/**
 * Takes secrets out of text and values before they are kept, shown or sent. It knows well-known shapes of tokens and the
 * literal values it is given. It errs to redacting: a wrong mark is a nuisance, a leak cannot be taken back.
 * It is a net below other care, not a proof: a secret without shape and without name passes.
 */
import { createLiteralFinder, type LiteralFinder } from "./literal-finder.ts";

export interface RedactorOptions {
  /** Literal values to take out; those under 6 characters are ignored, as they would riddle ordinary words. */
  readonly secrets?: readonly string[];
}

export interface Redactor {
  /** Secrets replaced since creation. */
  readonly count: number;
  /** Every secret replaced by `[redacted:KIND]`. Linear time; doing it twice changes nothing. */
  text(text: string): string;
  /**
   * The value with every string in plain objects and arrays redacted, keys too; the same reference when nothing changed.
   * What lies deeper or is larger than the bounds becomes `[redacted:too-large]`.
   */
  value<T>(value: T): T;
  add(secretValues: readonly string[]): void;
}

/** Shorter values occur by chance in ordinary words. */
const secretLengthMin = 6;
/** A longer literal is a document, and found by its beginning as well. */
const secretLengthMax = 8_192;
/** The environment of a user has some hundred variables. */
const secretsMax = 10_000;
/** As deep and as large as values from a model or a tool ever are; beyond it nothing is let through unseen. */
const depthMax = 64;
const nodesMax = 200_000;
const tooLarge = "[redacted:too-large]";

interface Rule {
  readonly kind: string;
  readonly pattern: RegExp;
  /** What goes instead; the marker when absent. Gets the groups of the match. */
  readonly keep?: (groups: readonly string[]) => string;
}

/*
 * Linear time rests on two habits in every pattern below: a run that is read to its end starts only where no run of the
 * same characters can be under way (the look-behinds), and every other repetition has a small upper bound. Runs end at
 * 65,536 characters, far beyond any token, for the engine keeps a stack as deep as the run and fails when it is full.
 */
const rules: readonly Rule[] = [
  { kind: "aws-key", pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])/g },
  { kind: "github-token", pattern: /(?<![A-Za-z0-9_])(?:gh[opsur]_[A-Za-z0-9]{30,65536}|github_pat_\w{22,65536})/g },
  { kind: "gitlab-token", pattern: /(?<![\w-])gl(?:pat|ptt|dt|rt|cbt|soat)-[\w-]{20,65536}/g },
  { kind: "slack-token", pattern: /(?<![\w-])(?:xox[abeoprs]|xapp)-[\w-]{10,65536}/g },
  { kind: "stripe-key", pattern: /(?<![A-Za-z0-9_])(?:[srp]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,65536}/g },
  { kind: "api-key", pattern: /(?<![\w-])sk-[\w-]{20,65536}/g },
  { kind: "google-key", pattern: /(?<![\w-])AIza[\w-]{35,65536}/g },
  { kind: "huggingface-token", pattern: /(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{30,65536}/g },
  { kind: "arw-token", pattern: /(?<![\w-])arw_[\w-]{40,65536}/g },
  { kind: "npm-token", pattern: /(?<![A-Za-z0-9_])npm_[A-Za-z0-9]{36,65536}/g },
  { kind: "jwt", pattern: /(?<![\w-])eyJ[\w-]{8,65536}\.[\w-]{8,65536}\.[\w-]{0,65536}/g },
  {
    kind: "url-userinfo",
    // With a password, or a lone user name that is long enough to be a token. `git@` and the like stay.
    pattern: /(?<=:\/\/)(?:[^\s/?#@:"'<>[\]]{0,256}:[^\s/?#"'<>[\]]{1,256}|[^\s/?#@:"'<>[\]]{20,256})(?=@)/g,
  },
  {
    kind: "authorization",
    pattern:
      /(authorization\\{0,2}["']?\s{0,8}[:=]\s{0,8}\\{0,2}["']?(?:bearer|basic|token|digest)\s{1,8}|(?<![A-Za-z])bearer\s{1,8}(?=[\w.~+/-]{20}))([^\s"'`,;<>()[\]{}\\]{8,65536})/gi,
    keep: ([start = ""]) => start,
  },
  {
    kind: "assignment",
    // The name of a secret, at the end of a longer name as well (`DB_PASSWORD`), then `:` or `=`, then a value: in quotes,
    // in the escaped quotes of JSON inside JSON, or a bare run that is not the beginning of a call.
    pattern:
      /((?:pass(?:wor[dt]|wd|phrase)|secret|(?<!max[_-]?)token|(?:api|access|account|private|secret|encryption|signing)[_-]?key|credentials?)\\{0,2}["']?\s{0,8}(?::=|=>|[:=])\s{0,8})(?:(["'`])(?:(?!\2)[^\r\n\\]|\\.){8,65536}|(\\{1,2}["'])[^"'\r\n\\]{8,65536}|(?!(?:process\.env|os\.environ|import\.meta|env)\.|[\w.$]{1,128}\()[^\s"'`,;&<>()[\]{}\\]{8,65536})/gi,
    keep: ([start = "", quote = "", escapedQuote = ""]) => start + quote + escapedQuote,
  },
];

/**
 * One look for a trace of any rule, so that prose pays for one scan and not for fourteen. Each rule must be reachable
 * through it: a test checks every sample against the whole and the trace.
 */
const trace =
  /AKIA|ASIA|gh[opsur]_|github_pat_|gl(?:pat|ptt|dt|rt|cbt|soat)-|xox[abeoprs]-|xapp-|[srp]k_(?:live|test)_|whsec_|sk-|AIza|hf_|npm_|arw_|eyJ|:\/\/[^\s/]{0,520}@|bearer\s|authorization|(?:pass(?:wor[dt]|wd|phrase)|secret|token|key|credentials?)[\\"']{0,3}\s{0,8}[:=]/i;

const markers = /(\[redacted:[a-z-]{1,32}\])/;

export function createRedactor({ secrets = [] }: RedactorOptions = {}): Redactor {
  const known = new Set<string>();
  let literals: LiteralFinder | undefined;
  let count = 0;

  const add = (values: readonly string[]): void => {
    for (const value of values) {
      if (value.length < secretLengthMin || isPartOfMarker(value) || known.size >= secretsMax) continue;
      known.add(value.slice(0, secretLengthMax));
    }
    literals = known.size === 0 ? undefined : createLiteralFinder([...known], secretLengthMin);
  };
  add(secrets);

  const mark = (kind: string): string => {
    count += 1;
    return `[redacted:${kind}]`;
  };

  const applyRules = (piece: string): string => {
    if (!trace.test(piece)) return piece;
    let result = piece;
    for (const { kind, pattern, keep } of rules) {
      result = result.replace(pattern, (_match, ...groups: string[]) => (keep?.(groups) ?? "") + mark(kind));
    }
    return result;
  };

  /** Marks made earlier are opaque: neither a literal nor a shape may be found across or inside one. */
  const betweenMarks = (text: string, change: (piece: string) => string): string => {
    if (!text.includes("[redacted:")) return change(text);
    return text
      .split(markers)
      .map((piece, index) => (index % 2 === 1 ? piece : change(piece)))
      .join("");
  };

  const pass = (text: string): string => {
    // Key blocks first and over the whole, so that no mark cuts one in two.
    let result = redactKeyBlocks(text, mark);
    const finder = literals;
    if (finder !== undefined) {
      result = betweenMarks(result, (piece) => finder.replace(piece, () => mark("value")));
      result = betweenMarks(result, (piece) => redactWrapped(piece, finder, mark));
    }
    return betweenMarks(result, applyRules);
  };

  const redactText = (text: string): string => {
    if (text.length < secretLengthMin) return text;
    let result = text;
    // A mark can free what stood behind it, as a literal glued to a token does: once more, until nothing changes.
    for (let round = 0; round < roundsMax; round += 1) {
      const next = pass(result);
      if (next === result) return next;
      result = next;
    }
    return result;
  };

  return {
    get count() {
      return count;
    },
    text: redactText,
    value: (value) => redactValue(value, redactText),
    add,
  };
}

/** Each round takes at least one secret more out of the text; two are the rule, four were never seen. */
const roundsMax = 8;

/** Lines of Base64 that belong together, as encoders and mails wrap them. */
const wrapped = /(?<![\w+/-])[\w+/-]{8,65536}(?:\r?\n[ \t>]{0,16}[\w+/-]{1,65536}={0,2}(?![\w+/=-])){1,65536}/g;

/** A value that a break of lines cuts in two: the lines are one text, and go as one. */
function redactWrapped(text: string, finder: LiteralFinder, mark: (kind: string) => string): string {
  if (!text.includes("\n")) return text;
  return text.replace(wrapped, (block) => {
    let isFound = false;
    finder.replace(block.replace(/[\s>]+/g, ""), () => {
      isFound = true;
      return "";
    });
    return isFound ? mark("value") : block;
  });
}

/** A literal like `redacted` would be found in the marks themselves. */
function isPartOfMarker(value: string): boolean {
  const kinds = [...rules.map((rule) => rule.kind), "value", "private-key", "too-large"];
  return kinds.some((kind) => `[redacted:${kind}]`.includes(value));
}

const keyBlockStart = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const keyBlockEnd = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;

/** A block without an end is cut to the end of the text: the key may be all of it. */
function redactKeyBlocks(text: string, mark: (kind: string) => string): string {
  if (!text.includes("-----BEGIN ")) return text;
  let result = "";
  let from = 0;
  while (true) {
    keyBlockStart.lastIndex = from;
    const start = keyBlockStart.exec(text);
    if (start === null) return result + text.slice(from);
    result += text.slice(from, start.index) + mark("private-key");
    keyBlockEnd.lastIndex = keyBlockStart.lastIndex;
    if (keyBlockEnd.exec(text) === null) return result;
    from = keyBlockEnd.lastIndex;
  }
}

function redactValue<T>(root: T, redactText: (text: string) => string): T {
  let nodes = 0;
  const visit = (value: unknown, depth: number): unknown => {
    if (typeof value === "string") return redactText(value);
    if (typeof value !== "object" || value === null) return value;
    nodes += 1;
    if (depth > depthMax || nodes > nodesMax) return tooLarge;
    if (Array.isArray(value)) return visitItems(value, depth);
    return isPlain(value) ? visitMembers(value, depth) : value;
  };
  const visitItems = (items: readonly unknown[], depth: number): readonly unknown[] => {
    const next = items.map((item) => visit(item, depth + 1));
    return next.every((item, index) => Object.is(item, items[index])) ? items : next;
  };
  const visitMembers = (record: object, depth: number): object => {
    let isChanged = false;
    const entries = Object.entries(record).map(([key, old]) => {
      const name = redactText(key);
      const value = typeof old === "string" ? redactMember(key, old, redactText) : visit(old, depth + 1);
      if (name !== key || !Object.is(value, old)) isChanged = true;
      return [name, value] as const;
    });
    return isChanged ? Object.fromEntries(entries) : record;
  };
  // Only strings are replaced, by strings, and containers keep their kind, so the shape is still that of T.
  return visit(root, 0) as T;
}

/** A member is an assignment in another dress: `{ password: "…" }` is found as `password="…"` would be. */
function redactMember(key: string, value: string, redactText: (text: string) => string): string {
  const redacted = redactText(value);
  if (redacted !== value || !secretKey.test(key) || value.length < 8 || value.length > secretLengthMax) return redacted;
  const start = `${key}="`;
  const whole = redactText(`${start}${value.replace(/["'`\r\n\\]/g, "x")}"`);
  return whole.startsWith(`${start}[redacted:`) && whole.endsWith(']"') ? whole.slice(start.length, -1) : redacted;
}

const secretKey = /(?:pass(?:wor[dt]|wd|phrase)|secret|token|key|credentials?)$/i;

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Values of a `.env` file that say nothing secret however they are named. */
const ordinaryValue =
  /^(?:true|false|enabled|disabled|localhost|development|production|staging|testing|default|warning|verbose|\d{1,9}(?:\.\d{1,6})?|\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|localhost:\d{1,5})$/i;

/** The values of a `.env` file worth hiding: 6 characters or more, and not an ordinary word, small number or local address. */
export function secretsOfEnvFile(text: string): string[] {
  const values = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s{0,64}(?:export\s{1,8})?[A-Za-z_][A-Za-z0-9_.-]{0,255}\s{0,64}=(.*)$/.exec(line);
    if (match === null) continue;
    const value = envValue(match[1] ?? "");
    if (value.length >= secretLengthMin && !ordinaryValue.test(value)) values.add(value);
  }
  return [...values];
}

/** In quotes up to the closing one, else up to a comment. */
function envValue(written: string): string {
  const trimmed = written.trim();
  const quote = trimmed[0];
  if (quote === '"' || quote === "'" || quote === "`") {
    const end = trimmed.indexOf(quote, 1);
    if (end > 0) return trimmed.slice(1, end);
  }
  const comment = trimmed.search(/\s#/);
  return comment === -1 ? trimmed : trimmed.slice(0, comment).trimEnd();
}
