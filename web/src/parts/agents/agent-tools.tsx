import { CheckIcon, HandIcon, type LucideIcon, ShieldIcon } from "lucide-react";
import type { AgentManifest } from "../../shapes.ts";
import { plainLine } from "../../text/plain.ts";
import marks from "../marks.module.css";
import { g } from "./agent-messages.ts";
import styles from "./agent-tools.module.css";

type Tool = AgentManifest["tools"][number];
type Verdict = Tool["granted"];

/** Every tool of an agent: what it does to the world, and what the rules say of it now. */
export function AgentTools({ agent }: { readonly agent: AgentManifest }) {
  return (
    <ul className={styles["tools"]} aria-label={g("agents.row.tools", { count: agent.tools.length })}>
      {agent.tools.map((tool) => (
        <li key={tool.id} className={styles["tool"]}>
          <p className={styles["line"]}>
            <code>{plainLine(tool.id)}</code>
            <span>{g(`agents.effect.${tool.effect}`)}</span>
            {agent.addedTools.includes(tool.id) && !agent.isNew ? <strong>{g("agents.tool.new")}</strong> : null}
          </p>
          <p>{plainLine(tool.about)}</p>
          <p className={styles["line"]}>
            <VerdictMark verdict={tool.granted} />
            {isSame(tool.granted, tool.ungranted) ? null : (
              <>
                <span className={styles["quiet"]}>{g("agents.tool.granted")}</span>
                <VerdictMark verdict={tool.ungranted} />
                <span className={styles["quiet"]}>{g("agents.tool.ungranted")}</span>
              </>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}

/** What an agent does to the world, each thing once. */
export function AgentNeeds({ agent }: { readonly agent: AgentManifest }) {
  const does = [...new Set(agent.tools.flatMap((tool) => tool.does))];
  if (does.length === 0) return null;
  return (
    <div>
      <p>{g("agents.row.needs")}</p>
      <ul className={styles["needs"]}>
        {does.map((text) => (
          <li key={text}>{plainLine(text)}</li>
        ))}
      </ul>
    </div>
  );
}

const isSame = (a: Verdict, b: Verdict): boolean => a.effect === b.effect && a.rule === b.rule;

const looks: Readonly<Record<Verdict["effect"], { readonly Icon: LucideIcon; readonly tone: string }>> = {
  allow: { Icon: CheckIcon, tone: "ok" },
  ask: { Icon: HandIcon, tone: "warn" },
  deny: { Icon: ShieldIcon, tone: "bad" },
};

function VerdictMark({ verdict: { effect, rule, source } }: { readonly verdict: Verdict }) {
  const { Icon, tone } = looks[effect];
  return (
    <span className={`${marks["mark"]} ${marks[tone]}`} title={plainLine(source)}>
      <Icon size={14} aria-hidden />
      {g(`agents.verdict.${effect}`)} <code className={styles["quiet"]}>{plainLine(rule)}</code>
    </span>
  );
}
