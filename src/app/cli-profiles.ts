/** How agents of projects, and what their runs answer, look on the command line. */
import { readFile, realpath } from "node:fs/promises";
import { counted, formatDurationMs, formatMicroUsd } from "../base/units.ts";
import { checkerOf, type Static } from "../contract/schema.ts";
import { Resume, Run, TurnAnswer } from "../domains/agents/contract.ts";
import {
  CheckProfile,
  InvalidProfile,
  ListProfiles,
  PreviewContext,
  type ProfileFault,
  SaveProfile,
  ShowProfile,
} from "../domains/profiles/contract.ts";
import { profileCharsMax } from "../domains/profiles/profile.ts";
import type { Pen } from "../surfaces/cli/pen.ts";
import { projectAnswers } from "./cli-projects.ts";
import { CallFailed, type Input, type Terminal } from "../surfaces/cli/port.ts";
import { unreadWords } from "./system-faults.ts";

/** The hub is given the text: it may run on another machine. */
async function withText(input: Input, terminal: Pick<Terminal, "resolvePath">): Promise<Input> {
  const path = terminal.resolvePath(String(input["text"]));
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, unreadWords(error));
  });
  if (text.length > profileCharsMax)
    throw unreadable(path, `an agent's file has at most ${profileCharsMax} characters`);
  return { ...input, text };
}

const unreadable = (path: string, reason: string): CallFailed =>
  new CallFailed({
    type: `/problems/${InvalidProfile.code}`,
    title: InvalidProfile.title,
    status: InvalidProfile.status,
    code: InvalidProfile.code,
    detail: `${path}: ${reason}`,
    instance: "",
  });

/** Beside other agents a file is checked with them; links are followed, as for the folder of a project. */
async function withPlace(input: Input, terminal: Pick<Terminal, "resolvePath">): Promise<Input> {
  const given = await withText(input, terminal);
  return { ...given, file: await realpath(terminal.resolvePath(String(input["text"]))) };
}

export const profilePrepare = { [CheckProfile.id]: withPlace, [SaveProfile.id]: withText };

type Checked = Static<typeof CheckProfile.output>;
export const profileFailures = { [CheckProfile.id]: (output: unknown): boolean => !(output as Checked).ok };

export const profileAnswers = {
  [Run.id]: (output: unknown, pen: Pen) => ranText(output as Ran, pen),
  [Resume.id]: (output: unknown, pen: Pen) => resumedText(output as Resumed | Ran, pen),
  [ListProfiles.id]: (output: unknown, pen: Pen) => listText(output as Static<typeof ListProfiles.output>, pen),
  [ShowProfile.id]: (output: unknown, pen: Pen) => showText(output as Static<typeof ShowProfile.output>, pen),
  [CheckProfile.id]: (output: unknown, pen: Pen) => checkText(output as Checked, pen),
  [PreviewContext.id]: (output: unknown, pen: Pen) => contextText(output as Static<typeof PreviewContext.output>, pen),
  ...projectAnswers,
};

const linesOf = (text: string, pen: Pen): readonly string[] => text.split("\n").map((line) => pen.safe(line));

type Ran = Static<typeof Run.output>;
type Resumed = Static<typeof Resume.output>;

/** Followed, the command ends with what the run came to; detached, with how it stands. */
const resumedText = (output: Resumed | Ran, pen: Pen): string =>
  "outcome" in output
    ? ranText(output, pen)
    : `It is ${pen.safe(output.status)}: \`arw episodes show ${pen.safe(output.episode)}\``;

function ranText({ outcome, notDone, output }: Ran, pen: Pen): string {
  const left = notDone.map((each) => `  Not done: ${pen.safe(each)}`);
  if (!checkerOf(TurnAnswer).check(output)) {
    const told = output === null || output === undefined ? [] : ["", ...linesOf(JSON.stringify(output, null, 2), pen)];
    return [`${pen.paint("green", "✓")} ${pen.safe(outcome)}`, ...left, ...told].join("\n");
  }
  const { text, citations, spent } = output as Static<typeof TurnAnswer>;
  const places = citations.map(({ path, line }) => `${path}:${line}`);
  const from = places.length === 0 ? [] : [pen.paint("dim", pen.safe(`From: ${places.join(", ")}`))];
  return [...linesOf(text, pen), "", ...left, ...from, pen.paint("dim", spentText(spent))].join("\n");
}

function spentText({ steps, inputTokens, outputTokens, microUsd, durationMs }: TurnAnswer["spent"]): string {
  const isCounted = inputTokens !== null && outputTokens !== null;
  const tokens = isCounted ? `${inputTokens} tokens in, ${outputTokens} out` : "tokens that nobody counted";
  const price = microUsd === null ? "price unknown" : formatMicroUsd(microUsd);
  return `${counted(steps, "step")}, ${tokens}, ${price}, ${formatDurationMs(durationMs)}`;
}

const nameWidth = 24;

function listText({ profiles }: Static<typeof ListProfiles.output>, pen: Pen): string {
  if (profiles.length === 0)
    return pen.paint("dim", "No agents yet. Write one to .arw/agents/NAME.toml in the folder of a project.");
  return profiles
    .map(({ agent, about, model, ok }) => {
      const name = pen.paint("bold", pen.safe(agent).padEnd(nameWidth));
      const [project = "", own = ""] = agent.split("@").toReversed();
      return ok
        ? `${name}  ${pen.safe(about)}  ${pen.paint("dim", `model: ${pen.safe(model)}`)}`
        : `${name}  ${pen.paint("red", `Its file has faults: arw profiles show ${project} ${own}`)}`;
    })
    .join("\n");
}

const faultLines = (faults: readonly ProfileFault[], pen: Pen): readonly string[] =>
  faults.map(({ line, message, hint }) => {
    const next = hint === undefined ? "" : `\n       ${pen.paint("dim", `→ ${pen.safe(hint)}`)}`;
    return `${pen.paint("red", "✗")} line ${line}: ${pen.safe(message)}${next}`;
  });

function showText({ agent, text, version, faults }: Static<typeof ShowProfile.output>, pen: Pen): string {
  const saved = version === 0 ? "written by hand" : `saved ${counted(version, "time")} here`;
  return [
    pen.paint("bold", pen.safe(agent)) + pen.paint("dim", `  ${saved}`),
    "",
    ...linesOf(text.trimEnd(), pen),
    ...(faults.length === 0 ? [] : [""]),
    ...faultLines(faults, pen),
  ].join("\n");
}

function checkText({ ok, profile, faults }: Checked, pen: Pen): string {
  if (!ok || profile === null) return faultLines(faults, pen).join("\n");
  const tools = profile.tools.join(", ") || "no tools";
  return `${pen.paint("green", "✓")} It holds: ${pen.safe(profile.about)} It has ${pen.safe(tools)}.`;
}

const slotWidth = 14;

function contextText(context: Static<typeof PreviewContext.output>, pen: Pen): string {
  const { agent, model, tokens, tokensMax, isEstimated, slots, tools } = context;
  const about = isEstimated ? "about " : "";
  const lines = slots.flatMap(({ slot, tokens: taken, tokensMax: most, items, leftOut }) => [
    `${slot.padEnd(slotWidth)}${about}${taken} of ${most} tokens  ${pen.paint("dim", pen.safe(items.map(({ what }) => what).join(", ")))}`,
    ...leftOut.map(({ what, why }) =>
      pen.paint("yellow", `${" ".repeat(slotWidth)}left out: ${pen.safe(what)}, ${why}`),
    ),
  ]);
  return [
    `${pen.paint("bold", pen.safe(agent))} asks ${pen.safe(model)}: ${about}${tokens} of ${tokensMax} tokens`,
    ...lines,
    pen.paint("dim", `tools: ${pen.safe(tools.join(", "))}`),
    pen.paint("dim", "No model was asked."),
  ].join("\n");
}
