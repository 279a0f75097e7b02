/** Lets a person type the beginning or the end of an id, or the beginning of what a list shows of it. */
import { CallFailed, type Input, type ShortId, type Transport } from "./port.ts";

interface WholeIdOptions {
  readonly input: Input;
  readonly shortIds: readonly ShortId[];
  readonly transport: Transport;
  readonly signal: AbortSignal;
}

/** Ids of this length are whole; asking the list about them would be a wasted call. */
const wholeIdLength = 36;
/** The most the list gives in one page; older ids are typed whole. */
const listLimit = 1000;

/** Throws `CallFailed` when a short id fits several; one that fits none goes to the hub as it is, which knows more. */
export async function wholeIds({ input, shortIds, transport, signal }: WholeIdOptions): Promise<Input> {
  const whole: Record<string, unknown> = { ...input };
  for (const { field, list, key } of shortIds) {
    const given = whole[field];
    if (typeof given !== "string" || given.length >= wholeIdLength) continue;
    const result = await transport.call(list, { limit: listLimit }, signal);
    whole[field] = choose(given, idsOf(result.kind === "answer" ? result.output : null, key));
  }
  return whole;
}

/** Stands for the newest of a list, which every list shows first. */
const newestWord = "last";

/** What lists show of an id: its end, since ids of one minute begin alike. */
const shownPart = (id: string): string => id.slice(-8);

/** A list answers with one array of rows, whatever it calls them. */
function idsOf(output: unknown, key: string): readonly string[] {
  const rows: readonly Readonly<Record<string, unknown>>[] = Object.values(output ?? {}).find(Array.isArray) ?? [];
  return rows.flatMap((row) => (typeof row[key] === "string" ? [row[key]] : []));
}

function choose(given: string, ids: readonly string[]): string {
  if (ids.includes(given)) return given;
  if (given === newestWord) return ids[0] ?? given;
  const fitting = ids.filter((id) => id.startsWith(given) || id.endsWith(given) || shownPart(id).startsWith(given));
  const [first] = fitting;
  if (fitting.length <= 1) return first ?? given;
  throw new CallFailed({
    type: "about:blank",
    title: "Several fit",
    status: 409,
    code: "cli.ambiguous-id",
    detail: `${given} is short for ${fitting.length} ids: ${fitting.slice(0, 5).join(", ")}${fitting.length > 5 ? ", …" : ""}. Type more of the one you mean.`,
    instance: "",
  });
}
