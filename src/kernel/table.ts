/** The table: every operation, event, view and problem of the hub, composed from one explicit list of domains. */
import { strict as assert } from "node:assert";
import { digestOf } from "../base/canonical-json.ts";
import type { Domain } from "../contract/domain.ts";
import type { EventDefinition } from "../contract/event.ts";
import type { Bound } from "../contract/operation.ts";
import type { ProblemDefinition } from "../contract/problem.ts";
import { standardProblems } from "../contract/standard-problems.ts";
import type { View } from "../contract/view.ts";
import type { Table } from "./kernel.ts";

interface TableOptions {
  readonly domains: readonly Domain[];
  /** Operations that are derived rather than written: those of the views. */
  readonly derived: readonly Bound[];
  /** Event kinds that belong to the kernel itself. */
  readonly events?: readonly EventDefinition[];
}

/** Throws when two rows share an id, a kind or a name: the list would not say which one is meant. */
export function createTable({ domains, derived, events = [] }: TableOptions): Table {
  const operations = new Map<string, Bound>();
  for (const bound of [...domains.flatMap((domain) => domain.operations), ...derived]) {
    addOnce(operations, bound.operation.id, bound);
  }
  const kinds = new Map<string, EventDefinition>();
  for (const definition of [...events, ...domains.flatMap((domain) => domain.events)])
    addOnce(kinds, definition.kind, definition);
  const views = new Map<string, View>();
  for (const view of domains.flatMap((domain) => domain.views)) addOnce(views, view.name, view);
  const problems = new Map<string, ProblemDefinition>(standardProblems.map((each) => [each.code, each]));
  for (const { operation } of operations.values()) for (const each of operation.problems) problems.set(each.code, each);
  let hash: string | null = null;
  return {
    domains,
    operations,
    events: kinds,
    views,
    problems,
    // On first need: it costs as much as a fifth of a start.
    get hash() {
      hash ??= hashOf({ operations, kinds, views });
      return hash;
    },
  };
}

function addOnce<T>(map: Map<string, T>, name: string, value: T): void {
  assert(!map.has(name), `${name} is defined twice`);
  map.set(name, value);
}

function hashOf(rows: {
  readonly operations: ReadonlyMap<string, Bound>;
  readonly kinds: ReadonlyMap<string, EventDefinition>;
  readonly views: ReadonlyMap<string, View>;
}): string {
  return digestOf({
    operations: sorted(rows.operations.values().map(({ operation: each }) => plainOf(each))),
    events: sorted(rows.kinds.values().map(({ kind, version, data }) => ({ kind, version, data }))),
    views: sorted(rows.views.values().map(({ name, version, row }) => ({ name, version, row }))),
  });
}

const plainOf = ({ id, input, output, effect, mode }: Bound["operation"]) => ({ id, input, output, effect, mode });

/** As plain JSON, in the order of their texts. */
const sorted = (values: Iterable<object>): unknown[] =>
  Array.from(values, (value) => JSON.stringify(value))
    .toSorted()
    .map((text) => JSON.parse(text) as unknown);
