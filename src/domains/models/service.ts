/** Models: the servers that run them, what they are asked, and what that took. */
import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock } from "../../kernel/ports.ts";
import { chat, complete, embed, rerank, stream, streamText, tokenize } from "./chat.ts";
import {
  AddServer,
  Chat,
  Complete,
  Discover,
  Embed,
  List,
  ListServers,
  ModelAsked,
  ModelSaid,
  Preview,
  RemoveRole,
  RemoveServer,
  Rerank,
  RoleRemoved,
  RoleSet,
  type Server,
  ServerAdded,
  ServerRemoved,
  SetRole,
  Stream,
  StreamText,
  Tokenize,
} from "./contract.ts";
import { discover, listed } from "./discovery.ts";
import type { Courier, Environment, Meter, ModelRuntime } from "./port.ts";
import { preview } from "./preview.ts";
import { createServers } from "./servers.ts";
import { modelRoles, modelServers } from "./views.ts";

export interface ModelsDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly courier: Courier;
  readonly meter: Meter;
  readonly environment: Environment;
  readonly runtimeOf: (server: Server) => ModelRuntime;
}

export function createModels({ parts, clock, courier, meter, environment, runtimeOf }: ModelsDeps): Domain {
  const servers = createServers(parts);
  const deps = { servers, courier, meter, clock, runtimeOf };
  const looking = { servers, courier, environment, runtimeOf, after: clock.after };
  return {
    name: "models",
    operations: [
      bind(List, (_input, ctx) => listed({ ctx, deps: looking })),
      bind(Discover, (_input, ctx) => discover({ ctx, deps: looking })),
      bind(ListServers, () => ({ servers: [...servers.list()] })),
      bind(AddServer, servers.add),
      bind(RemoveServer, ({ server }, ctx) => servers.remove(server, ctx)),
      bind(SetRole, servers.setRole),
      bind(RemoveRole, ({ role }, ctx) => servers.removeRole(role, ctx)),
      bind(Preview, (input, ctx) => preview(input, { ctx, servers, meter })),
      bind(Chat, (input, ctx) => chat(input, { deps, ctx })),
      bind(Stream, (input, ctx) => stream(input, { deps, ctx })),
      bind(Complete, (input, ctx) => complete(input, { deps, ctx })),
      bind(StreamText, (input, ctx) => streamText(input, { deps, ctx })),
      bind(Embed, (input, ctx) => embed(input, { deps, ctx })),
      bind(Rerank, (input, ctx) => rerank(input, { deps, ctx })),
      bind(Tokenize, (input, ctx) => tokenize(input, { deps, ctx })),
    ],
    events: [ServerAdded, ServerRemoved, RoleSet, RoleRemoved, ModelAsked, ModelSaid],
    views: [modelServers, modelRoles],
  };
}
