/** Where programs that the hub starts are confined, and what of the hub's own they never see. */
import { createConfinement } from "../adapters/confine/confinement.ts";
import type { Domain } from "../contract/domain.ts";
import { forwarderPort } from "../domains/egress/port.ts";
import type { FolderReader } from "../domains/fs/reader.ts";
import type { ChildCeilings, Confinement, ConfinementAbilities, ProxyPasses } from "../domains/shell/port.ts";
import { createShell } from "../domains/shell/service.ts";
import { type ChildStarter, createStarter } from "../domains/shell/starter.ts";

export interface ConfineSeatOptions {
  /** Files and folders of the hub itself. */
  readonly own: readonly string[];
  /** Folders whose programs may be run beside the system's. */
  readonly programs: readonly string[];
  readonly ceilings?: ChildCeilings;
}

export const createConfineSeat = (options: ConfineSeatOptions): Confinement =>
  createConfinement({
    ...options,
    environment: process.env,
    platform: process.platform,
    nodePath: process.execPath,
  });

export interface Shell {
  readonly domain: Domain;
  /** For other domains that start programs. */
  readonly starter: ChildStarter;
  endAll(reason: string): Promise<void>;
  /** Asks nothing of the machine: a hub that starts no program never finds out. */
  health(): { readonly name: string; readonly ok: boolean; readonly detail: string };
}

export function composeShell(
  { confinement, shell }: { readonly confinement: Confinement; readonly shell: { readonly isEnabled: boolean } },
  { passes, reader }: { readonly passes: ProxyPasses; readonly reader: FolderReader },
): Shell {
  const starter = createStarter({ confinement, passes, forwarderPort });
  const domain = createShell({
    ...shell,
    starter,
    // Looking into a folder is what makes its secrets known.
    learnSecrets: (folder, signal) => reader.within(folder, { signal }, async () => undefined),
  });
  return {
    domain,
    starter,
    endAll: (reason) => confinement.endAll(reason),
    health: () => ({ name: "children", ok: true, detail: confinedBy(confinement.known()) }),
  };
}

function confinedBy(known: ConfinementAbilities | null): string {
  if (known === null) return "none was started yet";
  return known.lack === null ? `confined by ${known.by}` : `run without confinement: ${known.lack}`;
}
