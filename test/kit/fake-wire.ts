/** The way out without a network: names and answers are in the test's hands, and so is what was sent. */
import { type Hop, type HopReply, mayReach, type Wire, WireFault } from "../../src/domains/egress/port.ts";

export interface FakeWireOptions {
  /** What a name stands for; `1.1.1.1` without an entry. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly answer?: (hop: Hop) => Partial<Omit<HopReply, "body">> & { readonly text?: string };
  /** Answers hang until the call is ended. */
  readonly hangs?: boolean;
}

export interface FakeWire extends Wire {
  /** What was sent, in its order. */
  readonly hops: readonly Hop[];
  readonly looked: readonly string[];
}

export function createFakeWire({ names = {}, answer = () => ({}), hangs = false }: FakeWireOptions = {}): FakeWire {
  const hops: Hop[] = [];
  const looked: string[] = [];
  const addressesOf = (host: string): readonly string[] => names[host] ?? ["1.1.1.1"];
  return {
    hops,
    looked,
    resolve(host) {
      looked.push(host);
      return Promise.resolve(addressesOf(host));
    },
    async send(hop) {
      const { to, isNearOpen, signal } = hop;
      const addresses = to.isLiteral ? [to.host] : addressesOf(to.host);
      const closed = addresses.find((address) => !mayReach(address, to, isNearOpen));
      if (closed !== undefined)
        throw new WireFault("address", `${to.host} leads to ${closed}, which may not be reached`);
      hops.push(hop);
      const carried = { address: addresses[0] ?? null, bytesOut: 100, bytesIn: 200, durationMs: 5 };
      if (hangs)
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new WireFault("ended", "ended", { carried })), { once: true });
        });
      const { text = "", headers = {}, ...rest } = answer(hop);
      return { status: 200, headers, body: Buffer.from(text), isCut: false, ...carried, ...rest };
    },
  };
}
