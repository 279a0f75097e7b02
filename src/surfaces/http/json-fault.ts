/** Where a JSON text breaks. Only called when `JSON.parse` refused it, whose messages name no position for short texts. */

// Control characters have no place inside JSON strings, so the pattern must name them.
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const space = /[ \t\n\r]*/y;

/** Character offset of the first token that does not belong; the text's length when it ends too early. */
export function jsonFaultAt(text: string): number {
  const open: string[] = [];
  let at = skip(space, text, 0);
  let wants: "value" | "valueOrEnd" | "key" | "keyOrEnd" | "colon" | "next" = "value";
  while (at < text.length) {
    const char = text[at] ?? "";
    const closer = open.at(-1);
    let end = at + 1;
    if (wants === "next") {
      if (closer === undefined) return at;
      if (char === closer) open.pop();
      else if (char === ",") wants = closer === "}" ? "key" : "value";
      else return at;
    } else if (wants === "colon") {
      if (char !== ":") return at;
      wants = "value";
    } else if (char === closer && (wants === "valueOrEnd" || wants === "keyOrEnd")) {
      open.pop();
      wants = "next";
    } else if (wants === "key" || wants === "keyOrEnd") {
      end = skip(string, text, at);
      if (end === at) return at;
      wants = "colon";
    } else if (char === "{" || char === "[") {
      open.push(char === "{" ? "}" : "]");
      wants = char === "{" ? "keyOrEnd" : "valueOrEnd";
    } else {
      end = skip(char === '"' ? string : scalar, text, at);
      if (end === at) return at;
      wants = "next";
    }
    at = skip(space, text, end);
  }
  return text.length;
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
