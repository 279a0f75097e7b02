/** How agents, and what their runs are built from, look on the command line. */
import type { Static } from "../contract/schema.ts";
import {
  type AgentManifest,
  Declassify,
  type DeclassifiedValue,
  ListAgents,
  Pause,
  Resume,
  ShowAgent,
  Stop,
} from "../domains/agents/contract.ts";
import type { Episode } from "../domains/episodes/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";
import type { ShortId } from "../surfaces/cli/port.ts";

export const episodeId = (field: string): readonly ShortId[] => [{ field, list: "state.episodes", key: "id" }];

export const agentShortIds = {
  // Runs first: rules of others may close the list of episodes, and never the one of what there is to stop.
  [Stop.id]: [{ field: "episode", list: "state.runs", key: "episode" }, ...episodeId("episode")],
  [Pause.id]: [{ field: "episode", list: "state.runs", key: "episode" }],
  [Resume.id]: episodeId("episode"),
  [Declassify.id]: episodeId("episode"),
};

export const agentAnswers = {
  [ListAgents.id]: (output: unknown, pen: Pen) => {
    const { agents, faulty } = output as Static<typeof ListAgents.output>;
    return [...agents.map((each) => manifestText(each, pen)), ...faulty.map((each) => faultyText(each, pen))].join(
      "\n\n",
    );
  },
  [ShowAgent.id]: (output: unknown, pen: Pen) => manifestText(output as AgentManifest, pen),
  [Declassify.id]: (output: unknown, pen: Pen) => declassifyText(output as Static<typeof Declassify.output>, pen),
  "state.declassified": (output: unknown, pen: Pen) =>
    declassifiedText((output as { items: readonly DeclassifiedValue[] }).items, pen),
};

const faultyText = ({ agent, fault }: Static<typeof ListAgents.output>["faulty"][number], pen: Pen): string =>
  `${pen.paint("bold", pen.safe(agent))}  ${pen.paint("red", "It cannot be run.")}\n  ${pen.safe(fault)}`;

const toolWidth = 16;

function manifestText({ id, about, model, isNew, addedTools, tools }: AgentManifest, pen: Pen): string {
  const news = isNew ? "  It has not run here yet." : `  New since its last run: ${addedTools.join(", ")}.`;
  return [
    `${pen.paint("bold", pen.safe(id))}  ${pen.safe(about)}  ${pen.paint("dim", `model: ${pen.safe(model)}`)}`,
    ...(isNew || addedTools.length > 0 ? [pen.paint("yellow", news)] : []),
    ...tools.map((tool) => toolText(tool, pen)),
  ].join("\n");
}

const verdictWords = { allow: "allowed", ask: "asks first", deny: "denied" } as const;

function toolText({ id, about, does, granted, ungranted }: AgentManifest["tools"][number], pen: Pen): string {
  const isSame = granted.effect === ungranted.effect;
  const verdict = isSame
    ? verdictWords[granted.effect]
    : `${verdictWords[granted.effect]} where you granted it, else ${verdictWords[ungranted.effect]}`;
  const rules = [...new Set([granted.rule, ungranted.rule])].join(", ");
  const indent = " ".repeat(toolWidth + 2);
  return [
    `  ${pen.safe(id).padEnd(toolWidth - 1)} ${does.length === 0 ? pen.safe(about) : does.join("; ")}`,
    pen.paint("dim", `${indent}${verdict} (${pen.safe(rules)})`),
  ].join("\n");
}

const stepWidth = 9;
const labelWidth = 5;

function declassifyText(answer: Static<typeof Declassify.output>, pen: Pen): string {
  const { declassified, isLabelGone, openSteps, openStepsMore } = answer;
  const { step, label, summary } = declassified;
  const head = `${pen.paint("green", "✓")} Step ${step}, ${pen.safe(summary)}, gives the label ${label} no more.`;
  if (isLabelGone) return `${head}\n  Nothing else gives it: later calls are not held for it.`;
  const more = openStepsMore === 0 ? "" : ` and ${openStepsMore} more`;
  const from = openSteps.length === 0 ? "what the run was given" : `step ${openSteps.join(", ")}${more}`;
  return `${head}\n  The run still has it from ${from}.`;
}

function declassifiedText(values: readonly DeclassifiedValue[], pen: Pen): string {
  if (values.length === 0) return pen.paint("dim", "Nobody declassified anything.");
  return values
    .map(({ atMs, by, episode, step, label, summary, reason }) => {
      const head = `${pen.timeText(atMs)}  ${pen.safe(by)}  ${label.padEnd(labelWidth)}  ${episode} step ${step}`;
      return `${head}\n  ${pen.safe(summary)}: ${pen.safe(reason)}`;
    })
    .join("\n");
}

/** What the calls of a run are built from, with the numbers that `arw declassify` takes. */
export function sourcesText({ givenLabels, sources, sourcesMore }: Episode, pen: Pen): readonly string[] {
  const given = givenLabels.filter((label) => label !== "user");
  if (sources.length === 0 && given.length === 0) return [];
  const lines = sources.map(({ step, label, summary, target, isDeclassified }) => {
    const where = target === undefined || summary.includes(target) ? "" : ` (${target})`;
    const text = `  ${`step ${step}`.padEnd(stepWidth)} ${label.padEnd(labelWidth)} ${summary}${where}`;
    return pen.paint("dim", `${pen.safe(text).replaceAll("\n", " ")}${isDeclassified ? ", declassified" : ""}`);
  });
  const more = sourcesMore === 0 ? [] : [pen.paint("dim", `  and ${sourcesMore} more`)];
  const own = given.length === 0 ? [] : [pen.paint("dim", `  what it was given: ${given.join(", ")}`)];
  return [pen.paint("dim", "Built from:"), ...own, ...lines, ...more, ""];
}
