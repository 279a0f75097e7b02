/**
 * Reads past the rules, for a question about the rules themselves: a contract that closes a list, or a role that does, must not
 * close the question what it closes. No other way goes by the corridor, so this one is narrow: a person asks, who was let in to
 * ask; only reads that say so are read; and what reads is given nothing by which it could call or tell.
 */
import { strict as assert } from "node:assert";
import type { Context, Operation } from "../contract/operation.ts";
import type { Static, TObject, TSchema } from "../contract/schema.ts";
import type { Table } from "./kernel.ts";

export type Look = <I extends TObject, O extends TSchema>(
  operation: Operation<I, O>,
  input: Static<I>,
) => Promise<Static<O>>;

/** Whoever asks for another operation, or as another caller, is mistaken: there is no problem to tell. */
export function createLook(table: Table, asked: Context): Look {
  assert.equal(asked.caller.kind, "person", "a person asks about the rules");
  const ctx = readingOnly(asked);
  return async (operation, input) => {
    const bound = table.operations.get(operation.id);
    assert(
      bound?.operation === operation && operation.isReadPastRules === true,
      `${operation.id} is read past the rules`,
    );
    return (await bound.run(input as never, ctx)) as Static<typeof operation.output>;
  };
}

function readingOnly({ caller, corrId, signal, now }: Context): Context {
  const refuse = (): never => assert.fail("what is read past the rules calls nothing and tells nothing");
  return { caller, corrId, signal, now, random: refuse, id: refuse, emit: refuse, call: refuse, carryOut: refuse };
}
