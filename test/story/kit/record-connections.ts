/** Preloaded into a hub: writes down whom the process asks for by name or address, however it does so. */
import dgram from "node:dgram";
import dns from "node:dns";
import { appendFileSync } from "node:fs";
import net from "node:net";

const path = process.env["ARW_TEST_CONNECTIONS"] ?? "";
const note = (what: string, args: readonly unknown[]): void => {
  const shown = args.filter((each) => typeof each !== "function");
  appendFileSync(
    path,
    `${what} ${JSON.stringify(shown, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)) ?? ""}\n`,
  );
};

function spy(target: object, name: string, label: string): void {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== "function") return;
  Reflect.set(target, name, function (this: unknown, ...args: unknown[]): unknown {
    note(
      label,
      label.startsWith("net")
        ? args.map((each) =>
            each instanceof Object ? { host: Reflect.get(each, "host"), port: Reflect.get(each, "port") } : each,
          )
        : args,
    );
    return Reflect.apply(original, this, args) as unknown;
  });
}

appendFileSync(path, "watching\n");
spy(net.Socket.prototype, "connect", "net.connect");
for (const name of ["lookup", "lookupService", "resolve", "resolve4", "resolve6"]) {
  spy(dns, name, `dns.${name}`);
  spy(dns.promises, name, `dns.promises.${name}`);
}
spy(dgram, "createSocket", "dgram.createSocket");
