/** A call with arguments that a person changed: put together, and asked about again, before it takes the place of the one that waits. */
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Caller } from "../../contract/caller.ts";
import { Problem } from "../../contract/problem.ts";
import { standardProblems } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Redactor } from "../../kernel/ports.ts";
import type { Rehearsal } from "../../kernel/rehearse.ts";
import { type Approval, BadAnswer, EditRefused } from "./contract.ts";
import { changesBetween, shownInput, shownPreview } from "./shown-call.ts";

export interface EditedCall {
  readonly input: unknown;
  /** As it is written down. */
  readonly edited: NonNullable<Approval["edited"]>;
}

export interface Editing {
  readonly known: Approval;
  readonly caller: Caller;
  readonly original: unknown;
  readonly given: Readonly<Record<string, unknown>>;
  readonly parts: Pick<KernelParts, "rehearse">;
  readonly redactor: Redactor;
}

/** Null when nothing is changed. Throws what refuses the changed call, with its rule; a question about it is none any more. */
export async function editedCall(editing: Editing): Promise<EditedCall | null> {
  const { original, known, redactor } = editing;
  const input = changedInput(editing);
  if (canonicalJson(input) === canonicalJson(original)) return null;
  const { argsDigest, preview } = await rehearsed(editing, input);
  const edited = {
    input: shownInput(input, preview, redactor),
    argsDigest,
    changes: changesBetween(original, input, redactor),
    ...shownPreview(preview, redactor),
  };
  return { input, edited: { ...edited, summary: edited.summary || known.summary } };
}

/** A value that is sent back as it was shown is no change: where it was cut or redacted, the call has the whole of it. */
function changedInput({ known, original, given }: Editing): unknown {
  const before = original as Readonly<Record<string, unknown>>;
  const seen = (known.input ?? {}) as Readonly<Record<string, unknown>>;
  const changed = Object.entries(given).filter(([name, value]) => !isSame(value, seen[name]));
  for (const [name, value] of changed) refuseMark(name, value, before[name]);
  return { ...before, ...Object.fromEntries(changed) };
}

const isSame = (a: unknown, b: unknown): boolean => b !== undefined && canonicalJson(a) === canonicalJson(b);

/** The mark of a redactor; what stands behind it is not shown to anybody, so nobody can have typed it. */
const mark = "[redacted:";

function refuseMark(name: string, value: unknown, before: unknown): void {
  if (!canonicalJson(value).includes(mark) || canonicalJson(before ?? null).includes(mark)) return;
  const detail = `${name} holds a mark where a secret was cut out; leave ${name} out to keep it as it was asked`;
  throw new Problem(BadAnswer, detail);
}

async function rehearsed({ known, caller, parts }: Editing, input: unknown): Promise<Rehearsal> {
  const { operation, corrId } = known;
  try {
    return await parts.rehearse({ operation, input, caller, corrId });
  } catch (error) {
    if (!(error instanceof Problem) || isStandard(error)) throw error;
    throw new Problem(EditRefused, error.message, { causeCode: error.definition.code, cause: error });
  }
}

const standard: ReadonlySet<string> = new Set(standardProblems.map(({ code }) => code));
const isStandard = ({ definition }: Problem): boolean => standard.has(definition.code);
