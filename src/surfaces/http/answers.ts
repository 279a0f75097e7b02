/**
 * Outcomes on the wire. Written past Fastify's reply, whose chain of hooks and serialisers has nothing to do here: a
 * fifth of a small request.
 */
import type { FastifyReply } from "fastify";
import type { Operation } from "../../contract/operation.ts";
import type { Outcome } from "../../kernel/kernel.ts";
import type { Cookies } from "./port.ts";

export const jsonMedia = "application/json; charset=utf-8";

export interface AnswerTo {
  readonly reply: FastifyReply;
  readonly corrId: string;
  readonly cookies: Cookies | null;
}

type PlainOutcome = Exclude<Outcome, { kind: "stream" }>;

export function writeOutcome(operation: Operation, outcome: PlainOutcome, to: AnswerTo): void {
  const { corrId } = to;
  const headers = ["x-arw-corr", corrId, "x-content-type-options", "nosniff"];
  switch (outcome.kind) {
    case "answer":
      return writeOutput(operation, outcome, { ...to, headers });
    case "unchanged":
      headers.push("etag", outcome.etag, "cache-control", "no-cache");
      to.reply.hijack();
      to.reply.raw.writeHead(304, headers).end();
      return;
    case "accepted": {
      const href = `/tasks/${encodeURIComponent(outcome.taskId)}`;
      return writeLater(to.reply, headers, { taskId: outcome.taskId, corrId, href });
    }
    case "held": {
      const href = `/state/approvals/${encodeURIComponent(outcome.approvalId)}`;
      return writeLater(to.reply, headers, { approvalId: outcome.approvalId, corrId, href });
    }
    default:
      outcome satisfies never;
  }
}

function writeOutput(
  { id, media }: Operation,
  { output, etag }: Extract<Outcome, { kind: "answer" }>,
  { reply, cookies, headers, corrId }: AnswerTo & { readonly headers: string[] },
): void {
  const cookie = cookies === null ? null : cookies.take(id, corrId);
  if (cookie !== null) headers.push("set-cookie", cookie);
  if (etag === undefined) headers.push("cache-control", "no-store");
  else headers.push("etag", etag, "cache-control", "no-cache");
  headers.push("content-type", media ?? jsonMedia);
  write(reply, {
    status: 200,
    headers,
    body: media === undefined ? (JSON.stringify(output) ?? "null") : String(output),
  });
}

function writeLater(
  reply: FastifyReply,
  headers: string[],
  body: { readonly href: string; readonly [name: string]: string },
): void {
  headers.push("location", body.href, "cache-control", "no-store", "content-type", jsonMedia);
  write(reply, { status: 202, headers, body: JSON.stringify(body) });
}

interface Written {
  readonly status: number;
  readonly headers: string[];
  readonly body: string;
}

function write(reply: FastifyReply, { status, headers, body }: Written): void {
  headers.push("content-length", String(Buffer.byteLength(body)));
  reply.hijack();
  reply.raw.writeHead(status, headers).end(body);
}
