/** Answers on the wire: each is its head and its body in one write. */
import type { ServerResponse } from "node:http";
import type { Operation } from "../../contract/operation.ts";
import type { Outcome } from "../../kernel/kernel.ts";
import type { Exchange } from "./exchange.ts";
import type { Cookies } from "./port.ts";

export const jsonMedia = "application/json; charset=utf-8";

type PlainOutcome = Exclude<Outcome, { kind: "stream" }>;

export interface Written {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: string[];
  /** Null where the status has none. */
  readonly body: string | Uint8Array | null;
}

export function write(response: ServerResponse, { status, headers, body }: Written): void {
  if (body === null) {
    response.writeHead(status, headers).end();
    return;
  }
  headers.push("content-length", String(typeof body === "string" ? Buffer.byteLength(body) : body.byteLength));
  response.writeHead(status, headers).end(body);
}

/** What every answer carries, whoever writes it. */
export const baseHeaders = (corrId: string): string[] => ["x-arw-corr", corrId, "x-content-type-options", "nosniff"];

export interface AnswerTo {
  readonly exchange: Exchange;
  readonly corrId: string;
  readonly cookies: Cookies | null;
}

export function writeOutcome(operation: Operation, outcome: PlainOutcome, to: AnswerTo): void {
  const { corrId } = to;
  const { response } = to.exchange;
  const headers = baseHeaders(corrId);
  switch (outcome.kind) {
    case "answer":
      return writeOutput(operation, outcome, { ...to, headers });
    case "unchanged":
      headers.push("etag", outcome.etag, "cache-control", "no-cache");
      return write(response, { status: 304, headers, body: null });
    case "accepted": {
      const href = `/tasks/${encodeURIComponent(outcome.taskId)}`;
      return writeLater(response, headers, { taskId: outcome.taskId, corrId, href });
    }
    case "held": {
      const href = `/state/approvals/${encodeURIComponent(outcome.approvalId)}`;
      return writeLater(response, headers, { approvalId: outcome.approvalId, corrId, href });
    }
    default:
      outcome satisfies never;
  }
}

function writeOutput(
  { id, media }: Operation,
  { output, etag }: Extract<Outcome, { kind: "answer" }>,
  { exchange, cookies, headers, corrId }: AnswerTo & { readonly headers: string[] },
): void {
  const cookie = cookies === null ? null : cookies.take(id, corrId);
  if (cookie !== null) headers.push("set-cookie", cookie);
  if (etag === undefined) headers.push("cache-control", "no-store");
  else headers.push("etag", etag, "cache-control", "no-cache");
  headers.push("content-type", media ?? jsonMedia);
  write(exchange.response, {
    status: 200,
    headers,
    body: media === undefined ? (JSON.stringify(output) ?? "null") : String(output),
  });
}

function writeLater(
  response: ServerResponse,
  headers: string[],
  body: { readonly href: string; readonly [name: string]: string },
): void {
  headers.push("location", body.href, "cache-control", "no-store", "content-type", jsonMedia);
  write(response, { status: 202, headers, body: JSON.stringify(body) });
}
