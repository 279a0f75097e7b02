/** Preloaded into a process of a story: everything beyond this machine is refused, and each try is written down. */
import dgram from "node:dgram";
import dns from "node:dns";
import { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const path = process.env["ARW_TEST_REFUSALS"] ?? "";

function refused(what: string): never {
  appendFileSync(path, `${what}\n`);
  throw Object.assign(new TypeError(`the story refuses ${what}`), { code: "ENETUNREACH" });
}

const isHere = (host: string): boolean => /^(?:localhost|127(?:\.\d+){3}|::1|\[::1\])$/.test(host);

/** An address, in any of the ways in which a socket takes one; null for a pipe. */
function hostOf(args: readonly unknown[]): string | null {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === "object" && first !== null) {
    if (typeof Reflect.get(first, "path") === "string") return null;
    return String(Reflect.get(first, "host") ?? "localhost");
  }
  if (typeof first === "string" && Number.isNaN(Number(first))) return null;
  return typeof second === "string" ? second : "localhost";
}

function guard(target: object, name: string, check: (args: readonly unknown[]) => void): void {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== "function") return;
  Reflect.set(target, name, function (this: unknown, ...args: unknown[]): unknown {
    check(args);
    return Reflect.apply(original, this, args) as unknown;
  });
}

appendFileSync(path, "watching\n");
guard(net.Socket.prototype, "connect", (args) => {
  const host = hostOf(args);
  if (host !== null && !isHere(host)) refused(`a connection to ${host}`);
});
for (const name of ["lookup", "lookupService", "resolve", "resolve4", "resolve6"])
  for (const target of [dns, dns.promises])
    guard(target, name, ([host]) => {
      if (!isHere(String(host))) refused(`the name ${String(host)}`);
    });
guard(dgram, "createSocket", () => refused("a datagram socket"));
// For those who import the functions by name.
syncBuiltinESMExports();
