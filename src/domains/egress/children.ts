/** What child processes may do through the loopback proxy: exactly what the caller may that started them. */
import type { Caller, Label } from "../../contract/caller.ts";
import { endpointName } from "../../base/web-address.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { type ChildBudget, openMeter } from "./child-meter.ts";
import { EgressRefused, EgressSent } from "./contract.ts";
import { privateAddress, refused } from "./courier.ts";
import type { ProxyChild, ProxyDoor } from "./port.ts";
import type { Warden } from "./warden.ts";

export interface ChildGrant {
  readonly caller: Caller;
  /** Episode that the child belongs to. */
  readonly corrId: string;
  /** What started it, by its gate key. */
  readonly operation: string;
  /** Ends all of the child's connections. */
  readonly signal: AbortSignal;
  /** The child has no network but the socket that it is given, which a forwarder beside it leads to. */
  readonly isConfined?: boolean;
}

export interface ChildPass extends Disposable {
  /** Variables for the child. One that ignores them is not confined by them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Only for a confined child. */
  readonly socketPath: string | null;
}

export interface Children {
  admit(grant: ChildGrant): Promise<ChildPass>;
  /** No child opens anything from now on; those that come later may. */
  endAll(): void;
}

/** A confined child's loopback is its own, and what it starts to try it is reached directly. */
const ownLoopback = "localhost,127.0.0.1,::1";
const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

interface ChildrenDeps {
  readonly parts: KernelParts;
  readonly warden: Warden;
  readonly door: ProxyDoor;
  readonly budget: ChildBudget;
}

export function createChildren(deps: ChildrenDeps): Children {
  const admitted = new Set<() => void>();
  return {
    async admit(grant) {
      const isConfined = grant.isConfined === true;
      const { url, socketPath, leave } = await deps.door.admit(
        childOf(grant, deps),
        isConfined ? "socket" : "loopback",
      );
      const end = (): void => {
        admitted.delete(end);
        grant.signal.removeEventListener("abort", end);
        leave();
      };
      admitted.add(end);
      grant.signal.addEventListener("abort", end, { once: true });
      if (grant.signal.aborted) end();
      return {
        socketPath,
        environment: {
          ...Object.fromEntries(names.map((name) => [name, url])),
          NO_PROXY: isConfined ? ownLoopback : "",
          no_proxy: isConfined ? ownLoopback : "",
          // Node asks for the variables only when it is told to.
          NODE_USE_ENV_PROXY: "1",
        },
        [Symbol.dispose]: end,
      };
    },
    endAll() {
      for (const end of admitted) end();
    },
  };
}

/** What a child reads in its folder, and what its program answers, nobody here sees before it sends. */
const ownLabels: readonly Label[] = ["file", "tool"];

/** A person who runs a command knows what it is for; for anybody else the child speaks for what it read. */
function builtFromWhatItReads(caller: Caller): Caller {
  if (caller.kind === "person" || caller.kind === "system") return caller;
  return { ...caller, labels: [...new Set([...(caller.labels ?? []), ...ownLabels])] };
}

function childOf({ caller: starter, corrId, operation, signal }: ChildGrant, deps: ChildrenDeps): ProxyChild {
  const { parts, warden } = deps;
  const caller = builtFromWhatItReads(starter);
  const actor = parts.act({ caller, corrId });
  return {
    async pass(to, method) {
      const told = {
        operation,
        host: to.host,
        port: to.port,
        method: method.slice(0, 20),
        url: to.shown.slice(0, 400),
      };
      const tell = async (error: unknown): Promise<never> => {
        throw await refused(error, { told, ctx: actor });
      };
      const flight = await warden.admit({ to, caller, typed: null, isRuled: false, corrId }).catch(tell);
      const sender = { key: operation, caller, corrId, scope: { host: endpointName(to) } };
      const meter = await openMeter(sender, deps.budget).catch((error: unknown) => {
        flight[Symbol.dispose]();
        return tell(error);
      });
      const { rule, source, isNearOpen } = flight.opening;
      return {
        isNearOpen,
        signal: AbortSignal.any([signal, flight.signal]),
        sends: async (bytes) => meter.sends(bytes)?.catch(tell),
        async ended({ address, bytesOut, bytesIn, durationMs, status }, fault) {
          flight[Symbol.dispose]();
          await meter.settle(bytesOut);
          if (fault?.reason === "address") {
            await actor.emit(EgressRefused, { ...told, ...privateAddress, reason: fault.message });
            return;
          }
          const carried = { address, bytesOut, bytesIn, durationMs, status, fault: fault?.reason ?? null };
          await actor.emit(EgressSent, { ...told, rule, source, ...carried, secrets: [] });
        },
      };
    },
  };
}
