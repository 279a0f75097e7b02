import { closed, EpochMs, Seq, type Static, Type } from "../../contract/schema.ts";
import { on, seqKey, view } from "../../contract/view.ts";
import { ConfigApplied, ConfigurationValues } from "./contract.ts";

/** A hub that changes its configuration every day keeps three years of it. */
const configurationsMax = 1000;

const Configuration = closed({ seq: Seq, timeMs: EpochMs, version: Type.String(), values: ConfigurationValues });
type Configuration = Static<typeof Configuration>;

export const configurations = view(Configuration)({
  name: "configurations",
  version: 1,
  about: "Configurations that the hub worked under, newest first.",
  rowsMax: configurationsMax,
  folds: [
    on<Configuration>()(ConfigApplied, seqKey, (_row, { seq, timeMs, data }) => ({
      seq,
      timeMs,
      version: data.version,
      values: data.values,
    })),
  ],
});
