/** The nearest change that would let a call pass, as the command that makes it. */
import { callerName } from "../../contract/caller.ts";
import type { PolicyCall, Ruling } from "../../kernel/ports.ts";

interface Refused {
  readonly call: PolicyCall;
  readonly ruling: Ruling;
  /** A lease would let it pass. */
  readonly canLease: boolean;
  /** No policy speaks of the call. */
  readonly isUnpermitted: boolean;
  /** The host is closed at the wire, where a lease of calls opens nothing. */
  readonly isClosed: boolean;
}

export function nextFor({ call, ruling, canLease, isUnpermitted, isClosed }: Refused): string {
  if (isClosed && call.scope.host !== undefined) return `arw egress allow ${shellWord(call.scope.host)}`;
  if (canLease) return leaseCommand(call);
  if (ruling.effect === "ask") return "make the call; a person is asked about it";
  if (call.isForPersons === true) return "let a person make the call";
  if (isUnpermitted) return "let a person make the call, or permit it in a policy";
  return `change the policy ${ruling.rule} (${ruling.source}), or let somebody make the call whom it permits`;
}

/** As narrow as the call is, so that it opens nothing beside it. */
function leaseCommand({ key, caller, isStep, scope: { folder, path, host, tool } }: PolicyCall): string {
  // What goes on the way of a call is no operation that anybody knows; it sends.
  const capability = isStep === true ? "net:send" : key;
  const inFolder = folder === undefined ? {} : { folder, path };
  const narrowed = Object.entries({ ...inFolder, host, tool }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, shellWord(value)],
  );
  return ["arw lease grant", capability, "--holder", callerName(caller), ...narrowed, "--ttl 15m"].join(" ");
}

const shellWord = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
