/**
 * JSON for texts that somebody signs or is held to: what `JSON.parse` loses in silence is refused here. Two readers that
 * disagree about a text must not both find it good.
 */

export interface StrictJsonOptions {
  /** Arrays and objects inside one another. */
  readonly depthMax: number;
}

// Control characters have no place inside JSON strings, so the pattern must name them.
const stringForm = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordForm = /true|false|null/y;
const spaceForm = /[ \t\n\r]*/y;

/**
 * Throws TypeError for what is no JSON, and for a key that stands twice, `__proto__`, an integer that a double cannot hold
 * exactly, a number beyond all of them, half a surrogate pair, and nesting beyond `depthMax`.
 */
export function parseStrictJson(text: string, { depthMax }: StrictJsonOptions): unknown {
  const reader = createReader(text);
  const value = (depth: number): unknown => {
    const char = reader.peek();
    if (char === '"') return reader.string();
    if (char !== "{" && char !== "[") return reader.scalar();
    if (depth >= depthMax) throw reader.fault(`nested deeper than ${depthMax}`);
    return char === "{" ? object(depth) : array(depth);
  };
  const array = (depth: number): readonly unknown[] => {
    const items: unknown[] = [];
    reader.list("[", "]", () => items.push(value(depth + 1)));
    return items;
  };
  const object = (depth: number): object => {
    const members = new Map<string, unknown>();
    reader.list("{", "}", () => {
      const key = reader.string();
      if (key === "__proto__") throw reader.fault('a key "__proto__"');
      if (members.has(key)) throw reader.fault("a key that stands twice");
      reader.take(":");
      members.set(key, value(depth + 1));
    });
    return Object.fromEntries(members);
  };
  const whole = value(0);
  reader.end();
  return whole;
}

function createReader(text: string) {
  let at = 0;
  const match = (form: RegExp): string | null => {
    form.lastIndex = at;
    const found = form.exec(text);
    if (found === null) return null;
    at = form.lastIndex;
    return found[0];
  };
  const fault = (what: string): TypeError => new TypeError(`not strict JSON at ${at}: ${what}`);
  const peek = (): string => {
    match(spaceForm);
    return text[at] ?? "";
  };
  const take = (char: string): void => {
    if (peek() !== char) throw fault(`${JSON.stringify(char)} is missing`);
    at += 1;
  };
  const number = (token: string): number => {
    const value = Number(token);
    const isExact = !Number.isInteger(value) || Number.isSafeInteger(value);
    if (!Number.isFinite(value) || !isExact) throw fault("a number that would not be kept exactly");
    return value;
  };
  return {
    fault,
    peek,
    take,
    string(): string {
      peek();
      const token = match(stringForm);
      if (token === null) throw fault("a string is missing");
      const value = JSON.parse(token) as string;
      if (!value.isWellFormed()) throw fault("half a surrogate pair");
      return value;
    },
    scalar(): number | boolean | null {
      const word = match(wordForm);
      if (word !== null) return word === "null" ? null : word === "true";
      const token = match(numberForm);
      if (token === null) throw fault("a value is missing");
      return number(token);
    },
    /** Everything between two brackets, parted by commas. */
    list(open: string, close: string, item: () => void): void {
      take(open);
      if (peek() === close) return take(close);
      for (;;) {
        item();
        if (peek() !== ",") return take(close);
        take(",");
      }
    },
    end(): void {
      if (peek() !== "") throw fault("something behind the end");
    },
  };
}
