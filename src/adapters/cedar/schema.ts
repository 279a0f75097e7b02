/** The Cedar schema of a table of operations: callers, operations and what they reach. A policy that names anything else is refused with a hint. */
import type { SchemaJson } from "@cedar-policy/cedar-wasm/web";
import type { Operation } from "../../contract/operation.ts";
import { groupsOf } from "../../domains/policy/engine-port.ts";

const principalTypes = ["Person", "Agent", "Plugin", "Node"] as const;
const resourceTypes = ["Hub", "Folder", "Host", "Model", "Project", "Issuer", "Tool"] as const;

const context = {
  type: "Record" as const,
  attributes: {
    granted: { type: "Boolean" as const },
    open: { type: "Boolean" as const },
    labels: { type: "Set" as const, element: { type: "String" as const } },
    path: { type: "String" as const },
    // Only where a program would be started.
    unconfined: { type: "Boolean" as const, required: false },
    // Only where rules of somebody else would be taken in.
    capsule: {
      type: "Record" as const,
      required: false,
      attributes: {
        leaseSecs: { type: "Long" as const },
        hopsLeft: { type: "Long" as const },
        propagate: { type: "String" as const },
        role: { type: "String" as const },
        node: { type: "String" as const },
        tags: { type: "Set" as const, element: { type: "String" as const } },
      },
    },
  },
};

/** Needs that a policy may name although no operation of today has them. */
const knownNeeds = ["fs:read", "fs:write", "net:fetch", "net:send", "exec"];

export function cedarSchemaOf(operations: readonly Operation[]): SchemaJson<string> {
  const groups = new Set([...knownNeeds, ...operations.flatMap(groupsOf)]);
  const action = (operation: Operation) => ({
    memberOf: groupsOf(operation).map((id) => ({ id })),
    appliesTo: {
      principalTypes: [...principalTypes],
      resourceTypes: operation.scope === undefined ? ["Hub"] : [...resourceTypes],
      context,
    },
  });
  return {
    "": {
      entityTypes: {
        ...Object.fromEntries(principalTypes.map((each) => [each, {}])),
        ...Object.fromEntries(resourceTypes.map((each) => [each, {}])),
        Folder: { memberOfTypes: ["Folder"] },
        Machine: {},
        Model: { memberOfTypes: ["Server", "Machine"] },
        Server: {},
        Tool: { memberOfTypes: ["Server"] },
      },
      actions: {
        ...Object.fromEntries([...groups].map((each) => [each, {}])),
        ...Object.fromEntries(operations.map((each) => [each.id, action(each)])),
      },
    },
  };
}
