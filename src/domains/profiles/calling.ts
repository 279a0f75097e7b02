/** The calls of tools that a model asks for, one after the other, and what it is told of each. */
import type { Operation } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Read as ReadFile } from "../fs/contract.ts";
import type { Chat } from "../models/contract.ts";
import { Ask as AskPerson } from "../questions/contract.ts";
import { readArguments } from "./arguments.ts";
import type { Exchange } from "./context.ts";
import { handOn } from "./handing-on.ts";
import { delegateTool, planTool } from "./prompt.ts";
import { endsRun, refusalText } from "./refusals.ts";
import { childrenOf, offeredTo, type Worked, type Working } from "./working.ts";

type Answer = Static<typeof Chat.output>;
type Asked = Answer["toolCalls"][number];
type Told = Exchange["calls"][number];

export interface Calling {
  readonly working: Working;
  readonly state: { plan: string; retries: number };
  readonly notDone: string[];
  /** Lets a child work. */
  readonly work: (child: Working) => Promise<Worked>;
}

/** What is answered of one round at most; a model that asks for more asks again. */
const callsMax = 8;
/** Characters of one answer that a model is shown; a tool that has more is asked for a part. */
const answerCharsMax = 12_000;

/** Throws what the ceilings end with. */
export async function callTools(answer: Answer, calling: Calling): Promise<Exchange> {
  const calls: Told[] = [];
  const { working, state } = calling;
  const said = answer.text.trim();
  if (said !== "") await working.tools.believe({ topic: "reflection", statement: said, sources: [] });
  if (answer.toolCalls.length === 0) await again("", ["it said nothing"], calling);
  let isWell = answer.toolCalls.length > 0;
  for (const asked of answer.toolCalls.slice(0, callsMax)) {
    const told = await callOne(asked, { ...calling, isCutOff: answer.finish === "length" });
    isWell &&= told.isWell;
    calls.push(told.call);
  }
  if (isWell) state.retries = 0;
  else state.retries += 1;
  return { said, calls };
}

interface One {
  readonly call: Told;
  /** The model said something that is a call. */
  readonly isWell: boolean;
}

const again = (tool: string, faults: readonly string[], { working }: Calling): Promise<void> =>
  working.tools.repaired({ tool, how: "asked-again", faults: [...faults] });

async function callOne(asked: Asked, calling: Calling & { readonly isCutOff: boolean }): Promise<One> {
  const { working, state } = calling;
  const read = readArguments(asked.argumentsText, calling.isCutOff);
  const told = (source: string, answer: string, isWell = true): One => ({
    call: { id: asked.id, name: asked.name, argumentsText: sound(asked, read), source, answer: bounded(answer) },
    isWell,
  });
  const wrong = async (faults: readonly string[]): Promise<One> => {
    await again(asked.name, faults, calling);
    return told(`${asked.name}: no call`, `This was no call: ${faults.join("; ")}. Say it again.`, false);
  };
  if (read.kind === "fault") return wrong([read.message]);
  if (read.mended.length > 0)
    await working.tools.repaired({ tool: asked.name, how: "mended", faults: [...read.mended] });
  if (asked.name === planTool) {
    const { text } = read.value;
    state.plan = typeof text === "string" ? text : "";
    return told("the plan", "Noted.");
  }
  if (asked.name === delegateTool && childrenOf(working).length > 0) {
    const handed = await handOn(read.value, calling);
    return handed.kind === "faults" ? wrong(handed.faults) : told(handed.source, handed.answer);
  }
  const tool = [...working.operations.values()].find(({ id, offered }) => [id, offered.name].includes(asked.name));
  if (tool === undefined) {
    const names = offeredTo(working).map(({ name }) => name);
    return wrong([`there is no tool ${asked.name}; there are ${names.join(", ")}`]);
  }
  const { id, operation } = tool;
  const fit = tool.read(read.value);
  if (fit.kind === "faults") return wrong(fit.faults);
  await working.ceilings.pass({ tool: id, input: fit.input });
  const source = sourceOf(id, read.value);
  try {
    const before = working.tools.workedMs();
    const result: unknown = await working.tools.call(operation, fit.input as never, source);
    if (operation.id === AskPerson.id) working.ceilings.waited(working.tools.workedMs() - before);
    return told(`Answer of ${source}:`, `${changedSince(operation, result, calling)}${textOf(result)}`);
  } catch (error) {
    if (!isProblem(error) || endsRun(error)) throw error;
    calling.notDone.push(`${source}: ${error.message}`.slice(0, 500));
    return told(`Answer of ${source}:`, refusalText(error));
  }
}

/** What is read of a file that was attached is the file as it is now; where it is another one, model and person are told. */
function changedSince({ id }: Operation, result: unknown, { working, notDone }: Calling): string {
  if (id !== ReadFile.id) return "";
  const { path, digest } = result as Static<typeof ReadFile.output>;
  const attached = working.turn.attachments?.find((each) => each.path === path);
  if (attached === undefined || attached.digest === digest) return "";
  const words = `${path} changed since it was attached, and was read as it is now`;
  if (!notDone.includes(words)) notDone.push(words);
  return `${words}.\n`;
}

/** A server may refuse to take back what it wrote itself where that is no JSON. */
const sound = ({ argumentsText }: Asked, read: ReturnType<typeof readArguments>): string =>
  read.kind === "fault"
    ? "{}"
    : read.mended.length > 0 || argumentsText.trim() === ""
      ? JSON.stringify(read.value)
      : argumentsText;

const sourceCharsMax = 200;
function sourceOf(id: string, said: Readonly<Record<string, unknown>>): string {
  const words = Object.values(said).filter((each) => typeof each === "string" || typeof each === "number");
  return `${id} ${words.map((each) => String(each).replaceAll(/\s+/gu, " ").slice(0, 80)).join(" ")}`
    .trim()
    .slice(0, sourceCharsMax);
}

const textOf = (result: unknown): string => (typeof result === "string" ? result : (JSON.stringify(result) ?? "null"));

const bounded = (text: string): string =>
  text.length <= answerCharsMax
    ? text
    : `${text.slice(0, answerCharsMax)} … (${text.length - answerCharsMax} characters more; ask for a part)`;
