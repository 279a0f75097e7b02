/**
 * Decides by Cedar policies. Only the policies whose head matches are asked; heads without conditions are decided here, and
 * everything else by Cedar itself. Answers are kept by everything that a policy can read.
 */
import type { AuthorizationAnswer, EntityJson, Policy, StatefulAuthorizationCall } from "@cedar-policy/cedar-wasm/web";
import type { PolicyEngine, PolicyRequest, Uid, Verdict } from "../../domains/policy/engine-port.ts";
import { createPolicyIndex, type IndexedPolicy, type ParsedPolicy } from "./heads.ts";
import type { Cedar } from "./wasm.ts";

export interface CedarEngine extends PolicyEngine {
  /** What was done so far; tests pin that only the slice is asked. */
  readonly counters: { readonly asked: number; readonly evaluated: number; readonly hits: number };
}

/** Answers kept, and slices found. A table has a few hundred keys; the rest is folders and paths. */
const keptMax = 16_384;
/** Pre-parsed slices inside Cedar, each a few policies. */
const slicesMax = 512;

export function createCedarEngine(options: {
  readonly policies: readonly ParsedPolicy[];
  readonly load: () => Promise<Cedar>;
  /** Tells this engine's slices from those of another in the same process. */
  readonly name: string;
}): CedarEngine {
  const index = createPolicyIndex(options.policies);
  const parsed = createParsedSets(options.name);
  const slices = new Map<string, Slice>();
  const answers = new Map<string, Verdict>();
  const counters = { asked: 0, evaluated: 0, hits: 0 };
  let cedar: Cedar | null = null;
  const sliceOf = (subject: string, request: PolicyRequest): Slice =>
    slices.get(subject) ?? keep(slices, subject, sliceFrom(index.candidates(request)));
  const evaluate = (key: string, request: PolicyRequest, { policies }: Slice): Verdict => {
    counters.evaluated += policies.length;
    return keep(answers, key, verdictOf(parsed.ask(cedar as Cedar, request, policies), policies));
  };
  return {
    policies: options.policies,
    counters,
    decide(request) {
      counters.asked += 1;
      const subject = subjectOf(request);
      const key = keyOf(subject, request);
      const known = answers.get(key) ?? answers.get(`${key}\n${request.context.path}`);
      if (known !== undefined) {
        counters.hits += 1;
        return known;
      }
      const slice = sliceOf(subject, request);
      const whole = slice.readsPath ? `${key}\n${request.context.path}` : key;
      if (slice.isPlain) return keep(answers, whole, firstOf(slice.policies));
      if (cedar !== null) return evaluate(whole, request, slice);
      return options.load().then((loaded) => {
        cedar = loaded;
        return evaluate(whole, request, slice);
      });
    },
  };
}

/** The policies that speak of one subject. */
interface Slice {
  readonly policies: readonly IndexedPolicy[];
  /** No condition to ask Cedar about. */
  readonly isPlain: boolean;
  readonly readsPath: boolean;
}

const sliceFrom = (policies: readonly IndexedPolicy[]): Slice => ({
  policies,
  isPlain: policies.every((each) => each.isPlain),
  readsPath: policies.some(({ reads }) => reads === null || reads.has("path")),
});

/** The oldest makes room: what is asked often is soon known again. */
function keep<Value>(known: Map<string, Value>, key: string, value: Value): Value {
  if (known.size >= keptMax) {
    const [oldest] = known.keys();
    if (oldest !== undefined) known.delete(oldest);
  }
  known.set(key, value);
  return value;
}

/** Who does what with what. The resource's folders follow from the resource, and the action's groups from the action. */
const subjectOf = ({ principal, action, resource }: PolicyRequest): string =>
  `${principal.type}\n${principal.id}\n${action}\n${resource.type}\n${JSON.stringify(resource.id)}`;

function keyOf(subject: string, { context }: PolicyRequest): string {
  const labels = context.labels.length === 0 ? "" : context.labels.toSorted().join(",");
  const capsule = context.capsule === undefined ? "" : JSON.stringify(context.capsule);
  return `${subject}\n${context.granted}\n${context.open}\n${labels}\n${context.unconfined ?? ""}\n${capsule}`;
}

const firstOf = (policies: readonly IndexedPolicy[]): Verdict => {
  const forbid = policies.find((each) => each.isForbid);
  if (forbid !== undefined) return { effect: "forbid", policy: forbid };
  const asks = policies.filter((each) => each.ask !== null);
  const open = asks.find((each) => answerTo(each, policies) === undefined);
  if (open !== undefined) return { effect: "ask", policy: open, question: open.ask ?? "" };
  const [asked] = asks;
  const permit = asked === undefined ? policies[0] : answerTo(asked, policies);
  return permit === undefined ? { effect: "none" } : { effect: "allow", policy: permit };
};

/** A matching permit that says by name that it answers this question. */
const answerTo = ({ id }: IndexedPolicy, policies: readonly IndexedPolicy[]): IndexedPolicy | undefined =>
  policies.find(({ answers }) => answers.includes(id));

function verdictOf(answer: AuthorizationAnswer, slice: readonly IndexedPolicy[]): Verdict {
  const [first] = slice as readonly [IndexedPolicy, ...IndexedPolicy[]];
  if (answer.type === "failure")
    return { effect: "fault", policy: first, message: answer.errors[0]?.message ?? "Cedar gave no answer" };
  const { reason, errors } = answer.response.diagnostics;
  const policyOf = (id: string): IndexedPolicy => slice[Number(id)] ?? first;
  const matched = reason.map(policyOf).toSorted((a, b) => a.order - b.order);
  const [fault] = errors;
  const isForbidden = matched.some((each) => each.isForbid);
  if (fault !== undefined && !isForbidden)
    return { effect: "fault", policy: policyOf(fault.policyId), message: fault.error.message };
  return firstOf(matched);
}

/** A policy set that Cedar has parsed, and what of a question it can look at. */
interface Slot {
  readonly id: string;
  readonly readsEntities: boolean;
  readonly reads: IndexedPolicy["reads"];
}

/**
 * Policy sets that Cedar has parsed, one for each combination of bodies, under their place in the slice as ids. The heads have
 * matched already and are left out: Cedar reads less, and rules that say the same for many callers share one set.
 */
function createParsedSets(name: string) {
  const bodies = new Map<string, number>();
  const slots = new Map<string, Slot>();
  const bodyOf = ({ body }: IndexedPolicy): number => {
    const known = bodies.get(body) ?? bodies.size;
    bodies.set(body, known);
    return known;
  };
  const slotOf = (cedar: Cedar, slice: readonly IndexedPolicy[]): Slot => {
    const signature = slice.map(bodyOf).join(",");
    const known = slots.get(signature);
    if (known !== undefined) return known;
    const id = slots.size < slicesMax ? `${name}:${slots.size}` : takeOldest(slots);
    const staticPolicies = Object.fromEntries(
      slice.map((each, place) => [String(place), JSON.parse(each.body) as Policy]),
    );
    const parsed = cedar.preparsePolicySet(id, { staticPolicies });
    if (parsed.type === "failure")
      throw new TypeError(`checked policies do not parse: ${JSON.stringify(parsed.errors)}`);
    const slot = { id, readsEntities: slice.some((each) => each.readsEntities), reads: readBy(slice) };
    slots.set(signature, slot);
    return slot;
  };
  return {
    ask(cedar: Cedar, request: PolicyRequest, slice: readonly IndexedPolicy[]): AuthorizationAnswer {
      const { id, reads, readsEntities } = slotOf(cedar, slice);
      const call = readsEntities ? callOf(request, reads) : bareCallOf(request, reads);
      return cedar.statefulIsAuthorized({ ...call, preparsedPolicySetId: id });
    },
  };
}

function readBy(slice: readonly IndexedPolicy[]): IndexedPolicy["reads"] {
  const fields = slice.flatMap(({ reads }) => (reads === null ? [null] : [...reads]));
  return fields.includes(null) ? null : new Set(fields as string[]);
}

function takeOldest(slots: Map<string, Slot>): string {
  const [signature, { id }] = slots.entries().next().value as [string, Slot];
  slots.delete(signature);
  return id;
}

const actionOf = (id: string): Uid => ({ type: "Action", id });

type CedarCall = Omit<StatefulAuthorizationCall, "preparsedPolicySetId">;

/** Without what things lie in, and of the context what is read: most of the cost of a question is reading it. */
const bareCallOf = (
  { principal, action, resource, context }: PolicyRequest,
  reads: IndexedPolicy["reads"],
): CedarCall => ({
  principal: { type: principal.type, id: principal.id },
  action: actionOf(action),
  resource: { type: resource.type, id: resource.id },
  context: contextOf(context, reads),
  entities: [],
});

/** Plain values all of them, as Cedar takes them. */
const contextOf = (context: PolicyRequest["context"], reads: IndexedPolicy["reads"]): CedarCall["context"] =>
  Object.fromEntries(
    Object.entries(context).filter(([field, value]) => value !== undefined && (reads === null || reads.has(field))),
  ) as CedarCall["context"];

/** What Cedar is asked, without the policies: also for tests that ask the whole set. */
export function callOf(request: PolicyRequest, reads: IndexedPolicy["reads"] = null): CedarCall {
  const { action, groups, resource, within } = request;
  const bare = (uid: Uid, parents: readonly Uid[]): EntityJson => ({
    uid: { ...uid },
    attrs: {},
    parents: [...parents],
  });
  return {
    ...bareCallOf(request, reads),
    entities: [bare(actionOf(action), groups.map(actionOf)), bare(resource, within)],
  };
}
