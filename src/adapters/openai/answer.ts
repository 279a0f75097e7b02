/** Reads what servers answer, none of which can be relied on to hold what the protocol says. */
import { Problem } from "../../contract/problem.ts";
import { unknownUsage, type Usage } from "../../domains/models/port.ts";
import { BadAnswer, KeyRefused, ModelBusy, ModelRefused, NoSuchModel, NotAble } from "../../domains/models/port.ts";

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const textIn = (value: Record<string, unknown>, name: string): string | null => {
  const found = value[name];
  return typeof found === "string" ? found : null;
};

export const numberIn = (value: Record<string, unknown>, name: string): number | null => {
  const found = value[name];
  return typeof found === "number" && Number.isFinite(found) ? found : null;
};

export const listIn = (value: Record<string, unknown>, name: string): readonly unknown[] => {
  const found = value[name];
  return Array.isArray(found) ? (found as unknown[]) : [];
};

export function usageOf(value: unknown): Usage {
  if (!isObject(value)) return unknownUsage;
  const count = (name: string): number | null => {
    const found = numberIn(value, name);
    return found === null || found < 0 ? null : Math.round(found);
  };
  const details = value["prompt_tokens_details"];
  return {
    inputTokens: count("prompt_tokens") ?? count("total_tokens"),
    outputTokens: count("completion_tokens") ?? (count("prompt_tokens") === null ? null : 0),
    cachedTokens: isObject(details) ? numberIn(details, "cached_tokens") : null,
  };
}

/** So much of a server's own words is shown. */
const reasonMax = 300;

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export function problemOf({ status, headers, text }: Refusal): Problem {
  const reason = reasonIn(text) || `status ${status}`;
  const said = `the model server answers: ${reason}`;
  if (status === 401 || status === 403) return new Problem(KeyRefused, said, { reason, status });
  if (status === 404 && /model/i.test(reason)) return new Problem(NoSuchModel, said, { reason, status });
  // What a server was not started for: llama-server ranks, and makes vectors, only where it was told to.
  if (status === 501) return new Problem(NotAble, said, { reason, status });
  if (status === 429 || status === 503 || status === 529) {
    const retryAfterMs = waitIn(headers);
    // The hub has limits, too; whoever reads this has to know where to look.
    const words = status === 429 ? `a limit of the model server itself is reached: ${reason}` : said;
    return new Problem(ModelBusy, words, { reason, status, ...(retryAfterMs === null ? {} : { retryAfterMs }) });
  }
  if (status >= 500) return new Problem(BadAnswer, said, { reason, status });
  return new Problem(ModelRefused, said, { reason, status });
}

/** An error that came within a stream that had begun well. */
export function problemInStream(error: unknown): Problem {
  const reason = reasonIn(JSON.stringify({ error })) || "an error without words";
  return new Problem(BadAnswer, `the model server broke off: ${reason}`, { reason });
}

function reasonIn(text: string): string {
  const value = parsed(text);
  if (!isObject(value)) return text.trim().slice(0, reasonMax);
  const error = value["error"];
  const words = isObject(error) ? textIn(error, "message") : error;
  const found = typeof words === "string" ? words : (textIn(value, "message") ?? textIn(value, "detail") ?? "");
  return found.slice(0, reasonMax);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A pause of days is an answer of its own; whoever waits gives up long before. */
const waitMsMax = 3_600_000;

/** Seconds, milliseconds or nothing: a date would need a clock that both sides share. */
function waitIn(headers: Readonly<Record<string, string>>): number | null {
  const exact = Number(headers["retry-after-ms"]);
  if (exact >= 0 && headers["retry-after-ms"] !== undefined) return Math.min(waitMsMax, Math.round(exact));
  const seconds = headers["retry-after"];
  return seconds !== undefined && /^\d{1,6}$/.test(seconds) ? Math.min(waitMsMax, Number(seconds) * 1000) : null;
}
