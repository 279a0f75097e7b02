import { on, view } from "../../contract/view.ts";
import {
  Consumer,
  ConsumerCreated,
  ConsumerRemoved,
  MessageBuried,
  MessageReturned,
  MessagesAcked,
} from "./contract.ts";

export const consumersMax = 1000;
/** Dead letters listed per consumer; all of them are counted, and all are in the journal. */
const buriedShownMax = 100;

const row = on<Consumer>();
const byName = (e: { readonly data: { readonly name: string } }): string => e.data.name;

/** Done messages above the floor are listed; what the floor has passed needs no mention any more. */
const done = (before: Consumer, seqs: readonly number[], floorSeq: number): Consumer => ({
  ...before,
  floorSeq,
  doneAbove: [...before.doneAbove, ...seqs].filter((seq) => seq > floorSeq).toSorted((a, b) => a - b),
  returned: before.returned.filter((each) => !seqs.includes(each.seq)),
});

export const consumers = view(Consumer)({
  name: "consumers",
  version: 2,
  about: "Durable consumers and how far they are.",
  order: "asc",
  overflow: "guarded",
  rowsMax: consumersMax,
  folds: [
    row(ConsumerCreated, byName, (_row, e) => {
      const { startSeq, ...settings } = e.data;
      return {
        ...settings,
        floorSeq: startSeq,
        doneAbove: [],
        returned: [],
        buried: [],
        buriedCount: 0,
        createdAtMs: e.timeMs,
      };
    }),
    row(ConsumerRemoved, byName, () => null),
    row(MessagesAcked, byName, (before, e) => (before ? done(before, e.data.seqs, e.data.floorSeq) : null)),
    row(MessageReturned, byName, (before, e) => {
      if (!before) return null;
      const { name: _row, ...returned } = e.data;
      return {
        ...before,
        returned: [...before.returned.filter((each) => each.seq !== returned.seq), returned],
      };
    }),
    row(MessageBuried, byName, (before, e) => {
      if (!before) return null;
      const { seq, floorSeq } = e.data;
      const buried = [...before.buried, seq].slice(-buriedShownMax);
      return { ...done(before, [seq], floorSeq), buried, buriedCount: before.buriedCount + 1 };
    }),
  ],
});
