/** Hierarchy: this hub's place among others: who it is, what role it plays, and by which tags it is known. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { closed, oneOf, type Static, Type } from "../../contract/schema.ts";

export const roles = ["root", "regional", "edge", "connector", "observer"] as const;
export const Role = oneOf(roles, "What the hub is to others; a new one is an `edge`.");
export type Role = Static<typeof Role>;

/** A handful of words; more would be a database. */
const tagsMax = 64;
export const Tag = Type.String({ pattern: "^[a-z0-9][a-z0-9._:-]{0,63}$", description: "A word that rules can name." });
export const Tags = Type.Array(Tag, { maxItems: tagsMax });

const Epoch = Type.Integer({ minimum: 0, description: "Grows by one with each change." });
export const HierarchyState = closed({
  epoch: Epoch,
  self: closed({ id: Type.String({ description: "Random, made once, kept." }), role: Role, tags: Tags }),
});
export type HierarchyState = Static<typeof HierarchyState>;

export const RoleChanged = event({
  kind: "hierarchy.role.changed",
  about: "The hub plays another role; the denials of the former one ended.",
  data: closed({ role: Role, former: Role, epoch: Epoch }),
});
export const TagsChanged = event({
  kind: "hierarchy.tags.changed",
  about: "The hub is known by other tags.",
  data: closed({ tags: Tags, epoch: Epoch }),
});

export const ShowState = op({
  id: "hierarchy.state",
  http: "GET /hierarchy/state",
  cli: "hierarchy",
  effect: "read",
  isWayOut: true,
  isReadPastRules: true,
  about: "Say who this hub is among others: its id, role and tags.",
  input: closed({}),
  output: HierarchyState,
});
export const SetRole = op({
  id: "hierarchy.role",
  http: "POST /hierarchy/role",
  cli: "hierarchy role <role>",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Give the hub another role, whose denials replace those of the former one.",
  input: closed({ role: Role }),
  output: HierarchyState,
  emits: [RoleChanged],
});
export const SetTags = op({
  id: "hierarchy.tags",
  http: "POST /hierarchy/tags",
  cli: "hierarchy tags",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Set the tags that this hub is known by.",
  input: closed({ tags: Tags }),
  output: HierarchyState,
  emits: [TagsChanged],
});
