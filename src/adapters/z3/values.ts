/** Reads the answer to `get-value`: pairs of a constant and its value, as SMT-LIB writes them. */
export function valuesIn(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const tokens = [...text.matchAll(/"(?:[^"]|"")*"|[()]|[^\s()"]+/g)].map(([token]) => token);
  let at = 0;
  /** One term, written as it was. */
  const term = (): string => {
    const token = tokens[at] ?? "";
    at += 1;
    if (token !== "(") return token;
    const parts: string[] = [];
    while (at < tokens.length && tokens[at] !== ")") parts.push(term());
    at += 1;
    return `(${parts.join(" ")})`;
  };
  if (tokens[at] === "(") at += 1;
  while (tokens[at] === "(") {
    at += 1;
    const name = term();
    values.set(name, term());
    at += 1;
  }
  return values;
}
