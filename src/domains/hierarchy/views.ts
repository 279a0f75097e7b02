/** One row: what the hub is now. Before anybody changed it there is none, and the defaults hold. */
import { closed, type Static, Type } from "../../contract/schema.ts";
import { on, view } from "../../contract/view.ts";
import { Role, RoleChanged, Tags, TagsChanged } from "./contract.ts";

export const selfKey = "self";
const roleDefault: Role = "edge";

export const Place = closed({ role: Role, tags: Tags, epoch: Type.Integer({ minimum: 0 }) });
export type Place = Static<typeof Place>;

export const firstPlace: Place = { role: roleDefault, tags: [], epoch: 0 };

const place = on<Place>();
export const hierarchy = view(Place)({
  name: "hierarchy",
  version: 1,
  about: "The hub's role and tags.",
  isWayOut: true,
  rowsMax: 1,
  overflow: "guarded",
  folds: [
    place(
      RoleChanged,
      () => selfKey,
      (row = firstPlace, { data: { role, epoch } }) => ({ ...row, role, epoch }),
    ),
    place(
      TagsChanged,
      () => selfKey,
      (row = firstPlace, { data: { tags, epoch } }) => ({ ...row, tags, epoch }),
    ),
  ],
});
