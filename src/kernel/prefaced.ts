/** The journal, in which what happened before stands before, even where the witness meant to tell it later. */
import type { Journal } from "./kernel.ts";
import type { Witness } from "./ports.ts";

export const prefacedJournal = <J extends Journal>(journal: J, witness: Pick<Witness, "precede"> | undefined): J =>
  witness === undefined
    ? journal
    : {
        ...journal,
        emit(definition, data, origin) {
          if (definition.isDurable) witness.precede(origin.corrId);
          return journal.emit(definition, data, origin);
        },
      };
