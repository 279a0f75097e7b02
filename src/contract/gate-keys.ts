/**
 * The key space: every name that a rule may speak of. It follows from the table; the corridor, the list of keys and the
 * documents all ask here. The guards of both ends put a word before the key of their operation.
 */
import { nearestWord } from "../base/nearest-word.ts";
import { matchesKey } from "./caller.ts";
import type { EventDefinition } from "./event.ts";
import { gateKey, type Operation } from "./operation.ts";

/** Nothing comes in to the operation: asked before its input is read. */
export const ingressKey = (key: string): string => `io:ingress:${key}`;
/** Nothing goes out of the operation: asked before it runs, and again before its answer leaves. */
export const egressKey = (key: string): string => `io:egress:${key}`;
/** The operation is neither put into the queue nor run from it. */
export const taskKey = (key: string): string => `task:${key}`;
/** No event of this kind is written for anybody but the hub itself. */
export const emitKey = (kind: string): string => `emit:${kind.replaceAll(".", ":")}`;

/** What is wrong with a pattern that matches none of the keys, so that nobody relies on a rule that never holds; null where it does. */
export function patternFault(pattern: string, keys: readonly string[]): string | null {
  if (keys.some((key) => matchesKey(pattern, key))) return null;
  const near = nearestWord(pattern, keys);
  return `${pattern} names nothing here${near === undefined ? "" : `; did you mean ${near}?`}`;
}

export const keyFamilies = ["operation", "ingress", "egress", "task", "emit"] as const;
export type KeyFamily = (typeof keyFamilies)[number];

export interface KeyRow {
  readonly key: string;
  readonly title: string;
  readonly family: KeyFamily;
  readonly stability: "stable" | "preview";
  /** What a rule on this key stops. */
  readonly about: string;
}

interface Named {
  readonly operations: ReadonlyMap<string, { readonly operation: Operation }>;
  readonly events: ReadonlyMap<string, EventDefinition>;
}

/** Every key, by family and then by name. */
export function keySpace({ operations, events }: Named): readonly KeyRow[] {
  const all = [...operations.values()].map(({ operation }) => operation).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const kinds = [...events.values()].toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  const queued = all.filter(({ mode, isTask }) => mode === "job" || isTask);
  const rows = (of: readonly Operation[], family: KeyFamily, tell: Tell): readonly KeyRow[] =>
    of.map((each) => ({ ...tell(each, gateKey(each)), ...headOf(each, family) }));
  return [
    ...rows(all, "operation", ({ about }, key) => ({ key, about })),
    ...rows(all, "ingress", ({ id }, key) => ({ key: ingressKey(key), about: `What is sent to \`${id}\`.` })),
    ...rows(queued, "ingress", ({ id }, key) => ({
      key: ingressKey(taskKey(key)),
      about: `Tasks that a worker takes for \`${id}\`.`,
    })),
    ...rows(all, "egress", ({ id }, key) => ({ key: egressKey(key), about: `What \`${id}\` answers.` })),
    ...rows(queued, "egress", ({ id }, key) => ({
      key: egressKey(taskKey(key)),
      about: `Results of tasks that ran \`${id}\`.`,
    })),
    ...others,
    ...rows(queued, "task", ({ id }, key) => ({ key: taskKey(key), about: `\`${id}\` in the queue.` })),
    ...kinds.map(({ kind, about }): KeyRow => ({ key: emitKey(kind), about, ...headOf({ id: kind }, "emit") })),
  ];
}

/** What leaves the hub by another way than a call. */
const others: readonly KeyRow[] = [
  {
    key: egressKey("otlp"),
    title: "Traces",
    family: "egress",
    stability: "stable",
    about: "Traces of episodes to an OpenTelemetry collector.",
  },
  {
    key: egressKey("net"),
    title: "Other machines",
    family: "egress",
    stability: "stable",
    about: "Whatever a call sends to another machine; with a host behind it, `io:egress:net:example.org`, to that one.",
  },
];

type Tell = (operation: Operation, key: string) => Pick<KeyRow, "key" | "about">;

const headOf = ({ id, stability }: Pick<Operation, "id" | "stability">, family: KeyFamily) => ({
  title: titleOf(id),
  family,
  stability: stability ?? ("stable" as const),
});

/** `gating.contracts.put` reads "Gating contracts put". */
function titleOf(id: string): string {
  const words = id
    .replaceAll(/([a-z])([A-Z])/gu, "$1 $2")
    .replaceAll(/[.-]/gu, " ")
    .toLowerCase();
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
