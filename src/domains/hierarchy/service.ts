/** Who this hub is among others. Only a person changes it: whoever runs under a role must not choose a milder one. */
import { createKeyedMutex } from "../../base/async.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { type HierarchyState, RoleChanged, SetRole, SetTags, ShowState, TagsChanged } from "./contract.ts";
import { firstPlace, hierarchy, type Place, selfKey } from "./views.ts";

export interface Hierarchy {
  readonly domain: Domain;
  /** From the start of the kernel on. */
  current(): HierarchyState["self"];
  /** Called after each change, synchronously. */
  onChange(run: () => void): void;
}

export function createHierarchy({ parts }: { readonly parts: KernelParts }): Hierarchy {
  const place = (): Place => parts.kernel.views.get(hierarchy, selfKey) ?? firstPlace;
  const state = (): HierarchyState => {
    const { role, tags, epoch } = place();
    return { epoch, self: { id: parts.node, role, tags } };
  };
  // One change at a time: each names the epoch after the one before.
  const turns = createKeyedMutex();
  const change = (emit: (now: Place, epoch: number) => Promise<unknown> | null) =>
    turns.run(selfKey, async () => {
      const now = place();
      await emit(now, now.epoch + 1);
      return state();
    });
  return {
    current: () => state().self,
    onChange: (run) => void parts.kernel.views.onChange(hierarchy.name, run),
    domain: {
      name: "hierarchy",
      operations: [
        bind(ShowState, state),
        bind(SetRole, ({ role }, ctx) =>
          change((now, epoch) => (now.role === role ? null : ctx.emit(RoleChanged, { role, former: now.role, epoch }))),
        ),
        bind(SetTags, ({ tags }, ctx) =>
          change((now, epoch) =>
            JSON.stringify(now.tags) === JSON.stringify(tags) ? null : ctx.emit(TagsChanged, { tags, epoch }),
          ),
        ),
      ],
      events: [RoleChanged, TagsChanged],
      views: [hierarchy],
    },
  };
}
