/** Words that both kinds of servers share: those behind wrappers, and those that the hub itself is connected to. */
import { Type } from "../../contract/schema.ts";

export const ServerName = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
  examples: ["files"],
  description: "Name of the server, as rules write it.",
});

export const Url = Type.String({
  minLength: 1,
  maxLength: 8192,
  description: "Address of a server that is reached by one.",
});
export const HeaderLines = Type.Record(Type.String({ maxLength: 200 }), Type.String({ maxLength: 8192 }), {
  maxProperties: 32,
  description: "Header lines to send. `secret:NAME` in a value stands for that secret, where it is bound to the host.",
});
