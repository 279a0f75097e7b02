/**
 * The head of a policy says for whom, what and where it can matter at all. An index over heads finds the few policies that a
 * request has to be asked of; what is left out could not have matched, so Cedar answers the same as over the whole set.
 */
import type { PolicyJson, PrincipalConstraint, ResourceConstraint } from "@cedar-policy/cedar-wasm/web";
import type { NamedPolicy, PolicyRequest, Uid } from "../../domains/policy/engine-port.ts";

export interface ParsedPolicy extends NamedPolicy {
  readonly json: PolicyJson;
}

export interface IndexedPolicy extends ParsedPolicy {
  readonly order: number;
  readonly isForbid: boolean;
  /** The question's words when the policy asks; the empty text stands for none given. */
  readonly ask: string | null;
  /** Ids of asking policies whose question this permit answers. */
  readonly answers: readonly string[];
  /** Without conditions the head alone decides. */
  readonly isPlain: boolean;
  /** Fields of the context that a condition may look at; null for all of it. */
  readonly reads: ReadonlySet<string> | null;
  readonly resource: Constraint;
  /** What is left once the head matched, as JSON for Cedar; policies that say the same share it. */
  readonly body: string;
  /** Whether a condition asks what something lies in. */
  readonly readsEntities: boolean;
}

interface Constraint {
  readonly type: string | null;
  readonly is: Uid | null;
  readonly within: Uid | null;
}

const anything: Constraint = { type: null, is: null, within: null };
const everyone = "*";
const named = ({ type, id }: Uid): string => `${type}::${JSON.stringify(id)}`;
const uidOf = (entity: { readonly __entity: Uid } | Uid): Uid => ("__entity" in entity ? entity.__entity : entity);

function constraintOf(constraint: PrincipalConstraint | ResourceConstraint): Constraint {
  if (constraint.op === "All") return anything;
  if (constraint.op === "is") {
    const inside = constraint.in !== undefined && "entity" in constraint.in ? uidOf(constraint.in.entity) : null;
    return { type: constraint.entity_type, is: null, within: inside };
  }
  if (!("entity" in constraint)) return anything;
  const entity = uidOf(constraint.entity);
  return constraint.op === "==" ? { type: entity.type, is: entity, within: null } : { ...anything, within: entity };
}

function actionsOf({ action }: PolicyJson): readonly string[] {
  if (action.op === "All") return [everyone];
  if ("entities" in action) return action.entities.map((each) => uidOf(each).id);
  return "entity" in action ? [uidOf(action.entity).id] : [everyone];
}

/** Callers lie in nothing, so `in` a caller is that caller; null for a head that names a caller of another type, and so nobody. */
function principalKeyOf(json: PolicyJson): string | null {
  const { type, is, within } = constraintOf(json.principal);
  const one = is ?? within;
  if (one === null) return type ?? everyone;
  return type === null || type === one.type ? named(one) : null;
}

const isSame = (a: Uid, b: Uid): boolean => a.type === b.type && a.id === b.id;

function covers({ type, is, within }: Constraint, request: PolicyRequest): boolean {
  if (type !== null && type !== request.resource.type) return false;
  if (is !== null && !isSame(is, request.resource)) return false;
  return within === null || isSame(within, request.resource) || request.within.some((each) => isSame(each, within));
}

export interface PolicyIndex {
  /** Every policy whose head matches, in the order they were written. */
  candidates(request: PolicyRequest): readonly IndexedPolicy[];
}

export function createPolicyIndex(policies: readonly ParsedPolicy[]): PolicyIndex {
  const byPrincipal = new Map<string, Map<string, IndexedPolicy[]>>();
  for (const [order, policy] of policies.entries()) {
    const indexed = indexedOf(policy, order);
    const key = principalKeyOf(policy.json);
    if (key === null) continue;
    const byAction = byPrincipal.get(key) ?? new Map<string, IndexedPolicy[]>();
    byPrincipal.set(key, byAction);
    for (const action of new Set(actionsOf(policy.json))) {
      const listed = byAction.get(action) ?? [];
      byAction.set(action, listed);
      listed.push(indexed);
    }
  }
  return {
    candidates(request) {
      const principals = [named(request.principal), request.principal.type, everyone];
      const actions = [request.action, ...request.groups, everyone];
      const found = principals.flatMap((principal) => {
        const byAction = byPrincipal.get(principal);
        if (byAction === undefined) return [];
        return actions.flatMap((action) => byAction.get(action) ?? []).filter((each) => covers(each.resource, request));
      });
      return [...new Set(found)].toSorted((a, b) => a.order - b.order);
    },
  };
}

/** Integers of this many digits may be cut by JSON, and Cedar's have up to nineteen; such a policy stays in its own words. */
const longInteger = /\d{16}/;

function bodyOf({ json, text }: ParsedPolicy): Pick<IndexedPolicy, "body" | "readsEntities" | "reads"> {
  const conditions = JSON.stringify(json.conditions);
  const reads = contextRead(conditions);
  if (longInteger.test(text)) return { body: JSON.stringify(text), readsEntities: true, reads };
  const body: PolicyJson = { ...open, effect: json.effect, conditions: json.conditions };
  return { body: JSON.stringify(body), readsEntities: conditions.includes('"in":'), reads };
}

/** A head that matches everything. */
const open = { principal: { op: "All" }, action: { op: "All" }, resource: { op: "All" } } as const;

function indexedOf(policy: ParsedPolicy, order: number): IndexedPolicy {
  const { json } = policy;
  return {
    ...policy,
    order,
    isForbid: json.effect === "forbid",
    ask: json.annotations?.["ask"] ?? null,
    answers: answersOf(policy),
    isPlain: json.conditions.length === 0,
    resource: constraintOf(json.resource),
    ...bodyOf(policy),
  };
}

/**
 * A permit may answer the questions of asking policies that it names: `@answers("ask-before-change")`. Only a permit that asks
 * nothing itself does.
 */
export function answersOf({ json, effect }: Pick<ParsedPolicy, "json" | "effect">): readonly string[] {
  const named = json.annotations?.["answers"];
  if (named === undefined || named === null || effect !== "permit") return [];
  return named
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

const fieldOfContext = /"left":\{"Var":"context"\},"attr":("(?:[^"\\]|\\.)*")/g;

/** The fields that conditions, as JSON, name; null where one uses the context as a value of its own. */
function contextRead(conditions: string): ReadonlySet<string> | null {
  const fields = [...conditions.matchAll(fieldOfContext)].map(([, name]) => JSON.parse(name as string) as string);
  const uses = conditions.split('{"Var":"context"}').length - 1;
  return uses === fields.length ? new Set(fields) : null;
}
