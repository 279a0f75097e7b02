/** Run capsules as the command line shows them: who signed, what the run was allowed, what it touched, how far it replays. */
import { alphabetsMixed } from "../base/text-marks.ts";
import { counted, formatBytes } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import {
  type CapsuleInfo,
  Diff,
  Export,
  type KeptCapsule,
  type Manifest,
  Pin,
  Preview,
  Remove,
  Show,
  ShowKey,
  type Signer,
  Verify,
} from "../domains/capsules/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";
import type { Presentation } from "../surfaces/cli/port.ts";
import { differenceLines } from "./cli-differences.ts";

type Exported = Static<typeof Export.output>;
type Differing = Static<typeof Diff.output>;

export const runCapsuleAnswers: Presentation["answers"] = {
  "state.capsules": (output, pen) => keptText((output as { items: readonly KeptCapsule[] }).items, pen),
  [Export.id]: (output, pen) => exportedText(output as Exported, pen),
  [Preview.id]: (output, pen) => capsuleText(output as CapsuleInfo, pen),
  [Verify.id]: (output, pen) => verifiedText(output as Static<typeof Verify.output>, pen),
  [Show.id]: (output, pen) => shownText(output as Static<typeof Show.output>, pen),
  [Diff.id]: (output, pen) => diffText(output as Differing, pen),
  [Remove.id]: (output, pen) => `${pen.paint("green", "✓")} Removed ${(output as { digest: string }).digest}`,
  [ShowKey.id]: (output, pen) => keyText(output as Static<typeof ShowKey.output>, pen),
  [Pin.id]: (output, pen) => {
    const { keyId, name } = output as Static<typeof Pin.output>;
    return `${pen.paint("green", "✓")} Capsules of ${keyId} are shown as signed by ${pen.line(name)}`;
  },
};

/** Enough to tell the capsules of one hub apart. */
const digestShown = 19;
const shortDigest = (digest: string): string => digest.slice(0, digestShown);
/** Of a list that could be long; all of it is in the answer with --json. */
const namedMax = 8;

function keptText(kept: readonly KeptCapsule[], pen: Pen): string {
  if (kept.length === 0)
    return pen.paint("dim", "No capsules are kept. Export a run with `arw capsule export EPISODE FILE`.");
  const lines = kept.map(({ digest, sizeBytes, title, agent, status, steps, replayableToStep, origin, keptAtMs }) =>
    [
      pen.paint("bold", shortDigest(digest)),
      formatBytes(sizeBytes).padStart(9),
      `${pen.line(agent)}, ${status}, ${stepsText(replayableToStep, steps)}`,
      pen.line(title),
      pen.paint("dim", `${origin} ${pen.timeText(keptAtMs)}`),
    ].join("  "),
  );
  const sum = kept.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
  return [...lines, pen.paint("dim", `${kept.length} kept, ${formatBytes(sum)}`)].join("\n");
}

const stepsText = (toStep: number, ofSteps: number): string =>
  toStep === ofSteps
    ? ofSteps === 1
      ? "its one step"
      : `all ${ofSteps} steps`
    : `${toStep} of ${counted(ofSteps, "step")}`;

function exportedText({ capsule, file }: Exported, pen: Pen): string {
  const { manifest, digest, sizeBytes } = capsule;
  const where = file === null ? "" : ` ${pen.line(file)}:`;
  return [
    `${pen.paint("green", "✓")} Wrote${where} ${counted(manifest.counts.events, "event")}, ${formatBytes(sizeBytes)}.`,
    `  ${digest}`,
    ...(capsule.signer.kind === "own" ? [] : [`  As it is kept, signed by ${signerText(capsule.signer, pen)}`]),
    ...cutLines(manifest, pen),
    replayLine(manifest, pen),
  ].join("\n");
}

function cutLines({ cuts }: Manifest, pen: Pen): readonly string[] {
  const { events, blobs } = cuts;
  if (events + blobs === 0) return [];
  return [
    pen.paint(
      "yellow",
      `  Secrets were cut out of ${counted(events, "event")}, and ${counted(blobs, "content was", "contents were")} left out.`,
    ),
  ];
}

function replayLine({ replayable }: Manifest, pen: Pen): string {
  const { toStep, ofSteps, reason } = replayable;
  if (reason === null) return pen.paint("dim", `  Replayable: ${stepsText(toStep, ofSteps)}.`);
  return pen.paint("yellow", pen.line(`  Replayable to step ${toStep} of ${ofSteps}: ${reason}.`));
}

/** What a person decides by before they keep it. */
export function capsuleText({ digest, sizeBytes, signer, isKept, manifest }: CapsuleInfo, pen: Pen): string {
  const { run, grants, folders, hosts, files, filesMore, program, counts } = manifest;
  const changed = [
    ...files.slice(0, namedMax).map(({ path }) => path),
    ...(files.length + filesMore > namedMax ? [`and ${files.length + filesMore - namedMax} more`] : []),
  ];
  return [
    // What is set in looks like one of the lines below it.
    pen.paint("bold", pen.line(run.title).trim() || pen.line(run.episode)),
    `  ${digest}${isKept ? ", kept here" : ""}`,
    `  Signed by   ${signerText(signer, pen)}`,
    pen.line(`  Agent       ${agentText(run.agent)}, model: ${run.model || "none"}, ${run.status}`),
    `  Began       ${pen.timeText(run.startedAtMs)}`,
    pen.line(`  Permitted   ${listText(grantTexts(grants), "nothing without asking")}`),
    pen.line(`  Reached     ${listText([...folders, ...hosts], "no folder and no host")}`),
    pen.line(`  Changed     ${listText(changed, "no file")}`),
    `  Holds       ${counted(counts.events, "event")}, ${counted(counts.steps, "step")}, ${counted(counts.blobs, "content")}, ${formatBytes(sizeBytes)}`,
    `  Rules       ${rulesText(manifest)}`,
    pen.line(
      `  Program     version ${program.version}, Node ${program.nodeVersion}${program.asOf === "run" ? "" : " where it was exported; of the run nothing was recorded"}`,
    ),
    ...cutLines(manifest, pen),
    replayLine(manifest, pen),
  ].join("\n");
}

/** A name in letters of two alphabets looks like another one. */
export function agentText(agent: string): string {
  const mixed = alphabetsMixed(agent);
  return mixed.length === 0 ? agent : `${agent} (in ${mixed.join(" and ")} letters)`;
}

/** What holds for the same place stands together. */
function grantTexts(grants: Manifest["grants"]): readonly string[] {
  const byPlace = new Map<string, string[]>();
  for (const { key, folder, path } of grants) {
    const place = [...(folder === undefined ? [] : [` in ${folder}`]), ...(path === undefined ? [] : [` ${path}`])];
    byPlace.set(place.join(""), [...(byPlace.get(place.join("")) ?? []), key]);
  }
  return [...byPlace].map(([place, keys]) => `${keys.join(", ")}${place}`);
}

const listText = (items: readonly string[], none: string): string =>
  items.length === 0
    ? none
    : [...items.slice(0, namedMax), ...(items.length > namedMax ? [`and ${items.length - namedMax} more`] : [])].join(
        "; ",
      );

export function signerText({ kind, name, keyId }: Signer, pen: Pen): string {
  if (kind === "own") return "this hub";
  if (kind === "pinned") return `${pen.line(name ?? "")} (${keyId})`;
  const known = kind === "known" ? "a key of other capsules that are kept here" : "a key that this hub does not know";
  return pen.paint("yellow", `${known}: ${keyId}`);
}

function rulesText({ inForce }: Manifest): string {
  const { policies, contracts, allowances } = inForce;
  if (policies === null) return "unknown: nothing was recorded at the time of the run";
  return [
    counted(policies, "policy", "policies"),
    counted(contracts ?? 0, "contract"),
    counted(allowances ?? 0, "allowance"),
  ].join(", ");
}

function verifiedText({ capsule, digests, chain, linksProven }: Static<typeof Verify.output>, pen: Pen): string {
  const chains = {
    whole: `The chain of its events is whole: ${counted(linksProven, "link")}.`,
    gaps: `Events of others stood between its own: ${linksProven} links are proven, and every event by itself.`,
    none: `Its events come without their chain${capsule.manifest.cuts.events + capsule.manifest.cuts.blobs === 0 ? ": nothing but the signature holds them together" : ", as something was cut out of them"}.`,
  };
  return [
    `${pen.paint("green", "✓")} The signature holds, and ${counted(digests, "part is", "parts are")} what it says.`,
    `  ${chains[chain]}`,
    `  Signed by ${signerText(capsule.signer, pen)}`,
  ].join("\n");
}

function shownText({ capsule, story, storyMore, event }: Static<typeof Show.output>, pen: Pen): string {
  if (event !== undefined) return pen.safe(JSON.stringify(JSON.parse(event), null, 2));
  const parts = capsule.manifest.parts.map(
    ({ kind, digest, sizeBytes }) => `  ${kind.padEnd(13)} ${formatBytes(sizeBytes).padStart(9)}  ${digest}`,
  );
  const lines = story.map(
    ({ step, text }) => `${pen.paint("dim", (step === null ? "" : String(step)).padStart(4))}  ${pen.inside(text, 6)}`,
  );
  const more = storyMore === 0 ? [] : [pen.paint("dim", `      and ${storyMore} more events`)];
  return [capsuleText(capsule, pen), "", ...lines, ...more, "", pen.paint("dim", "Parts"), ...parts].join("\n");
}

function diffText({ isEqual, equalEvents, firstStep, differing, onlyA, onlyB, inForce }: Differing, pen: Pen): string {
  const around = inForce.map(({ what, a, b }) => pen.line(`  ${what}: ${a} | ${b}`));
  if (isEqual) return [`${pen.paint("green", "✓")} Both did the same: ${equalEvents} events.`, ...around].join("\n");
  const where = firstStep === 0 ? "before the first step" : `at step ${firstStep}`;
  const lines = differing.flatMap(({ a, b }) => [
    ...(a === null ? [] : [pen.paint("red", pen.line(`- ${a.kind}  ${a.text}`))]),
    ...(b === null ? [] : [pen.paint("green", pen.line(`+ ${b.kind}  ${b.text}`))]),
    // Told in the same words, so the words are not what differs.
    ...(a !== null && a.text === b?.text ? differenceLines(jsonOf(a.json), jsonOf(b.json), pen) : []),
  ]);
  return [
    pen.paint("bold", `They part ${where}, behind ${equalEvents} equal events.`),
    `  Only in the first: ${onlyA}. Only in the second: ${onlyB}.`,
    ...around,
    ...lines,
  ].join("\n");
}

/** A long one is cut, and then is a text. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function keyText({ keyId, publicKey, node }: Static<typeof ShowKey.output>, pen: Pen): string {
  if (keyId === null) return pen.paint("dim", "There is no key yet: the first export makes one.");
  return [
    `public key  ${publicKey ?? ""}`,
    `key id      ${keyId}`,
    `hub         ${pen.line(node)}`,
    pen.paint("dim", `Recognise it elsewhere: arw capsule pin ${keyId} NAME`),
  ].join("\n");
}
