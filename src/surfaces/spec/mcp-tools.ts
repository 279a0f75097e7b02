/** The operations that agents may use, as MCP tools. */
import { gateKey, type Operation } from "../../contract/operation.ts";
import type { Table } from "../../kernel/kernel.ts";
import { type JsonSchema, plain } from "./json-schema.ts";
import { operationsOf } from "./rows.ts";

export interface McpTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  /** Absent for jobs, whose result comes later. */
  readonly outputSchema?: JsonSchema;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
  readonly _meta: Readonly<Record<string, unknown>>;
}

export const mcpTools = (table: Table): McpTool[] =>
  operationsOf(table)
    .filter(({ isTool }) => isTool)
    .map(mcpTool);

/** MCP names allow no dot. */
export const mcpToolName = (operationId: string): string => operationId.replaceAll(".", "_");

export function mcpTool(operation: Operation): McpTool {
  const outputSchema = outputSchemaOf(operation);
  return {
    name: mcpToolName(operation.id),
    description: operation.about + modeNote(operation),
    inputSchema: plain(operation.input),
    ...(outputSchema ? { outputSchema } : {}),
    annotations: {
      readOnlyHint: operation.effect === "read",
      destructiveHint: operation.effect === "destroy",
      idempotentHint: operation.isIdempotent,
      openWorldHint: operation.needs.some((need) => need.startsWith("net:")),
    },
    _meta: { "arw/operation": operation.id, "arw/gateKey": gateKey(operation), "arw/mode": operation.mode },
  };
}

function modeNote({ mode }: Operation): string {
  if (mode === "job") return " Runs as a task: answers at once with the task's id.";
  return mode === "many" ? " Answers with items as they come." : "";
}

/** MCP asks for an object at the root: what is none is wrapped as `result`, and the items of a stream as `items`. */
function outputSchemaOf({ mode, output }: Operation): JsonSchema | null {
  if (mode === "job") return null;
  const schema = plain(output);
  if (mode === "many") return wrapped("items", { type: "array", items: schema });
  return schema["type"] === "object" ? schema : wrapped("result", schema);
}

const wrapped = (field: string, schema: JsonSchema): JsonSchema => ({
  type: "object",
  required: [field],
  properties: { [field]: schema },
  additionalProperties: false,
});
