/** Gating: rules that deny, kept outside every prompt. */
import { op } from "../../contract/operation.ts";
import { closed, oneOf, Type } from "../../contract/schema.ts";

export const ListKeys = op({
  id: "gating.keys",
  http: "GET /gate/keys",
  cli: "gate keys",
  effect: "read",
  about: "List every key that a rule can name, with what it does and whether a rule denies it now.",
  input: closed({}),
  output: closed({
    keys: Type.Array(
      closed({
        key: Type.String(),
        effect: oneOf(["read", "write", "destroy"]),
        about: Type.String(),
        deniedBy: Type.Union([Type.String(), Type.Null()]),
      }),
    ),
  }),
});
