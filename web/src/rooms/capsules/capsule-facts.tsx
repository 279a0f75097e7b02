import { CircleHelpIcon, HouseIcon, KeyRoundIcon, ShieldCheckIcon } from "lucide-react";
import { ToneMark } from "../../parts/marks.tsx";
import styles from "../../parts/page.module.css";
import { type Reason, Reasons } from "../../parts/why-panel.tsx";
import { formatBytes, formatExact } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import { type CapsuleInfo, type Manifest, shortDigest } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";
import { NameSigner } from "./name-signer.tsx";
import { pathOf } from "./replay-places.ts";

/** What a capsule says of itself, in the order in which a person decides about it. Nothing of it is opened for that. */
export function CapsuleFacts({ info }: { readonly info: CapsuleInfo }) {
  const { manifest } = info;
  return (
    <>
      <SignerMark signer={info.signer} />
      {info.signer.name === null && info.signer.kind !== "own" ? <NameSigner keyId={info.signer.keyId} /> : null}
      <Reasons reasons={factsOf(info)} />
      <TextList title={k("facts.grants.title")} none={k("facts.grants.none")} texts={manifest.grants.map(grantText)} />
      <TextList
        title={k("facts.touched.title")}
        none={k("facts.touched.none")}
        texts={[
          ...manifest.folders,
          ...manifest.hosts.map((host) => k("facts.touched.host", { host })),
          ...manifest.files.map(changeText),
          ...(manifest.filesMore > 0 ? [k("facts.touched.more", { count: manifest.filesMore })] : []),
        ]}
      />
    </>
  );
}

const signers = {
  own: { Icon: HouseIcon, tone: "ok" },
  pinned: { Icon: ShieldCheckIcon, tone: "ok" },
  known: { Icon: KeyRoundIcon, tone: "info" },
  unknown: { Icon: CircleHelpIcon, tone: "warn" },
} as const;

export function SignerMark({ signer: { kind, name, keyId } }: { readonly signer: CapsuleInfo["signer"] }) {
  return (
    <p className={styles["row"]}>
      <ToneMark {...signers[kind]}>{k(`facts.signer.${kind}`, { name: plainLine(name ?? "") })}</ToneMark>
      <code title={keyId}>{shortDigest(keyId)}</code>
    </p>
  );
}

function factsOf({ digest, sizeBytes, manifest }: CapsuleInfo): readonly Reason[] {
  const { run, program, counts, replayable, cuts } = manifest;
  const agent = plainLine(run.agent);
  const model = plainLine(run.model);
  const who = model === "none" ? k("facts.run.nomodel", { agent }) : k("facts.run.model", { agent, model });
  const size = k("facts.size.text", { size: formatBytes(sizeBytes), parts: listText(partTexts(manifest.parts)) });
  const cut = cuts.events + cuts.blobs;
  return [
    { label: k("facts.run.label"), value: who },
    { label: k("facts.when.label"), value: formatExact(run.startedAtMs) },
    { label: k("facts.counts.label"), value: countsText(counts) },
    { label: k("facts.replay.label"), value: replayText(replayable) },
    ...(manifest.tools.length > 0
      ? [{ label: k("facts.tools.label"), value: plainLine(listText(manifest.tools)), isCode: true }]
      : []),
    { label: k("facts.rules.label"), value: rulesText(manifest.inForce) },
    ...(cut > 0 ? [{ label: k("facts.cuts.label"), value: k("facts.cuts.text", { count: cut }) }] : []),
    { label: k("facts.size.label"), value: size },
    { label: k("facts.made.label"), value: k(`facts.made.${program.asOf}`, { version: program.version }) },
    { label: k("facts.digest.label"), value: digest, isCode: true },
  ];
}

const kinds = ["journal", "conditions", "configuration", "blob"] as const;

/** How much of the file is what. */
const partTexts = (parts: Manifest["parts"]): readonly string[] =>
  kinds.flatMap((kind) => {
    const own = parts.filter((part) => part.kind === kind);
    const sizeBytes = own.reduce((sum, part) => sum + part.sizeBytes, 0);
    return own.length === 0 ? [] : [k(`facts.part.${kind}`, { size: formatBytes(sizeBytes), count: own.length })];
  });

const listText = (texts: readonly string[]): string => new Intl.ListFormat("en").format(texts);

export const replayText = ({ toStep, ofSteps, reason }: Manifest["replayable"]): string =>
  reason === null
    ? k("facts.replay.all", { count: ofSteps })
    : k("facts.replay.some", { step: toStep, count: ofSteps, reason: plainLine(reason) });

/** What nobody recorded is not made up from what holds today. */
const rulesText = ({ recordedAtMs, ...counts }: Manifest["inForce"]): string => {
  if (recordedAtMs === null) return k("facts.rules.unknown");
  const told = (["policies", "contracts", "allowances"] as const).flatMap((name) => {
    const count = counts[name];
    return count === null ? [] : [k(`facts.rules.${name}`, { count })];
  });
  return told.length === 0 ? k("facts.rules.unknown") : listText(told);
};

const countsText = ({ events, steps }: Manifest["counts"]): string =>
  k("facts.counts.text", {
    events: k("facts.counts.events", { count: events }),
    steps: k("capsules.steps.all", { count: steps }),
  });

const grantText = ({ key, folder, path, tool, project }: Manifest["grants"][number]): string => {
  const where = [folder, path].filter((part) => part !== undefined).join("/") || tool || project;
  return where ? k("facts.grants.where", { key, where }) : key;
};

function changeText(file: Manifest["files"][number]): string {
  const { step, before, sizeBytes } = file;
  const change = k(before === null ? "facts.touched.created" : "facts.touched.changed", { step, path: pathOf(file) });
  return sizeBytes === null ? change : k("facts.touched.size", { change, size: formatBytes(sizeBytes) });
}

function TextList({ title, none, texts }: TextListProps) {
  return (
    <div>
      <h3>{title}</h3>
      {texts.length === 0 ? <p className={styles["quiet"]}>{none}</p> : null}
      <ul>
        {[...new Set(texts)].map((text) => (
          <li key={text}>
            <code>{plainLine(text)}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface TextListProps {
  readonly title: string;
  readonly none: string;
  readonly texts: readonly string[];
}
