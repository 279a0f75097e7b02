/** One episode's events as plain sentences. What files and agents say is quoted as data, with control characters shown. */
import { showControls, truncate } from "../../base/text-marks.ts";
import { counted, formatBytes, formatDurationMs, formatMicroUsd } from "../../base/units.ts";
import { needText } from "../../contract/needs.ts";
import type { Envelope } from "../../contract/event.ts";
import type { StoryLine } from "./contract.ts";
import { errorOf } from "./episode-row.ts";

type Data = Record<string, unknown>;
type Teller = (data: Data) => string;

const textMax = 600;
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const place = (data: Data): string => {
  const where = data["path"] ?? data["host"];
  return where === undefined ? "" : ` (${text(where)})`;
};
const because = (data: Data): string => {
  const rule = data["rule"] === undefined ? "" : `, by rule ${text(data["rule"])}`;
  return `${text(data["reason"])}${rule}`;
};
const sources = (data: Data): string => {
  const cited = (data["sources"] ?? []) as readonly { path: string; line: number }[];
  return cited.length === 0
    ? ""
    : ` [${cited
        .slice(0, 3)
        .map((each) => `${each.path}:${each.line}`)
        .join(", ")}]`;
};
const resultSize = (data: Data): string => {
  const recorded = data["recorded"] as { resultSizeBytes?: number } | undefined;
  return recorded?.resultSizeBytes === undefined ? "" : `, ${formatBytes(recorded.resultSizeBytes)} recorded`;
};

function usedPart({ used, limit, text: written = "an allowance" }: Data): string {
  // What is used never rounds up to all of it.
  const percent = Number(limit) === 0 ? 100 : Math.floor((Number(used) / Number(limit)) * 100);
  return `${percent} % of ${text(written)}`;
}

function allowed({ edited, lasting, coveredBy }: Data): string {
  if (edited !== undefined) return `Allowed once, with these changes:\n${text((edited as Data)["changes"]).trimEnd()}`;
  if (lasting !== undefined) return `Allowed for longer: ${text((lasting as Data)["words"])}`;
  return coveredBy === undefined ? "Allowed once" : "Allowed by the answer to another question";
}

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(text) : []);

/** What an agent will use, told before it uses any of it. */
function toolsText(data: Data): string {
  const agent = text(data["agent"]);
  const [tools, added, removed, needs] = ["tools", "added", "removed", "needs"].map((name) => texts(data[name]));
  const does = (needs ?? []).map(needText).join("; ");
  if (data["isFirst"] === true)
    return `${agent} runs here for the first time. It ${does === "" ? "needs nothing" : does}. Tools: ${tools?.join(", ")}`;
  const gone = removed?.length === 0 ? "" : ` It gave up ${removed?.join(", ")}.`;
  if (added?.length === 0) return `${agent} has fewer tools than at its last run.${gone}`;
  const more = does === "" ? "" : ` With them it ${does}.`;
  return `${agent} has tools that it did not have at its last run: ${added?.join(", ")}.${more}${gone}`;
}

const tellers: Readonly<Record<string, Teller>> = {
  "agents.run.started": (d) => `${text(d["agent"])} begins: ${text(d["title"])} (model: ${text(d["model"])})`,
  "agents.run.finished": (d) => {
    const left = (d["notDone"] ?? []) as readonly string[];
    return left.length === 0 ? text(d["outcome"]) : `${text(d["outcome"])} Not done: ${left.join("; ")}`;
  },
  "agents.run.failed": (d) => `Failed: ${text(d["error"])} (${text(d["code"])})`,
  "agents.run.cancelled": (d) => `Stopped: ${text(d["reason"])}`,
  "agents.run.interrupted": (d) => `Interrupted: ${text(d["reason"])}`,
  "agents.run.resumed": (d) =>
    Number(d["recordedSteps"]) === 0
      ? "Resumed"
      : `Resumed; ${counted(Number(d["recordedSteps"]), "recorded step is", "recorded steps are")} not repeated`,
  "agents.run.paused": () => "Paused: the next step waits until somebody resumes the run",
  "agents.call.repaired": (d) =>
    `${d["how"] === "mended" ? "Mended a call of" : "Asked again for a call of"} ${text(d["tool"]) || "a tool"}: ${texts(d["faults"]).join("; ")}`,
  "agents.tools.accepted": (d) => toolsText(d),
  "agents.value.declassified": (d) =>
    `Step ${String(d["step"])} gives the label ${text(d["label"])} no more: ${text(d["summary"])}${place(d)}: ${text(d["reason"])}`,
  "observations.recorded": (d) => `${text(d["summary"])}${place(d)}${resultSize(d)}`,
  "beliefs.held": (d) => `${text(d["statement"])}${sources(d)}`,
  "intents.proposed": (d) => `Wants: ${text(d["summary"])}${place(d)}`,
  "actions.applied": (d) => `Done: ${text(d["summary"])}${place(d)}`,
  "actions.refused": (d) => `Refused: ${text(d["summary"])}${place(d)}: ${because(d)}`,
  "actions.failed": (d) => `Failed: ${text(d["summary"])}${place(d)}: ${text(d["error"])}`,
  "approvals.requested": (d) => `Asks: ${text(d["summary"])} (rule ${text(d["rule"])})`,
  "approvals.granted": allowed,
  "approvals.denied": (d) => `Denied${d["reason"] === undefined ? "" : `: ${text(d["reason"])}`}`,
  "approvals.expired": () => "Nobody answered in time, which counts as no",
  "questions.asked": (d) => `Asks you: ${text(d["question"])}`,
  "questions.answered": (d) => `You answered: ${text(d["text"])}`,
  "questions.expired": (d) => `No answer: ${text(d["reason"])}`,
  "questions.withdrawn": (d) => `Question withdrawn: ${text(d["reason"])}`,
  "notes.written": (d) => `Noted about ${text(d["topic"])}: ${text(d["text"])}`,
  "scout.folder.remembered": (d) =>
    `Remembers what the folder holds, for next time: ${counted(Number(d["files"]), "file")}`,
  "models.asked": (d) =>
    `Asked ${text(d["model"])}${d["code"] === "ok" ? tokensPart(d) : `, which failed: ${text(d["code"])}`}`,
  "egress.sent": (d) => `Sent ${formatBytes(Number(d["bytesOut"]))} to ${text(d["host"])}`,
  "budgets.limit.neared": (d) => `${usedPart(d)} is used`,
  "budgets.limit.reached": (d) => `Ceiling reached: too little is left for ${text(d["tool"])}; ${usedPart(d)} is used`,
  "approvals.cancelled": (d) => `Question withdrawn: ${text(d["reason"])}`,
};

function tokensPart({ inputTokens, outputTokens, isScripted, microUsd, durationMs, firstMs }: Data): string {
  const tokens =
    typeof inputTokens === "number" && typeof outputTokens === "number"
      ? `: ${inputTokens} tokens in, ${outputTokens} out`
      : ", which counted no tokens";
  const cost = typeof microUsd === "number" ? `, ${formatMicroUsd(microUsd)}` : "";
  const first = typeof firstMs === "number" ? ` (first word after ${formatDurationMs(firstMs)})` : "";
  return `${tokens}${cost}, ${formatDurationMs(Number(durationMs))}${first}${isScripted === true ? " (scripted)" : ""}`;
}

/** The books that the hub keeps about a run; what came of them is told by other events. */
const untold: ReadonlySet<string> = new Set([
  "budgets.charged",
  "budgets.refunded",
  "gating.quota.counted",
  "leases.settled",
  "leases.used",
]);

export const isTold = ({ kind }: Pick<Envelope, "kind">): boolean => !kind.startsWith("task.") && !untold.has(kind);

const families: Readonly<Record<string, StoryLine["family"]>> = {
  agents: "run",
  observations: "observation",
  beliefs: "belief",
  intents: "intent",
  actions: "action",
  approvals: "approval",
};
export function storyLine(envelope: Envelope): StoryLine {
  const data = (envelope.data ?? {}) as Data;
  const told = tellers[envelope.kind]?.(data) ?? envelope.kind;
  return {
    seq: envelope.seq,
    timeMs: envelope.timeMs,
    kind: envelope.kind,
    family: families[envelope.kind.slice(0, envelope.kind.indexOf("."))] ?? "other",
    text: truncate(showControls(told), textMax),
    isError: errorOf(data) !== null,
    data: withoutResult(data),
  };
}

/** A story is read by people; the recorded bytes stay in the journal and come with the event itself. */
function withoutResult(data: Data): Data {
  const recorded = data["recorded"] as Data | undefined;
  if (recorded === undefined) return data;
  const { result: _inJournal, ...meta } = recorded;
  return { ...data, recorded: meta };
}
