/** Turns what the policies say about each thing that a call reaches into one ruling over the call. */
import { isOnThisMachine, parseModelName } from "../../base/model-name.ts";
import { type Caller, isGranted, matchesKey, type Scope } from "../../contract/caller.ts";
import type { Policy, PolicyCall, Ruling } from "../../kernel/ports.ts";
import type { LeaseBook } from "./contract.ts";
import { nextFor } from "./next-step.ts";
import { plainFolder } from "./plain-folder.ts";
import {
  type CapsuleFacts,
  groupsOf,
  type PolicyEngine,
  type PolicyRequest,
  type Uid,
  type Verdict,
} from "./engine-port.ts";

const principalTypes = { person: "Person", agent: "Agent", plugin: "Plugin", node: "Node", system: "System" } as const;
const hub: Uid = { type: "Hub", id: "hub" };
const none: readonly never[] = [];
/** Before the hub knows its place nobody calls. */
const nobodyYet = { role: "edge", node: "", tags: none };
/** Deeper folders than this no file system of ours has. */
const depthMax = 256;

export interface RulingsOptions {
  readonly engine: () => PolicyEngine;
  /** Gate-key patterns that are asked for whoever calls. */
  readonly askPatterns: readonly string[];
  /** Whether posture or lease open a host, as `example.org:443`, to this caller; none is without it. */
  readonly isOpen?: (host: string, caller: Caller) => boolean;
  /** Whether nothing opens that host to this caller, so that no yes of a person would help; never without it. */
  readonly isShut?: (host: string, caller: Caller) => boolean;
  /** Whether that folder, or that path in it, belongs to the hub itself; nothing does without it. */
  readonly isHubFile?: (folder: string, path?: string) => boolean;
  /** What this hub is among others, for rules about what it takes in. */
  readonly self?: () => Pick<CapsuleFacts, "role" | "node" | "tags">;
  /** Permissions that persons gave for a while; none without it. */
  readonly leases?: LeaseBook;
  /** Where a folder really lies when its path leads through a link; without it, where its path says. */
  readonly realFolder?: (folder: string) => Promise<string>;
  /** Whether nothing would confine a program that is started now. */
  readonly isUnconfined?: () => Promise<boolean>;
}

const noLeases: LeaseBook = { covering: () => null };

export const createRulings = ({
  engine,
  askPatterns,
  isOpen = () => false,
  isShut = () => false,
  isHubFile = () => false,
  self = () => nobodyYet,
  leases = noLeases,
  realFolder,
  isUnconfined = () => Promise.resolve(false),
}: RulingsOptions): Policy => {
  const ruled = (call: PolicyCall, { unconfined, behind }: Found): Ruling | Promise<Ruling> => {
    const requests = requestsOf(call, { isOpen, self, unconfined });
    const beyond = behind === undefined ? none : requests.flatMap((each) => requestBehind(each, behind));
    const verdicts = [...requests, ...beyond].map((request) => ({ request, verdict: engine().decide(request) }));
    const weigh = (said: readonly Said[]): Ruling =>
      weighed(
        call,
        said.filter((each) => counts(each, beyond)),
        { askPatterns, leases, isShut },
      );
    const pending = verdicts.some((each) => each.verdict instanceof Promise);
    if (!pending) return weigh(verdicts as readonly Said[]);
    return Promise.all(verdicts.map(async ({ request, verdict }) => ({ request, verdict: await verdict }))).then(weigh);
  };
  return {
    // What confines programs is found out with the first of them.
    rule(call) {
      const { folder, path } = call.scope;
      const go = (behind?: string): Ruling | Promise<Ruling> =>
        call.needs.includes("exec")
          ? isUnconfined().then((unconfined) => ruled(call, { unconfined, behind }))
          : ruled(call, { unconfined: undefined, behind });
      if (folder === undefined || call.caller.kind === "person") return go();
      const plain = plainFolder(folder);
      if (plain === null) return notPlain(folder);
      if (isHubFile(folder, path)) return hubsOwn(folder);
      return realFolder === undefined ? go() : realFolder(plain).then((real) => go(real === plain ? undefined : real));
    },
  };
};

/** What is found out for a call before the policies are asked. */
interface Found {
  readonly unconfined: boolean | undefined;
  /** Where its folder really lies, where its path leads through a link. */
  readonly behind: string | undefined;
}

/** The same call on the folder that a link leads to: a rule over that folder is met by whatever name a call takes. */
const requestBehind = (request: PolicyRequest, behind: string): readonly PolicyRequest[] =>
  request.resource.type === "Folder"
    ? [{ ...request, resource: { type: "Folder", id: behind }, within: foldersAbove(behind) }]
    : none;

/** What was granted was granted by the folder's name, so behind a link nothing has to be permitted anew; what is forbidden is. */
const counts = ({ request, verdict }: Said, beyond: readonly PolicyRequest[]): boolean =>
  !beyond.includes(request) || verdict.effect === "forbid" || verdict.effect === "fault";

/** Nobody is asked about these, and no lease or policy opens them: whoever writes there gives themselves every right. */
const hubsOwn = (folder: string): Ruling => ({
  effect: "deny",
  rule: "built-in:hub-files",
  source: "built-in",
  reason: `${folder} belongs to the hub itself`,
  next: "choose another folder; what is in this one a person changes by the hub's own commands",
});

/** A rule about the folder that it leads to would not be met. */
const notPlain = (folder: string): Ruling => ({
  effect: "deny",
  rule: "built-in:plain-folder",
  source: "built-in",
  reason: `${folder} goes up again, and where that leads no rule can tell`,
  next: "name the folder by its path, without `..`",
});

interface Facts extends Pick<Required<RulingsOptions>, "isOpen" | "self"> {
  readonly unconfined: boolean | undefined;
}

/** One request for each thing that the call reaches outside the hub; the hub itself when it reaches nothing. */
function requestsOf(call: PolicyCall, { isOpen, self, unconfined }: Facts): readonly PolicyRequest[] {
  const { operation, key, caller, scope, effect, needs } = call;
  const { folder, path, host, model, project, tool, capsule } = scope;
  const reached: Uid[] = [];
  if (folder !== undefined) reached.push({ type: "Folder", id: plainFolder(folder) ?? folder });
  if (host !== undefined) reached.push({ type: "Host", id: host });
  if (model !== undefined) reached.push({ type: "Model", id: model });
  if (project !== undefined) reached.push({ type: "Project", id: project });
  if (tool !== undefined) reached.push({ type: "Tool", id: tool });
  if (capsule !== undefined) reached.push({ type: "Issuer", id: capsule.issuer });
  const context = {
    granted: isGranted(caller, key, scope),
    open: host !== undefined && isOpen(host, caller),
    labels: caller.labels ?? none,
    path: path ?? "",
    ...(unconfined === undefined ? {} : { unconfined }),
    ...(capsule === undefined ? {} : { capsule: factsOf(capsule, self()) }),
  };
  const groups = groupsOf({ id: operation, effect, needs });
  const principal = { type: principalTypes[caller.kind], id: caller.id };
  const request = (resource: Uid): PolicyRequest => ({
    principal,
    action: operation,
    groups,
    resource,
    within: withinOf(resource),
    context,
  });
  return reached.length === 0 ? [request(hub)] : reached.map(request);
}

function factsOf(capsule: NonNullable<PolicyCall["scope"]["capsule"]>, self: ReturnType<Facts["self"]>): CapsuleFacts {
  const { leaseSecs, hopsLeft, propagate } = capsule;
  const { role, node, tags } = self;
  return { leaseSecs, hopsLeft, propagate, role, node, tags };
}

function withinOf({ type, id }: Uid): readonly Uid[] {
  if (type === "Folder") return foldersAbove(id);
  // A server's name has no slash.
  if (type === "Tool") return [{ type: "Server", id: id.slice(0, id.indexOf("/")) }];
  return type === "Model" ? machineOf(id) : none;
}

/** The server that a model answers at, and whether that is this machine or another. */
function machineOf(model: string): readonly Uid[] {
  const name = parseModelName(model);
  if (name === null) return none;
  const machine = isOnThisMachine(name.server) ? "this" : "another";
  return [
    { type: "Server", id: name.server },
    { type: "Machine", id: machine },
  ];
}

/** `/a/b/c` lies in `/a/b`, `/a` and `/`; either slash parts, as Windows has both. */
function foldersAbove(folder: string): readonly Uid[] {
  const above: Uid[] = [];
  let at = folder;
  while (above.length < depthMax) {
    const cut = Math.max(at.lastIndexOf("/"), at.lastIndexOf("\\"));
    if (cut < 0 || at.length === cut + 1) break;
    at = cut === 0 ? (at[0] as string) : at.slice(0, cut);
    above.push({ type: "Folder", id: at });
    if (cut === 0) break;
  }
  return above;
}

interface Said {
  readonly request: PolicyRequest;
  readonly verdict: Verdict;
}

const strictness = { forbid: 0, fault: 1, none: 2, ask: 3, allow: 4 } as const;

/** A call may do what it wants with everything it reaches, or it may not do it. */
function strictest(said: readonly Said[]): Said {
  const [first] = said.toSorted((a, b) => strictness[a.verdict.effect] - strictness[b.verdict.effect]);
  return first as Said;
}

type Weights = Pick<Required<RulingsOptions>, "askPatterns" | "leases" | "isShut">;

/** Nobody is asked about a host that stays closed whatever they answer: closed is the absence of a permit. */
function closedFirst(call: PolicyCall, said: readonly Said[], isShut: Weights["isShut"]): Said {
  const first = strictest(said);
  const { host } = call.scope;
  if (first.verdict.effect !== "ask" || host === undefined || call.caller.kind === "person") return first;
  const away = said.find(({ request }) => request.resource.type === "Host");
  return away === undefined || !isShut(host, call.caller) ? first : { ...away, verdict: { effect: "none" } };
}

/**
 * One lattice: what is forbidden stays so whatever anybody gave; what is asked, or permitted by nobody, a live lease lets
 * pass. Nothing opens to a lease what only persons may do.
 */
function weighed(call: PolicyCall, said: readonly Said[], { askPatterns, leases, isShut }: Weights): Ruling {
  const first = closedFirst(call, said, isShut);
  const ruling = asked(call, rulingOf(call, first), askPatterns);
  if (ruling.effect === "allow") return ruling;
  const canLease = isLeasable(call, first.verdict, ruling);
  const lease = canLease ? leases.covering(call) : null;
  const isUnpermitted = first.verdict.effect === "none";
  const next = nextFor({ call, ruling, canLease, isUnpermitted, isClosed: isUnpermitted && isClosed(first.request) });
  const otherwise = { ...ruling, next, isLeasable: canLease };
  if (lease === null) return otherwise;
  const rule = `lease:${lease.leaseId}`;
  const reason = `${rule} of ${lease.grantedBy} covers it: ${ruling.reason}`;
  return { effect: "allow", rule, source: lease.grantedBy, reason, leaseId: lease.leaseId, otherwise };
}

/** The admin person needs no permit, so the lack of one is nothing that a lease would mend. */
const isLeasable = ({ isForPersons, caller, scope }: PolicyCall, { effect }: Verdict, ruling: Ruling): boolean =>
  isForPersons !== true &&
  scope.capsule === undefined &&
  (ruling.effect === "ask" || (effect === "none" && caller.kind !== "person"));

const isClosed = ({ resource, context }: PolicyRequest): boolean => resource.type === "Host" && !context.open;

function rulingOf({ key, caller }: PolicyCall, { request, verdict }: Said): Ruling {
  const what = request.resource === hub ? key : `${key} on ${request.resource.id}`;
  if (verdict.effect === "none") {
    const reason = unpermitted(request, caller) ?? `no policy permits ${what} to ${caller.kind} ${caller.id}`;
    return { effect: "deny", rule: "policy.no-permit", source: "policies", reason };
  }
  const { id: rule, source } = verdict.policy;
  switch (verdict.effect) {
    case "forbid":
      return { effect: "deny", rule, source, reason: `the policy ${rule} forbids ${what}` };
    case "fault":
      return { effect: "deny", rule, source, reason: `the policy ${rule} could not be evaluated: ${verdict.message}` };
    case "ask":
      return { effect: "ask", rule, source, reason: verdict.question || `the policy ${rule} asks before ${what}` };
    case "allow":
    default:
      return { effect: "allow", rule, source, reason: `the policy ${rule} permits it` };
  }
}

/** What is missing, where that is a thing that a person gives. */
function unpermitted({ resource, context }: PolicyRequest, { kind, id }: Caller): string | null {
  if (kind !== "agent") return null;
  if (resource.type === "Folder") return `${resource.id} was not granted to ${id}`;
  if (resource.type !== "Host" || context.open) return null;
  return `${resource.id} is closed to ${id}; a person opens it with \`arw egress allow ${resource.id}\``;
}

/** An agent's own file, and patterns of the configuration, ask about what would be allowed. */
function asked({ key, caller, scope }: PolicyCall, ruling: Ruling, askPatterns: readonly string[]): Ruling {
  if (ruling.effect !== "allow") return ruling;
  const keys = [key, ...toolKeys(key, scope)];
  const own = keys.find((each) => caller.asks?.includes(each));
  if (own !== undefined) {
    const source = `agent:${caller.id}`;
    return { effect: "ask", rule: `agent.ask:${own}`, source, reason: `${caller.id} asks about ${own} each time` };
  }
  if (askPatterns.length === 0) return ruling;
  const pattern = askPatterns.find((each) => keys.some((known) => matchesKey(each, known)));
  if (pattern === undefined) return ruling;
  const rule = `config:approvals.ask:${pattern}`;
  return { effect: "ask", rule, source: "config:approvals.ask", reason: `${pattern} is asked for` };
}

/** One tool of a server, as gate keys name it: `mcp:call:files:write_file`. A server's name has no slash. */
const toolKeys = (key: string, { tool }: Scope): readonly string[] =>
  tool === undefined ? [] : [`${key}:${tool.replace("/", ":")}`];
