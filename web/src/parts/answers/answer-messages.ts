/** The strings of the further answers to a question, which come when somebody asks for them. */
import { type Message, translatorOf } from "../../text/messages.ts";

const messages = {
  "answer.panel.label": "More answers",
  "answer.way.label": "Answer",
  "answer.way.lasting": "Allow for longer",
  "answer.way.edit": "Edit arguments",
  "answer.way.deny": "Deny with a reason",
  "answer.lasting.over": "What",
  "answer.lasting.until": "How long",
  "answer.lasting.means": "This would allow:",
  "answer.lasting.action": "Allow for longer",
  "answer.lasting.note": "It becomes a lease, which you can take back at any time under Policy, Leases.",
  "answer.over.path": "This file",
  "answer.over.folder": "This folder",
  "answer.over.host": "This host",
  "answer.over.tool": "This tool",
  "answer.until.run": "This run",
  "answer.time.seconds": { one: "{count} second", other: "{count} seconds" },
  "answer.time.minutes": { one: "{count} minute", other: "{count} minutes" },
  "answer.time.hours": { one: "{count} hour", other: "{count} hours" },
  "answer.time.days": { one: "{count} day", other: "{count} days" },
  "answer.edit.lead":
    "The changed call is made once, and the agent is told what was made. Rules are asked about it first.",
  "answer.edit.part":
    "Only the change of this text is shown here. Left empty it stays as it is; what you type takes the place of all of it.",
  "answer.edit.json": "{name}, as JSON",
  "answer.edit.fault": "This is not JSON: {reason}",
  "answer.edit.changes": "What you change",
  "answer.edit.same": "Nothing is changed yet.",
  "answer.edit.action": "Allow with these arguments",
  "answer.deny.reason": "Reason",
  "answer.deny.help": "The agent reads it, and it is kept with the answer.",
  "answer.deny.action": "Deny",

  "source.list.label": "What the call was built from",
  "source.list.none": "Nothing that was read stands behind it by name.",
  "source.list.more": { one: "{count} more is named in the episode.", other: "{count} more are named in the episode." },
  "source.label.user": "your words",
  "source.label.file": "a file",
  "source.label.web": "the web",
  "source.label.tool": "a tool",
  "source.row.step": "step {step}",
  "source.row.done": "declassified",
  "source.row.declassify": "Declassify",
  "source.row.label": "Declassify step {step}: {summary}",
  "source.form.label": "Declassify step {step}",
  "source.form.reason": "Why it may be acted on",
  "source.form.help": "Kept in the ledger. Calls after this one no longer count as built from it; this question stays.",
  "source.form.action": "Declassify this value",
  "source.form.keep": "Leave it",
} as const satisfies Readonly<Record<string, Message>>;

export const a = translatorOf<keyof typeof messages>(messages);

/** For the tests of the catalog. */
export const answerCatalog: Readonly<Record<string, Message>> = messages;
