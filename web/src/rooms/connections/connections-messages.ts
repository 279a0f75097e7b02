/** The strings of the room of connections, which come with it. */
import { type Message, translatorOf } from "../../text/messages.ts";

const messages = {
  "connect.title.text": "Connections",
  "connect.view.label": "Views of the connections",
  "connect.view.agents": "Agents",
  "connect.view.servers": "Tool servers",
  "connect.view.models": "Model servers",

  "connect.own.title": "Agents of this hub",
  "connect.attached.title": "Agents of others, at work now",
  "connect.attached.lead":
    "Programs that call tools through the hub: each call follows your rules, waits for your yes where they ask, and is recorded.",
  "connect.attached.empty": "None is attached.",
  "connect.attached.server": "uses {server}",
  "connect.attached.episode": "Open its episode",
  "connect.attached.stop": "Stop",
  "connect.attached.label": "Stop {agent} on {server}",
  "connect.tokens.title": "Tokens of others",
  "connect.tokens.empty": "No token but the first one.",
  "connect.tokens.reach": "reaches",
  "connect.tokens.manage": "Make, rotate or remove tokens",
  "connect.how.title": "Connect an agent that you have",
  "connect.how.lead":
    "Finds the configuration of the common agents on this machine, shows the exact change, and makes it on yes. Restart the agent afterwards.",
  "connect.how.undo": "Taken back by",
  "connect.how.hand": "One server by hand",
  "connect.how.model": "A program that talks to a model finds the hub's at this address:",
  "connect.copy.action": "Copy",
  "connect.copy.label": "Copy {command}",

  "servers.list.lead":
    "Tools of other programs' servers. What a server says of a tool is kept; when it says something else, the tool is held until you have looked.",
  "servers.empty.title": "No server of tools was wrapped yet.",
  "servers.empty.why": "Your rules, limits and approvals then stand in front of its tools.",
  "servers.row.seen": "first seen",
  "servers.row.open": { one: "{count} agent uses it now", other: "{count} agents use it now" },
  "servers.row.idle": "no agent uses it now",
  "servers.row.tools": { one: "{count} tool", other: "{count} tools" },
  "servers.row.held": { one: "{count} tool is held", other: "{count} tools are held" },
  "servers.tool.held": "held: it changed",
  "servers.tool.allowed": "called without asking",
  "servers.tool.asks": "asks",
  "servers.tool.reads": "says that it only reads",
  "servers.tool.look": "Look",
  "servers.tool.label": "Look at {tool}",
  "servers.tool.close": "Close",
  "servers.tool.shut": "Close {tool}",
  "servers.tool.region": "Tool {tool}",
  "servers.tool.diff": "What its server says of it now, against what you saw before",
  "servers.tool.definition": "What its server says of it",
  "servers.tool.digest": "Digest",
  "servers.accept.action": "Accept {digest}",
  "servers.accept.why": "Until then no agent may call it. What you take is exactly what stands here.",
  "servers.allow.action": "Let it be called without asking",
  "servers.allow.why":
    "Say so when you know that it only reads: agents behind a wrapper then call it without asking, until it changes.",
  "servers.disallow.action": "Ask again before each call",

  "llm.list.title": "Model servers",
  "llm.list.lead": "What the hub and its agents may ask. Nothing is asked before you named it.",
  "llm.empty.title": "No model server is named.",
  "llm.empty.why": "Agents without a model still find and quote what your files say.",
  "llm.row.local": "this machine",
  "llm.row.outside": "another machine",
  "llm.row.answers": { one: "answers, {count} model", other: "answers, {count} models" },
  "llm.row.silent": "silent",
  "llm.row.unknown": "not asked yet",
  "llm.row.context": "{tokens} tokens of context",
  "llm.row.scripted": "scripted",
  "llm.row.key": "its key is the secret {name}",
  "llm.row.remove": "Remove",
  "llm.row.label": "Remove {server}",
  "llm.remove.title": "Remove {server}?",
  "llm.remove.body": "Nothing is asked of it any more. Roles that name its models go on with the next one.",
  "llm.remove.action": "Remove it",
  "llm.remove.keep": "Keep it",
  "llm.ask.action": "Ask all again",
  "llm.roles.title": "Roles",
  "llm.roles.lead":
    "Agents name a role, such as chat; you say which models it stands for, in the order in which they are tried.",
  "llm.roles.empty": "No role is set.",
  "llm.roles.then": "then",
  "llm.roles.leave": "also from this machine to another",
  "llm.roles.local": "never from this machine to another",
  "llm.find.title": "Find a model server",
  "llm.find.lead":
    "One probe for each known port of this machine, and a look for the names of keys; their values are shown nowhere.",
  "llm.find.action": "Look on this machine",
  "llm.find.none": "Nothing was found. Start a model server, or name one:",
  "llm.find.added": "named already",
  "llm.find.key": "{variable} is set: a key of {server}",
} as const satisfies Readonly<Record<string, Message>>;

export const n = translatorOf<keyof typeof messages>(messages);

/** For the tests of the catalog. */
export const connectionsCatalog: Readonly<Record<string, Message>> = messages;
