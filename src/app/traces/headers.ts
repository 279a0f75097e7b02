/** Headers for the collector, as `OTEL_EXPORTER_OTLP_HEADERS` lists them: `name=value,name=value`, values percent-encoded. */

const namePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$/u;
/** Anything else would end the header or be refused on the way. */
const valuePattern = /^[\t\x20-\x7e\x80-\xff]{0,8192}$/u;
/** What the request itself decides. */
const ownNames: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** `faults` name no values: those are secrets. */
export function headersOf(text: string): {
  readonly headers: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
} {
  const headers: Record<string, string> = {};
  const faults: string[] = [];
  for (const [index, pair] of text.split(",").entries()) {
    if (pair.trim() === "") continue;
    const at = pair.indexOf("=");
    const name = (at < 0 ? "" : pair.slice(0, at)).trim().toLowerCase();
    const value = at < 0 ? null : decoded(pair.slice(at + 1).trim());
    if (!namePattern.test(name) || value === null || !valuePattern.test(value))
      faults.push(`number ${index + 1} is not name=value`);
    else if (ownNames.has(name)) faults.push(`${name} is decided by the request`);
    else headers[name] = value;
  }
  return { headers, faults };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
