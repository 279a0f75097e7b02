/**
 * A Cedar policy as a formula. What is not understood is named and becomes a free truth: the policy's head still narrows it, and
 * nothing is proved that depends on what it says.
 */
import { all, any, atMost, choice, flag, type Formula, implies, not, numberIs, textIs, textWithin } from "./formula.ts";
import { accepts, anything, type Language, sequence, word } from "./language.ts";
import { knownLabels, labelFlag, type Space, tagFlag, someTags, within } from "./space.ts";

export interface EncodedPolicy {
  readonly id: string;
  readonly effect: "permit" | "ask" | "forbid";
  /** Ids of asking policies whose question it answers where it matches. */
  readonly answers: readonly string[];
  /** It speaks of the call. */
  readonly matches: Formula;
  /** It could not be evaluated, which counts as a no. */
  readonly faults: Formula;
  /** What of it is not understood; null where all is. */
  readonly notModelled: string | null;
}

type Json = Readonly<Record<string, unknown>>;
interface Uid {
  readonly type: string;
  readonly id: string;
}

/** A value, or what it is under which condition. */
type Value =
  | { readonly is: "truth"; readonly holds: Formula }
  | { readonly is: "word"; readonly text: string }
  | { readonly is: "textOf"; readonly name: string }
  | { readonly is: "number"; readonly value: number }
  | { readonly is: "numberOf"; readonly name: string }
  | { readonly is: "entity"; readonly uid: Uid }
  | { readonly is: "entityOf"; readonly name: "principal" | "action" | "resource" }
  | { readonly is: "set"; readonly items: readonly Value[] }
  | { readonly is: "words"; readonly of: "labels" | "tags" }
  | { readonly is: "record"; readonly fields: ReadonlyMap<string, Value> }
  | { readonly is: "context" | "capsule" }
  | { readonly is: "either"; readonly when: Formula; readonly first: Value; readonly otherwise: Value };

/** A part of a policy that is beyond the model. */
class NotModelled extends Error {
  constructor(what: string) {
    super(what);
    this.name = "NotModelled";
  }
}

export interface PolicyIn {
  readonly id: string;
  readonly effect: "permit" | "ask" | "forbid";
  readonly json: unknown;
}

export function encodePolicy(policy: PolicyIn, space: Space): EncodedPolicy {
  const json = policy.json as Json;
  const { id, effect } = policy;
  const answers = effect === "permit" ? answersIn(json) : [];
  const head = headOf(json, space);
  try {
    if (longInteger.test(JSON.stringify(json))) throw new NotModelled("an integer of more than 15 digits");
    const clauses = (json["conditions"] as readonly { readonly kind: string; readonly body: unknown }[]).map(
      ({ kind, body }) => (kind === "when" ? truthOf(body, space) : not(truthOf(body, space))),
    );
    return { id, effect, answers, matches: all([head, ...clauses]), faults: false, notModelled: null };
  } catch (error) {
    if (!(error instanceof NotModelled)) throw error;
    const matches = all([head, flag(`unknown:${id}`)]);
    return { id, effect, answers, matches, faults: all([head, flag(`fault:${id}`)]), notModelled: error.message };
  }
}

/** As the engine reads `@answers("ask-before-change, another")`. */
function answersIn(json: Json): readonly string[] {
  const named = (json["annotations"] as Json | undefined)?.["answers"];
  return typeof named === "string" ? named.split(",").map((each) => each.trim()) : [];
}

/** Cedar's integers have up to nineteen digits, of which JSON may cut some. */
const longInteger = /\d{16}/;

function headOf(json: Json, space: Space): Formula {
  const principal = json["principal"] as Json;
  const resource = json["resource"] as Json;
  const action = json["action"] as Json;
  return all([
    actionHead(action, space),
    thingHead(principal, "principal", space),
    thingHead(resource, "resource", space),
  ]);
}

const uidIn = (given: unknown): Uid => {
  const json = given as { readonly __entity?: Uid } & Uid;
  return json.__entity ?? json;
};

function actionHead(head: Json, space: Space): Formula {
  if (head["op"] === "All") return true;
  const { op } = head;
  const named = ("entities" in head ? (head["entities"] as readonly unknown[]) : [head["entity"]]).map(uidIn);
  return any(named.map((uid) => (op === "==" ? isEntity("action", uid) : actionIn(uid, space))));
}

/** An operation is in itself and in its groups. */
const actionIn = ({ type, id }: Uid, { groups }: Space): Formula =>
  type === "Action"
    ? choice(
        "action",
        [...groups].flatMap(([each, of]) => (each === id || of.includes(id) ? [each] : [])),
      )
    : false;

function thingHead(head: Json, name: "principal" | "resource", space: Space): Formula {
  if (head["op"] === "All") return true;
  const inside = (entity: unknown): Formula => isIn({ is: "entityOf", name }, uidIn(entity), space);
  if (head["op"] === "is") {
    const within = head["in"] as Json | undefined;
    return all([isType(name, String(head["entity_type"])), within === undefined ? true : inside(within["entity"])]);
  }
  return head["op"] === "==" ? isEntity(name, uidIn(head["entity"])) : inside(head["entity"]);
}

function isType(name: "principal" | "action" | "resource", type: string): Formula {
  if (name === "action") return type === "Action";
  return choice(name === "principal" ? "kind" : "reached", [type]);
}

function isEntity(name: "principal" | "action" | "resource", { type, id }: Uid): Formula {
  if (name === "action") return type === "Action" ? choice("action", [id]) : false;
  return all([isType(name, type), textIs(name === "principal" ? "caller" : "resource", id)]);
}

/** Callers lie in nothing but themselves; things lie in folders, servers and machines. */
function isIn(value: Value, uid: Uid, space: Space): Formula {
  if (value.is === "either")
    return any([
      all([value.when, isIn(value.first, uid, space)]),
      all([not(value.when), isIn(value.otherwise, uid, space)]),
    ]);
  if (value.is === "entity") return literalIn(value.uid, uid);
  if (value.is !== "entityOf") throw new NotModelled("`in` of something that is no caller, operation or thing");
  if (value.name === "action") return actionIn(uid, space);
  const same = isEntity(value.name, uid);
  return value.name === "principal" ? same : any([same, within(uid)]);
}

function literalIn(one: Uid, other: Uid): Formula {
  if (one.type === other.type && one.id === other.id) return true;
  // What a thing that is written out lies in, the engine is told only where the call is about that very thing.
  if (one.type === "Person" || one.type === "Agent" || one.type === "Plugin" || one.type === "Node") return false;
  throw new NotModelled("`in` between two things that are both written out");
}

const truthOf = (json: unknown, space: Space): Formula => truth(valueOf(json, space));

function truth(value: Value): Formula {
  if (value.is === "truth") return value.holds;
  if (value.is === "either")
    return any([all([value.when, truth(value.first)]), all([not(value.when), truth(value.otherwise)])]);
  throw new NotModelled("a condition that is no truth");
}

const yes = (holds: Formula): Value => ({ is: "truth", holds });

function valueOf(json: unknown, space: Space): Value {
  const [[name, body] = ["", null]] = Object.entries(json as Json);
  const one = (field: string): Value => valueOf((body as Json)[field], space);
  switch (name) {
    case "Value":
      return literalOf(body);
    case "Var":
      return body === "context" ? { is: "context" } : { is: "entityOf", name: body as "principal" };
    case "!":
      return yes(not(truth(one("arg"))));
    case "&&":
      return yes(all([truth(one("left")), truth(one("right"))]));
    case "||":
      return yes(any([truth(one("left")), truth(one("right"))]));
    case "==":
      return yes(equal(one("left"), one("right")));
    case "!=":
      return yes(not(equal(one("left"), one("right"))));
    case "<=":
    case "<":
    case ">":
    case ">=":
      return yes(compared(name, one("left"), one("right")));
    case "neg":
      return negated(one("arg"));
    case "in":
      return yes(any(entitiesIn(one("right")).map((uid) => isIn(one("left"), uid, space))));
    case "is":
      return yes(ofType(one("left"), body as Json, space));
    case "like":
      return yes(like(one("left"), (body as Json)["pattern"] as readonly unknown[]));
    case "has":
      return yes(has(one("left"), [(body as Json)["attr"]].flat() as string[]));
    case ".":
      return attribute(one("left"), String((body as Json)["attr"]));
    case "if-then-else":
      return { is: "either", when: truth(one("if")), first: one("then"), otherwise: one("else") };
    case "Set":
      return { is: "set", items: (body as readonly unknown[]).map((each) => valueOf(each, space)) };
    case "Record":
      return { is: "record", fields: fieldsOf(body as Json, (each) => valueOf(each, space)) };
    case "contains":
      return yes(contains(one("left"), one("right")));
    case "containsAll":
      return yes(all(membersOf(one("right")).map(({ when, item }) => implies(when, contains(one("left"), item)))));
    case "containsAny":
      return yes(anyShared(one("left"), one("right")));
    case "isEmpty":
      return yes(isEmpty(one("arg")));
    default:
      throw new NotModelled(`\`${name}\``);
  }
}

const fieldsOf = (json: Json, read: (value: unknown) => Value): ReadonlyMap<string, Value> =>
  new Map(Object.entries(json).map(([name, each]) => [name, read(each)]));

function literalOf(value: unknown): Value {
  if (typeof value === "boolean") return yes(value);
  if (typeof value === "string") return { is: "word", text: value };
  if (typeof value === "number") return { is: "number", value };
  if (Array.isArray(value)) return { is: "set", items: value.map(literalOf) };
  const json = value as Json;
  if ("__entity" in json) return { is: "entity", uid: json["__entity"] as Uid };
  if ("__extn" in json) throw new NotModelled("an extension value");
  return { is: "record", fields: fieldsOf(json, literalOf) };
}

function negated(value: Value): Value {
  if (value.is !== "number") throw new NotModelled("arithmetic");
  return { is: "number", value: -value.value };
}

function entitiesIn(value: Value): readonly Uid[] {
  const values = value.is === "set" ? value.items : [value];
  return values.map((each) => {
    if (each.is !== "entity") throw new NotModelled("`in` of something that is not written out");
    return each.uid;
  });
}

function ofType(value: Value, body: Json, space: Space): Formula {
  if (value.is !== "entityOf") throw new NotModelled("`is` of something that is no caller or thing");
  const inside =
    body["in"] === undefined ? true : any(entitiesIn(valueOf(body["in"], space)).map((uid) => isIn(value, uid, space)));
  return all([isType(value.name, String(body["entity_type"])), inside]);
}

function like(value: Value, pattern: readonly unknown[]): Formula {
  const parts = pattern.map(
    (each): Language => (each === "Wildcard" ? anything : word(String((each as Json)["Literal"]))),
  );
  const language = sequence(...parts);
  if (value.is === "textOf") return textWithin(value.name, language);
  if (value.is === "either")
    return any([all([value.when, like(value.first, pattern)]), all([not(value.when), like(value.otherwise, pattern)])]);
  if (value.is === "word") return accepts(language, value.text);
  throw new NotModelled("`like` of what is no text");
}

/** Both sides are of one type; Cedar's validator has seen to that, or knows that they never are. */
function equal(one: Value, other: Value): Formula {
  if (one.is === "either")
    return any([all([one.when, equal(one.first, other)]), all([not(one.when), equal(one.otherwise, other)])]);
  if (other.is === "either") return equal(other, one);
  if (one.is === "truth" && other.is === "truth")
    return any([all([one.holds, other.holds]), all([not(one.holds), not(other.holds)])]);
  if (one.is === "word" && other.is === "word") return one.text === other.text;
  if (one.is === "textOf" && other.is === "word") return textIs(one.name, other.text);
  if (one.is === "word" && other.is === "textOf") return equal(other, one);
  if (one.is === "number" && other.is === "number") return one.value === other.value;
  if (one.is === "numberOf" && other.is === "number") return numberIs(one.name, other.value);
  if (one.is === "number" && other.is === "numberOf") return equal(other, one);
  if (one.is === "entity" && other.is === "entity")
    return one.uid.type === other.uid.type && one.uid.id === other.uid.id;
  if (one.is === "entityOf" && other.is === "entity") return isEntity(one.name, other.uid);
  if (one.is === "entity" && other.is === "entityOf") return equal(other, one);
  if ("name" in one && "name" in other && one.is === other.is && one.name === other.name) return true;
  if (isSet(one) && isSet(other)) return all([isWithin(one, other), isWithin(other, one)]);
  throw new NotModelled("a comparison of two values that are both unknown");
}

const isSet = (value: Value): boolean => value.is === "set" || value.is === "words";

interface Member {
  readonly when: Formula;
  readonly item: Value;
}

/** What may be in a set, and when it is. Of tags there are more than those that rules name. */
function membersOf(value: Value): readonly Member[] {
  if (value.is === "set") return value.items.map((item) => ({ when: true, item }));
  if (value.is === "words" && value.of === "labels")
    return knownLabels.map((text) => ({ when: flag(labelFlag(text)), item: { is: "word", text } }));
  throw new NotModelled("all that is in a set of tags");
}

function isWithin(one: Value, other: Value): Formula {
  if (one.is !== "words" || one.of !== "tags")
    return all(membersOf(one).map(({ when, item }) => implies(when, contains(other, item))));
  if (other.is === "words") return true;
  throw new NotModelled("a comparison of whole sets of tags");
}

function contains(set: Value, item: Value): Formula {
  if (set.is === "either")
    return any([all([set.when, contains(set.first, item)]), all([not(set.when), contains(set.otherwise, item)])]);
  if (set.is === "words" && item.is === "word") {
    if (set.of === "tags") return all([flag(someTags), flag(tagFlag(item.text))]);
    return knownLabels.some((each) => each === item.text) ? flag(labelFlag(item.text)) : false;
  }
  return any(membersOf(set).map((each) => all([each.when, equal(each.item, item)])));
}

/** Of two sets the one that is written out is walked. */
function anyShared(one: Value, other: Value): Formula {
  const [walked, held] = other.is === "set" ? [other, one] : [one, other];
  return any(membersOf(walked).map(({ when, item }) => all([when, contains(held, item)])));
}

function isEmpty(value: Value): Formula {
  if (value.is === "set") return value.items.length === 0;
  if (value.is !== "words") throw new NotModelled("`isEmpty` of something that is no set");
  if (value.of === "labels") return not(any(knownLabels.map((each) => flag(labelFlag(each)))));
  return not(flag(someTags));
}

const contextFields: Readonly<Record<string, Value>> = {
  granted: yes(flag("granted")),
  open: yes(flag("open")),
  unconfined: yes(flag("unconfined")),
  path: { is: "textOf", name: "path" },
  labels: { is: "words", of: "labels" },
  capsule: { is: "capsule" },
};
const capsuleFields: Readonly<Record<string, Value>> = {
  leaseSecs: { is: "numberOf", name: "capsule.leaseSecs" },
  hopsLeft: { is: "numberOf", name: "capsule.hopsLeft" },
  propagate: { is: "textOf", name: "capsule.propagate" },
  role: { is: "textOf", name: "capsule.role" },
  node: { is: "textOf", name: "capsule.node" },
  tags: { is: "words", of: "tags" },
};

function attribute(value: Value, name: string): Value {
  if (value.is === "either")
    return { ...value, first: attribute(value.first, name), otherwise: attribute(value.otherwise, name) };
  const found =
    value.is === "context"
      ? contextFields[name]
      : value.is === "capsule"
        ? capsuleFields[name]
        : value.is === "record"
          ? value.fields.get(name)
          : undefined;
  if (found === undefined) throw new NotModelled(`the attribute ${name}`);
  return found;
}

/** What is not always there. */
const present: Readonly<Record<string, Formula>> = { unconfined: flag("hasUnconfined"), capsule: flag("hasCapsule") };

function has(value: Value, [name = "", ...rest]: readonly string[]): Formula {
  if (value.is === "entityOf" || value.is === "entity") return false;
  const isKnown =
    value.is === "context" ? name in contextFields : value.is === "capsule" ? name in capsuleFields : null;
  if (value.is === "record") return value.fields.has(name) && (rest.length === 0 || has(attribute(value, name), rest));
  if (isKnown === null) throw new NotModelled("`has` of something that is no record");
  if (!isKnown) return false;
  const here = value.is === "context" ? (present[name] ?? true) : true;
  return rest.length === 0 ? here : all([here, has(attribute(value, name), rest)]);
}

function compared(name: string, one: Value, other: Value): Formula {
  if (one.is === "either")
    return any([
      all([one.when, compared(name, one.first, other)]),
      all([not(one.when), compared(name, one.otherwise, other)]),
    ]);
  if (one.is === "number" && other.is === "number") return orders[name]?.(one.value, other.value) === true;
  if (one.is === "numberOf" && other.is === "number") {
    const limit = name === "<" || name === ">=" ? other.value - 1 : other.value;
    const under = atMost(one.name, limit);
    return name.startsWith("<") ? under : not(under);
  }
  if (one.is === "number" && other.is === "numberOf") return compared(mirrored[name] ?? name, other, one);
  throw new NotModelled("a comparison of two numbers that are both unknown");
}

const orders: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};
const mirrored: Readonly<Record<string, string>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };
