/** Starts a child with a way out of its own: what it sends is ruled and listed as what its caller sends. */
import type { Caller } from "../../contract/caller.ts";
import type { Child, ChildOrder, Confinement, ConfinementAbilities, ProxyPasses } from "./port.ts";

/** On whose behalf, and as part of what, a child runs. */
export interface ChildOwner {
  readonly caller: Caller;
  readonly corrId: string;
  /** What started it, by its gate key. */
  readonly operation: string;
}

export interface ChildStarter {
  abilities(): Promise<ConfinementAbilities>;
  /** Rejects as `Confinement.start` does. The way out closes when the child ends. */
  start(order: Omit<ChildOrder, "network">, owner: ChildOwner): Promise<Child & { readonly isConfined: boolean }>;
}

interface StarterDeps {
  readonly confinement: Confinement;
  readonly passes: ProxyPasses;
  /** Where a confinement's forwarder listens. */
  readonly forwarderPort: number;
}

export const createStarter = ({ confinement, passes, forwarderPort }: StarterDeps): ChildStarter => ({
  abilities: () => confinement.abilities(),
  async start(order, owner) {
    const { confinesFiles, confinesNetwork } = await confinement.abilities();
    const pass = await passes.admit({ ...owner, signal: order.signal, isConfined: confinesNetwork });
    try {
      const child = await confinement.start({
        ...order,
        env: { ...order.env, ...pass.environment },
        network: { kind: "proxy", socketPath: pass.socketPath, port: forwarderPort },
      });
      void child.exited.then(() => pass[Symbol.dispose]());
      return { ...child, isConfined: confinesFiles && confinesNetwork };
    } catch (error) {
      pass[Symbol.dispose]();
      throw error;
    }
  },
});
