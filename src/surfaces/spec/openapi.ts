/** The HTTP face as an OpenAPI 3.1 document. `/admin/…` is an alias of every route and left out. */
import { type Bound, gateKey, type Operation } from "../../contract/operation.ts";
import type { ProblemDefinition } from "../../contract/problem.ts";
import * as standard from "../../contract/standard-problems.ts";
import type { Table } from "../../kernel/kernel.ts";
import { createShelf, type JsonSchema, plain, type Shelf } from "./json-schema.ts";
import { boundsOf, hasBody, namedSchemas, problemsOf, routeOf, splitInput } from "./rows.ts";

export interface SpecOptions {
  /** Version of the hub. */
  readonly version: string;
}

type Json = Readonly<Record<string, unknown>>;

const componentPrefix = "#/components/";
const correlation = { "X-ARW-Corr": { $ref: `${componentPrefix}headers/Correlation` } };
const retryStatuses = new Set([429, 503]);

export function openapi(table: Table, { version }: SpecOptions): Json {
  const shelf = createShelf(namedSchemas(table), {
    prefix: `${componentPrefix}schemas/`,
    reserved: ["Accepted", "Held", "Problem"],
  });
  const paths: Record<string, Record<string, Json>> = {};
  for (const bound of boundsOf(table)) {
    const { method, path } = routeOf(bound.operation);
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(bound, shelf) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "ARW",
      version,
      description: "Agents Running Wild: a local-first hub for personal AI agents that keeps the user in control.",
      license: { name: "MIT OR Apache-2.0", identifier: "MIT OR Apache-2.0" },
    },
    servers: [{ url: "http://127.0.0.1:8090", description: "The hub on this machine." }],
    security: [{ bearer: [] }, { adminToken: [] }, { session: [] }],
    tags: tagsOf(table),
    paths: Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "The admin token." },
        adminToken: { type: "apiKey", in: "header", name: "X-ARW-Admin", description: "The admin token." },
        session: { type: "apiKey", in: "cookie", name: "arw_session", description: "Set by signing in with a link." },
      },
      headers: headerComponents(),
      responses: sharedResponses(table),
      schemas: {
        ...shelf.kept,
        Accepted: queuedShape("taskId", "/tasks/{taskId}"),
        Held: queuedShape("approvalId", "/state/approvals/{approvalId}"),
        ...problemSchemas(table),
      },
    },
  };
}

const tagsOf = (table: Table): Json[] =>
  [...new Set(boundsOf(table).map(({ operation }) => tagOf(operation)))].toSorted().map((name) => ({ name }));

const tagOf = ({ id }: Pick<Operation, "id">): string => id.split(".")[0] ?? id;

function operationObject(bound: Bound, shelf: Shelf): Json {
  const { operation } = bound;
  const input = splitInput(operation);
  const isInBody = hasBody(routeOf(operation).method);
  const parameters = [
    ...input.path.map(({ name, schema }) => ({ name, in: "path", required: true, schema: shelf.use(schema) })),
    ...(isInBody ? [] : input.restFields.map((field) => queryParameter(field, shelf))),
    ...(bound.etag ? [{ name: "If-None-Match", in: "header", schema: { type: "string" } }] : []),
  ];
  return {
    operationId: operation.id,
    summary: operation.about,
    tags: [tagOf(operation)],
    ...(operation.isPublic ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(isInBody && input.restFields.length > 0 ? { requestBody: requestBody(input.rest, shelf) } : {}),
    responses: { ...successes(bound, shelf), ...failures(operation) },
    "x-arw-gate-key": gateKey(operation),
    "x-arw-effect": operation.effect,
    "x-arw-mode": operation.mode,
    "x-arw-idempotent": operation.isIdempotent,
    ...(operation.needs.length > 0 ? { "x-arw-needs": operation.needs } : {}),
    ...(operation.emits.length > 0 ? { "x-arw-emits": operation.emits.map(({ kind }) => kind) } : {}),
  };
}

function queryParameter(
  { name, schema, isRequired }: ReturnType<typeof splitInput>["restFields"][number],
  shelf: Shelf,
): Json {
  const { description, ...rest } = schema;
  return {
    name,
    in: "query",
    ...(isRequired ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema: shelf.use(rest),
  };
}

const requestBody = (schema: JsonSchema, shelf: Shelf): Json => ({
  required: Array.isArray(schema["required"]),
  content: { "application/json": { schema: shelf.use(schema) } },
});

function successes({ operation, etag }: Bound, shelf: Shelf): Json {
  const headers = { ...correlation, ...(etag ? { ETag: { schema: { type: "string" } } } : {}) };
  const output = shelf.use(plain(operation.output));
  const ok = { 200: { description: "Done.", headers, content: contentOf(operation, output) } };
  const unchanged = etag ? { 304: { description: "Unchanged since the given ETag.", headers } } : {};
  if (operation.mode === "job") return { 202: queued(operation.isPublic ? ["Accepted"] : ["Accepted", "Held"]) };
  return { ...ok, ...(operation.isPublic ? {} : { 202: queued(["Held"]) }), ...unchanged };
}

function contentOf(operation: Operation, schema: JsonSchema): Json {
  if (operation.media !== undefined) return { [operation.media]: { schema } };
  if (operation.mode === "one") return { "application/json": { schema } };
  // A stream has no schema of its own in 3.1; each item has this one.
  const stream = { schema: { type: "string" }, "x-arw-item": schema };
  return { "text/event-stream": stream, "application/x-ndjson": stream };
}

function queued(names: readonly ("Accepted" | "Held")[]): Json {
  const texts = { Accepted: "Queued as a task", Held: "Held until a person answers" };
  const refs = names.map((name) => ({ $ref: `${componentPrefix}schemas/${name}` }));
  return {
    description: `${names
      .map((name) => texts[name])
      .join(", or ")
      .replace(", or H", ", or h")}.`,
    headers: { ...correlation, Location: { schema: { type: "string" }, description: "Where to follow it." } },
    content: { "application/json": { schema: refs.length === 1 ? refs[0] : { oneOf: refs } } },
  };
}

/** The two answers of 202 are told apart by `taskId` and `approvalId`. */
const queuedShape = (idField: string, place: string): Json => ({
  type: "object",
  required: [idField, "corrId", "href"],
  properties: {
    [idField]: { type: "string" },
    corrId: { type: "string", description: "Joins everything that belongs to one episode." },
    href: { type: "string", description: `Where to follow it: \`${place}\`.` },
  },
  additionalProperties: false,
});

/** Problems by status: several of one status become one response. Those of the corridor alone are written once. */
function failures(operation: Operation): Json {
  return Object.fromEntries(
    problemGroups(operation).map(({ status, problems, name }) => [
      status,
      name === null ? failure(status, problems) : { $ref: `${componentPrefix}responses/${name}` },
    ]),
  );
}

interface ProblemGroup {
  readonly status: number;
  readonly problems: readonly ProblemDefinition[];
  /** Name of the shared response; `null` when a problem of the operation's own is among them. */
  readonly name: string | null;
}

function problemGroups(operation: Operation): ProblemGroup[] {
  const byStatus = Map.groupBy(problemsOfOperation(operation), ({ status }) => status);
  return [...byStatus]
    .toSorted(([a], [b]) => a - b)
    .map(([status, problems]) => {
      const isShared = problems.every((each) => standard.standardProblems.includes(each));
      return {
        status,
        problems,
        name: isShared ? problems.map(({ code }) => code.replace("arw.", "")).join("_or_") : null,
      };
    });
}

function sharedResponses(table: Table): Json {
  const groups = boundsOf(table).flatMap(({ operation }) => problemGroups(operation));
  const named = groups.flatMap(({ name, status, problems }) =>
    name === null ? [] : [[name, failure(status, problems)] as const],
  );
  return Object.fromEntries(named.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function failure(status: number, problems: readonly ProblemDefinition[]): Json {
  const refs = problems.map(({ code }) => ({ $ref: `${componentPrefix}schemas/problem.${code}` }));
  const retry = retryStatuses.has(status) ? { "Retry-After": { $ref: `${componentPrefix}headers/RetryAfter` } } : {};
  return {
    description: `${problems.map(({ title }) => title).join("; ")}.`,
    headers: { ...correlation, ...retry },
    content: { "application/problem+json": { schema: refs.length === 1 ? refs[0] : { oneOf: refs } } },
  };
}

/** What the corridor itself may answer, and what the operation declares, each once and in alphabetical order. */
export function problemsOfOperation(operation: Operation): ProblemDefinition[] {
  const isWrite = operation.effect !== "read" || operation.mode === "job";
  const corridor = [
    standard.InvalidInput,
    standard.Denied,
    standard.WrongOrigin,
    standard.TooManyRequests,
    standard.Cancelled,
    standard.DeadlineExceeded,
    standard.ShuttingDown,
    standard.Internal,
    ...(operation.isPublic ? [] : [standard.Unauthenticated, standard.ApprovalDenied]),
    ...(hasBody(routeOf(operation).method) ? [standard.TooLarge, standard.UnsupportedMedia] : []),
    ...(isWrite ? [standard.StoreFull, standard.StoreFailed] : []),
  ];
  const all = new Map([...corridor, ...operation.problems].map((definition) => [definition.code, definition]));
  return [...all.values()].toSorted((a, b) => (a.code < b.code ? -1 : 1));
}

function problemSchemas(table: Table): Readonly<Record<string, Json>> {
  const general = {
    type: "object",
    required: ["type", "title", "status", "code", "detail", "instance"],
    properties: {
      type: { type: "string", description: "Page of the problem, `/problems/<code>`." },
      title: { type: "string" },
      status: { type: "integer" },
      code: { type: "string", description: "Stable for ever." },
      detail: { type: "string", description: "What happened to what." },
      instance: { type: "string", description: "Correlation id; finds the episode and the log line." },
    },
  };
  const each = problemsOf(table).map(({ code, status, title, about }) => [
    `problem.${code}`,
    {
      title,
      description: about,
      allOf: [{ $ref: `${componentPrefix}schemas/Problem` }],
      properties: { code: { const: code }, status: { const: status } },
    },
  ]);
  return { Problem: general, ...Object.fromEntries(each) };
}

const headerComponents = (): Json => ({
  Correlation: { description: "Correlation id of the call.", schema: { type: "string" } },
  RetryAfter: { description: "Seconds until the next try may succeed.", schema: { type: "integer", minimum: 0 } },
});
