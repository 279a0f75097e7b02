/**
 * Parts of Node that most starts never need, taken when they are first used. Also cheaper than an import: that runs every getter
 * of a module, and one of `node:http` loads a second client, 40 ms of a start and 12 MB for as long as the hub lives.
 */
import type * as Http from "node:http";
import type * as Tls from "node:tls";

export const nodeHttp = (): typeof Http => process.getBuiltinModule("node:http");
export const nodeTls = (): typeof Tls => process.getBuiltinModule("node:tls");
