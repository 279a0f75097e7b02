/** The strings of an agent's tools, which come when somebody looks at them. */
import { type Message, translatorOf } from "../../text/messages.ts";

const messages = {
  "agents.list.label": "Agents",
  "agents.list.lead":
    "What each agent declares that it calls. Anything else is refused, whatever is granted; what the rules say of each tool is asked now.",
  "agents.list.empty": "This hub has no agent.",
  "agents.row.nomodel": "no model",
  "agents.row.model": "model {model}",
  "agents.row.new": "never ran here",
  "agents.row.grown": { one: "{count} tool is new", other: "{count} tools are new" },
  "agents.row.tools": { one: "{count} tool", other: "{count} tools" },
  "agents.row.needs": "All together it",
  "agents.accept.action": "Accept the new tools",
  "agents.accept.label": "Accept the new tools of {agent}",
  "agents.accept.why": "Until a person accepts them or starts the agent, others are asked about before they start it.",
  "agents.tool.new": "new",
  "agents.tool.granted": "where granted",
  "agents.tool.ungranted": "where not",
  "agents.effect.read": "reads",
  "agents.effect.write": "changes something",
  "agents.effect.destroy": "removes or ends something",
  "agents.verdict.allow": "allowed",
  "agents.verdict.ask": "asks a person",
  "agents.verdict.deny": "denied",
} as const satisfies Readonly<Record<string, Message>>;

export const g = translatorOf<keyof typeof messages>(messages);

/** For the tests of the catalog. */
export const agentCatalog: Readonly<Record<string, Message>> = messages;
