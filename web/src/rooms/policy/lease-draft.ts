/** A lease being written: what the form holds, what is wrong with it, and what is sent. The hub has the last word. Pure. */
import type { GrantedLease, OpenedHost } from "./policy-api.ts";

export const holderKinds = ["agent", "plugin", "node", "person"] as const;
type HolderKind = (typeof holderKinds)[number];

export interface LeaseDraft {
  /** Calls that pass the rules, or a host that is open at the wire. */
  readonly sort: "call" | "host";
  readonly capability: string;
  readonly kind: HolderKind;
  /** An asterisk is everybody of the kind. */
  readonly name: string;
  readonly folder: string;
  readonly path: string;
  readonly host: string;
  /** Of an MCP server, as `files/write_file`. */
  readonly tool: string;
  readonly run: string;
  readonly ttl: string;
  readonly uses: string;
  readonly budget: string;
  readonly reason: string;
}

export const emptyDraft: LeaseDraft = {
  sort: "call",
  capability: "",
  kind: "agent",
  name: "",
  folder: "",
  path: "",
  host: "",
  tool: "",
  run: "",
  ttl: "15m",
  uses: "",
  budget: "",
  reason: "",
};

export type DraftFault = "capability" | "name" | "folder" | "host" | "uses";

/** What a person can see is missing before the hub is asked. */
export function draftFaults({ sort, capability, name, folder, path, host, uses }: LeaseDraft): readonly DraftFault[] {
  if (sort === "host") return host.trim() === "" ? ["host"] : [];
  return [
    ...(capability.trim() === "" ? (["capability"] as const) : []),
    ...(name.trim() === "" ? (["name"] as const) : []),
    ...(path.trim() !== "" && folder.trim() === "" ? (["folder"] as const) : []),
    ...(uses.trim() !== "" && !/^[1-9]\d{0,6}$/u.test(uses.trim()) ? (["uses"] as const) : []),
  ];
}

export function leaseOf(draft: LeaseDraft): GrantedLease {
  const budget = draft.budget
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return {
    // Operations are often written with dots; keys have colons.
    capability: draft.capability.trim().replaceAll(".", ":"),
    holder: `${draft.kind}:${draft.name.trim()}`,
    ttl: draft.ttl.trim(),
    ...named(draft, ["folder", "path", "host", "tool", "run", "reason"]),
    ...(draft.uses.trim() === "" ? {} : { uses: Number(draft.uses) }),
    ...(budget.length === 0 ? {} : { budget }),
  };
}

/** A host is opened for one agent, or for everybody when none is named. */
export function openingOf(draft: LeaseDraft): OpenedHost {
  const agent = draft.name.trim();
  return {
    host: draft.host.trim(),
    ttl: draft.ttl.trim(),
    ...(agent === "" || agent === "*" ? {} : { agent }),
    ...named(draft, ["reason"]),
  };
}

/** Fields left empty are left out. */
const named = <Name extends "folder" | "path" | "host" | "tool" | "run" | "reason">(
  draft: LeaseDraft,
  names: readonly Name[],
): { [Field in Name]?: string } =>
  Object.fromEntries(names.map((name) => [name, draft[name].trim()]).filter(([, text]) => text !== "")) as {
    [Field in Name]?: string;
  };
