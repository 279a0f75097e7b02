import { CircleHelpIcon, HouseIcon, KeyRoundIcon, ShieldCheckIcon } from "lucide-react";
import { ToneMark } from "../../parts/marks.tsx";
import styles from "../../parts/page.module.css";
import { type Reason, Reasons } from "../../parts/why-panel.tsx";
import { formatBytes, formatExact } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import { type CapsuleInfo, type Manifest, shortDigest } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";
import { NameSigner } from "./name-signer.tsx";

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

function SignerMark({ signer: { kind, name, keyId } }: { readonly signer: CapsuleInfo["signer"] }) {
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
  const parts = k("facts.size.text", { size: formatBytes(sizeBytes), count: manifest.parts.length });
  const cut = cuts.events + cuts.blobs;
  return [
    { label: k("facts.run.label"), value: who },
    { label: k("facts.when.label"), value: formatExact(run.startedAtMs) },
    { label: k("facts.counts.label"), value: k("facts.counts.text", { count: counts.events, steps: counts.steps }) },
    { label: k("facts.replay.label"), value: replayText(replayable) },
    { label: k("facts.rules.label"), value: rulesText(manifest.inForce) },
    ...(cut > 0 ? [{ label: k("facts.cuts.label"), value: k("facts.cuts.text", { count: cut }) }] : []),
    { label: k("facts.size.label"), value: parts },
    { label: k("facts.made.label"), value: k(`facts.made.${program.asOf}`, { version: program.version }) },
    { label: k("facts.digest.label"), value: digest, isCode: true },
  ];
}

export const replayText = ({ toStep, ofSteps, reason }: Manifest["replayable"]): string =>
  reason === null
    ? k("facts.replay.all", { count: ofSteps })
    : k("facts.replay.some", { step: toStep, count: ofSteps, reason: plainLine(reason) });

/** What nobody recorded is not made up from what holds today. */
const rulesText = ({ recordedAtMs, policies, contracts, allowances }: Manifest["inForce"]): string =>
  recordedAtMs === null
    ? k("facts.rules.unknown")
    : k("facts.rules.text", {
        policies: policies ?? "?",
        contracts: contracts ?? "?",
        allowances: allowances ?? "?",
      });

const grantText = ({ key, folder, path, tool, project }: Manifest["grants"][number]): string => {
  const where = [folder, path].filter((part) => part !== undefined).join("/") || tool || project;
  return where ? k("facts.grants.where", { key, where }) : key;
};

const changeText = ({ step, folder, path, before }: Manifest["files"][number]): string =>
  k(before === null ? "facts.touched.created" : "facts.touched.changed", {
    step,
    path: [folder, path].filter((part) => part !== undefined).join("/"),
  });

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
