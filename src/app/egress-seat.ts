/** Puts the way out together: the one client, the proxy for children, and how far the configuration opens it. */
import { createProxyDoor } from "../adapters/egress/proxy.ts";
import { createWire } from "../adapters/egress/wire.ts";
import type { EgressSettings } from "../domains/egress/leases.ts";
import type { ProxyDoor, Wire } from "../domains/egress/port.ts";
import type { Chance } from "../kernel/ports.ts";
import type { ConfigValues } from "./config/schema.ts";

export interface EgressSeat extends AsyncDisposable {
  readonly wire: Wire;
  readonly door: ProxyDoor;
  readonly settings: EgressSettings;
}

export function createEgressSeat({ egress }: ConfigValues, { randomBytes }: Chance): EgressSeat {
  const door = createProxyDoor({ randomBytes });
  return { wire: createWire(), door, settings: egress, [Symbol.asyncDispose]: () => door[Symbol.asyncDispose]() };
}
