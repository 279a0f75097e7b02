import { on, view } from "../../contract/view.ts";
import { RoleRemoved, RoleRow, RoleSet, Server, ServerAdded, ServerRemoved } from "./contract.ts";
import { isOnThisMachine } from "../../base/model-name.ts";

export const serversMax = 100;
export const rolesMax = 50;
const server = on<Server>();
const role = on<RoleRow>();

export const modelServers = view(Server)({
  name: "modelServers",
  version: 1,
  about: "Model servers that a person named.",
  order: "asc",
  overflow: "guarded",
  rowsMax: serversMax,
  folds: [
    server(
      ServerAdded,
      (e) => e.data.server,
      (_row, e) => ({
        ...e.data,
        isLocal: isOnThisMachine(e.data.server),
        addedAtMs: e.timeMs,
        addedBy: e.caller,
      }),
    ),
    server(
      ServerRemoved,
      (e) => e.data.server,
      () => null,
    ),
  ],
});

export const modelRoles = view(RoleRow)({
  name: "modelRoles",
  version: 1,
  about: "Roles, and the models they stand for.",
  order: "asc",
  overflow: "guarded",
  rowsMax: rolesMax,
  folds: [
    role(
      RoleSet,
      (e) => e.data.role,
      (_row, e) => ({ ...e.data, setAtMs: e.timeMs, setBy: e.caller }),
    ),
    role(
      RoleRemoved,
      (e) => e.data.role,
      () => null,
    ),
  ],
});
