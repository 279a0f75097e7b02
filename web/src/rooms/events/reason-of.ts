import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";

/** Why something failed, in one line. */
export const reasonOf = (error: unknown): string =>
  plainLine(error instanceof Error && error.message !== "" ? error.message : t("error.card.unreachable"));
