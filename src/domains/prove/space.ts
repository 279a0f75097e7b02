/**
 * Every call there could be, as the rules look at it: who calls what, what it reaches, and what is known of it. The rest of an
 * input no rule reads. What the hub never asks about stands outside: see `possible`.
 */
import type { Caller, Scope } from "../../contract/caller.ts";
import { labels } from "../../contract/caller.ts";
import type { Operation } from "../../contract/operation.ts";
import type { Platform } from "../../base/path-rules.ts";
import type { Witness } from "./contract.ts";
import type { Domains, Point } from "./decide.ts";
import { all, any, atMost, choice, flag, type Formula, implies, not, textIs, textWithin } from "./formula.ts";
import {
  accepts,
  anything,
  either,
  letterBut,
  letterOf,
  many,
  maybe,
  sequence,
  type Language,
  word,
} from "./language.ts";
import { reachOf, type ThingType, thingTypes } from "./reach.ts";

export const callerTypes = ["Agent", "Plugin", "Node", "Person"] as const;
type CallerType = (typeof callerTypes)[number];

export const knownLabels = labels;
export const labelFlag = (label: string): string => `label:${label}`;
export const tagFlag = (tag: string): string => `tag:${tag}`;
/** The set of tags is not empty. */
export const someTags = "tags";

export interface Space {
  readonly operations: ReadonlyMap<string, Operation>;
  /** What each operation belongs to, as policies name it. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly domains: Domains;
  /** Holds of every call that the policies can be asked about. */
  readonly possible: Formula;
  /** Holds of every call that does something on this machine: what is no folder here is refused whatever the rules say. */
  readonly here: Formula;
}

export interface SpaceOptions {
  readonly operations: Iterable<Operation>;
  readonly groupsOf: (operation: Operation) => readonly string[];
  readonly nowMs: number;
  /** That of the hub; without it, any. */
  readonly platform?: Platform;
}

export function createSpace({ operations, groupsOf, nowMs, platform }: SpaceOptions): Space {
  // Nobody is asked about what is open to everybody.
  const asked = [...operations].filter(({ isPublic }) => !isPublic);
  // Where many would do, the first is taken: what people call comes before what only the hub itself calls.
  const ruled = asked.toSorted((a, b) => Number(a.cli === "") - Number(b.cli === ""));
  return {
    operations: new Map(ruled.map((each) => [each.id, each])),
    groups: new Map(ruled.map((each) => [each.id, groupsOf(each)])),
    domains: {
      choices: { kind: callerTypes, action: ruled.map(({ id }) => id), reached: thingTypes },
      usual: new Map([
        ["resource", Object.values(usual)],
        ["caller", ["someone"]],
        ["other", ["another"]],
        ["path", ["a.md", "inner/a.md"]],
      ]),
      liked: new Map([
        [atMs, nowMs],
        ["capsule.leaseSecs", 3600],
      ]),
    },
    possible: possible(ruled),
    here: implies(
      choice("reached", ["Folder"]),
      platform === undefined ? true : textWithin("resource", rooted(platform)),
    ),
  };
}

/** The moment of the call. */
export const atMs = "atMs";
/** The run that it belongs to. */
export const runText = "run";

function possible(operations: readonly Operation[]): Formula {
  const ids = (wanted: (operation: Operation) => boolean): Formula =>
    choice(
      "action",
      operations.filter(wanted).map(({ id }) => id),
    );
  const reach = new Map(operations.map((each) => [each.id, reachOf(each)]));
  const is = (type: ThingType): Formula => choice("reached", [type]);
  const reaches = thingTypes.map((type) =>
    implies(
      is(type),
      ids(({ id }) => reach.get(id)?.types.has(type) === true),
    ),
  );
  return all([
    ...reaches,
    implies(
      choice("kind", ["Agent", "Plugin", "Node"]),
      ids(({ isForPersons }) => isForPersons !== true),
    ),
    // Grants are given to runs, and speak of no host, no model and nobody's rules.
    implies(flag("granted"), all([choice("kind", ["Agent"]), choice("reached", ["Hub", "Folder", "Tool", "Project"])])),
    implies(flag("open"), is("Host")),
    implies(flag("unconfined"), flag("hasUnconfined")),
    same(
      flag("hasUnconfined"),
      ids(({ needs }) => needs.includes("exec")),
    ),
    same(flag("hasCapsule"), is("Issuer")),
    any([textIs("path", ""), all([pathPlaces, ids(({ id }) => reach.get(id)?.hasPath === true)])]),
    atLeast("capsule.leaseSecs", 0),
    atLeast("capsule.hopsLeft", 0),
    textWithin("caller", callerNames),
    ...thingTypes.map((type) => implies(is(type), textWithin("resource", names[type]))),
    // The rules are asked about folders in one spelling.
    implies(is("Folder"), not(textWithin("resource", notPlain))),
  ]);
}

const pathPlaces = choice("reached", ["Folder", "Hub"]);
const same = (one: Formula, other: Formula): Formula => all([implies(one, other), implies(other, one)]);
const atLeast = (name: string, least: number): Formula => not(atMost(name, least - 1));

const small = "abcdefghijklmnopqrstuvwxyz";
const digits = "0123456789";
const some = many(letterBut(""));
const alphanumeric = `${small}${small.toUpperCase()}${digits}`;
const callerNames = many(letterOf(`${alphanumeric}._:@-`));
const label = many(letterOf(`${small}${digits}_-`));
/** The last part of a name begins with a letter: one of digits would be an address to some. */
const hostName = sequence(maybe(many(sequence(label, word(".")))), letterOf(small), maybe(label));
const number = many(letterOf(digits));
const ip4 = sequence(number, word("."), number, word("."), number, word("."), number);
const ip6 = sequence(word("["), many(letterOf(`${digits}abcdef:`)), word("]"));
const port = sequence(word(":"), number);
/** An address that is written in numbers. */
export const literalHost: Language = sequence(either(ip4, ip6), port);
/** A name has a dot or a port, or is this machine's own. */
const dotted = sequence(many(sequence(label, word("."))), letterOf(small), maybe(label));
const server = either(
  sequence(dotted, maybe(port)),
  sequence(hostName, port),
  sequence(either(ip4, ip6), maybe(port)),
  word("localhost"),
);
const ownServer = sequence(
  either(
    word("localhost"),
    sequence(many(sequence(label, word("."))), word("localhost")),
    sequence(word("127."), number, word("."), number, word("."), number),
    word("[::1]"),
  ),
  maybe(port),
);
/** Hosts as addresses of the web come out, with the port that is asked. */
const digit = letterOf(digits);
const edge = letterOf(`${small}${digits}_`);
const tail = sequence(maybe(many(letterOf(`${small}${digits}_-`))), edge);
/** Not of digits alone. */
const lastLabel = either(
  sequence(maybe(number), letterOf(`${small}_`), maybe(tail)),
  sequence(number, word("-"), tail),
);
const webName = sequence(maybe(many(sequence(edge, maybe(tail), word(".")))), lastLabel);
const fromOne = letterOf("123456789");
const octet = either(
  digit,
  sequence(fromOne, digit),
  sequence(word("1"), digit, digit),
  sequence(word("2"), letterOf("01234"), digit),
  sequence(word("25"), letterOf("012345")),
);
const octets = sequence(octet, word("."), octet, word("."), octet, word("."), octet);
const webPort = sequence(word(":"), fromOne, maybe(number));
const slash = letterOf("/\\");
const part = many(letterBut("/\\"));
const drive = sequence(letterOf(small + small.toUpperCase()), word(":"), slash);
const root = either(word("/"), drive);
const rooted = (platform: Platform): Language => sequence(platform === "win32" ? drive : word("/"), anything);

const end = maybe(sequence(slash, anything));
/** A name of one or two dots, two slashes in a row, or one at the end of what is no root. */
const notPlain = either(
  sequence(anything, slash, either(word("."), word("..")), end),
  sequence(anything, slash, slash, anything),
  sequence(anything, slash, part, slash),
);

/** How the names of things are written, where the hub made them one spelling. */
export const names: Readonly<Record<ThingType, Language>> = {
  Hub: word("hub"),
  Folder: sequence(root, anything),
  Host: sequence(either(webName, octets, ip6), webPort),
  Model: either(sequence(server, word("/"), some), many(letterBut("/"))),
  Project: sequence(letterOf(small + digits), maybe(many(letterOf(`${small}${digits}-`)))),
  Issuer: some,
  Tool: sequence(letterOf(alphanumeric), maybe(many(letterOf(`${alphanumeric}._-`))), word("/"), some),
};

/** The spelling in which the rules are asked about the folder. */
export const isPlainFolder = (folder: string): boolean => accepts(names.Folder, folder) && !accepts(notPlain, folder);

/** What lies below the folder, as the hub goes up from a folder to those above it. */
export function below(folder: string): Language {
  const deeper = many(sequence(slash, part));
  return folder === "/" ? sequence(word("/"), maybe(slash), part, maybe(deeper)) : sequence(word(folder), deeper);
}

/** The thing that is reached lies in this one, and is another. */
export function within({ type, id }: { readonly type: string; readonly id: string }): Formula {
  const reached = (thing: ThingType, language: Language): Formula =>
    all([choice("reached", [thing]), textWithin("resource", language)]);
  if (type === "Folder") return reached("Folder", below(id));
  const inServer = sequence(word(`${id}/`), some);
  if (type === "Server") return id.includes("/") ? false : any([reached("Tool", inServer), modelsAt(id, inServer)]);
  if (type !== "Machine") return false;
  const own = sequence(ownServer, word("/"), some);
  if (id === "this") return reached("Model", own);
  return id === "another"
    ? all([reached("Model", sequence(server, word("/"), some)), not(textWithin("resource", own))])
    : false;
}

const modelsAt = (id: string, inServer: Language): Formula =>
  all([
    choice("reached", ["Model"]),
    textWithin("resource", inServer),
    textWithin("resource", sequence(server, word("/"), some)),
    textWithin("resource", sequence(word(id), anything)),
  ]);

export interface Telling {
  /** Moments up to here are not told: they are now. */
  readonly nowMs: number;
  /** Runs that rules name. */
  readonly runs: ReadonlySet<string>;
}

/** The call that a point speaks of, with the values that people would write where the rules leave them open. */
export function witnessOf({ choices, flags, texts, numbers }: Point, { nowMs, runs }: Telling): Witness {
  const is = (name: string): boolean => flags.get(name) ?? false;
  const text = (name: string, otherwise: string): string => texts.get(name) ?? otherwise;
  const operation = choices.action;
  const type = choices.reached as ThingType;
  const whenMs = Math.max(0, numbers.get(atMs) ?? 0);
  const run = text(runText, "");
  return {
    caller: `${choices.kind.toLowerCase()}:${text("caller", "someone")}`,
    operation,
    key: operation.replaceAll(".", ":"),
    reached: { type, id: text("resource", usual[type]) },
    path: text("path", ""),
    isGranted: is("granted"),
    isOpen: is("open"),
    labels: knownLabels.filter((each) => is(labelFlag(each))),
    ...(is("hasUnconfined") ? { isUnconfined: is("unconfined") } : {}),
    ...(is("hasCapsule") ? { capsule: capsuleOf({ flags, numbers, texts }) } : {}),
    ...(runs.has(run) ? { run } : {}),
    ...(whenMs > nowMs ? { atMs: whenMs } : {}),
  };
}

const usual: Readonly<Record<ThingType, string>> = {
  Hub: "hub",
  Folder: "/home/somebody",
  Host: "example.org:443",
  Model: "example.org/model",
  Project: "project",
  Issuer: "issuer",
  Tool: "server/tool",
};

function capsuleOf({
  flags,
  numbers,
  texts,
}: Pick<Point, "flags" | "numbers" | "texts">): NonNullable<Witness["capsule"]> {
  const named = [...flags].flatMap(([name, value]) => (value && name.startsWith("tag:") ? [name.slice(4)] : []));
  const tags = flags.get(someTags) !== true ? [] : named.length > 0 ? named : ["other"];
  return {
    leaseSecs: numbers.get("capsule.leaseSecs") ?? 3600,
    hopsLeft: numbers.get("capsule.hopsLeft") ?? 0,
    propagate: texts.get("capsule.propagate") ?? "none",
    role: texts.get("capsule.role") ?? "edge",
    node: texts.get("capsule.node") ?? "node",
    tags,
  };
}

/** The point of a call: everything that a formula can ask of it. */
export function pointOf(call: Witness): Point {
  const { capsule } = call;
  const cut = call.caller.indexOf(":");
  const flags = new Map<string, boolean>([
    ["granted", call.isGranted],
    ["open", call.isOpen],
    ["hasUnconfined", call.isUnconfined !== undefined],
    ["unconfined", call.isUnconfined === true],
    ["hasCapsule", capsule !== undefined],
    [someTags, (capsule?.tags.length ?? 0) > 0],
    ...call.labels.map((each): [string, boolean] => [labelFlag(each), true]),
    ...(capsule?.tags ?? []).map((each): [string, boolean] => [tagFlag(each), true]),
  ]);
  const texts = new Map([
    ["caller", call.caller.slice(cut + 1)],
    ["resource", call.reached.id],
    ["path", call.path],
    [runText, call.run ?? ""],
    ["capsule.propagate", capsule?.propagate ?? ""],
    ["capsule.role", capsule?.role ?? ""],
    ["capsule.node", capsule?.node ?? ""],
  ]);
  const numbers = new Map([
    ["capsule.leaseSecs", capsule?.leaseSecs ?? 0],
    ["capsule.hopsLeft", capsule?.hopsLeft ?? 0],
    [atMs, call.atMs ?? 0],
  ]);
  const kind = call.caller.slice(0, cut);
  return {
    choices: { kind: typeOf(kind), action: call.operation, reached: call.reached.type },
    flags,
    texts,
    numbers,
  };
}

const typeOf = (kind: string): CallerType => callerTypes.find((each) => each.toLowerCase() === kind) ?? "Person";

/** The call as the corridor would see it. */
export function callOf(call: Witness): { readonly caller: Caller; readonly scope: Scope } {
  const cut = call.caller.indexOf(":");
  const scope = scopeOf(call);
  const { folder, tool, project } = scope;
  const narrowed = {
    ...(folder === undefined ? {} : { folder }),
    ...(tool === undefined ? {} : { tool }),
    ...(project === undefined ? {} : { project }),
  };
  return {
    scope,
    caller: {
      kind: typeOf(call.caller.slice(0, cut)).toLowerCase() as Caller["kind"],
      id: call.caller.slice(cut + 1),
      labels: call.labels,
      ...(call.isGranted ? { grants: [{ key: call.key, ...narrowed }] } : {}),
    },
  };
}

function scopeOf({ reached: { type, id }, path, capsule }: Witness): Scope {
  const inPath = path === "" ? {} : { path };
  switch (type as ThingType) {
    case "Folder":
      return { folder: id, ...inPath };
    case "Host":
      return { host: id };
    case "Model":
      return { model: id };
    case "Project":
      return { project: id };
    case "Tool":
      return { tool: id };
    case "Issuer":
      return capsule === undefined
        ? {}
        : {
            capsule: {
              issuer: id,
              leaseSecs: capsule.leaseSecs,
              hopsLeft: capsule.hopsLeft,
              propagate: capsule.propagate,
            },
          };
    case "Hub":
    default:
      return inPath;
  }
}
