/** The text of the file of adopted rules, which its person may also edit: a rule is put behind the others, and found by its id. */

const heading = `// Rules that you adopted from proposals. \`arw policy withdraw ID\` takes one out; you may also edit them here.
`;

export interface RuleInText {
  /** The whole text, with the rule or without it. */
  readonly text: string;
  /** Line on which the rule begins, from 1, its comment included. */
  readonly line: number;
  readonly rule: string;
}

export function withRule(before: string | null, rule: string): RuleInText {
  const head = (before ?? heading).trimEnd();
  const own = rule.trim();
  return { text: `${head}\n\n${own}\n`, line: lineAt(`${head}\n\n`, head.length + 2), rule: own };
}

/** Null when no rule has this id. */
export function withoutRule(before: string, id: string): RuleInText | null {
  const at = before.indexOf(`@id(${JSON.stringify(id)})`);
  if (at < 0) return null;
  const start = startOf(before, at);
  const end = endOf(before, at);
  const rest = before.slice(end).trimStart();
  const text = `${before.slice(0, start).trimEnd()}\n${rest === "" ? "" : `\n${rest}`}`;
  return { text, line: lineAt(before, start), rule: before.slice(start, end) };
}

/** With the annotations and comments that stand right above it. */
function startOf(text: string, at: number): number {
  let start = text.lastIndexOf("\n", at - 1) + 1;
  while (start > 0) {
    const above = text.lastIndexOf("\n", start - 2) + 1;
    if (!/^\s*(\/\/|@)/.test(text.slice(above, start))) return start;
    start = above;
  }
  return start;
}

/** Behind the semicolon that stands in no text and in no comment. */
function endOf(text: string, at: number): number {
  const mark = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|;/g;
  mark.lastIndex = at;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text))
    if (found[0] === ";") return mark.lastIndex;
  return text.length;
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;
