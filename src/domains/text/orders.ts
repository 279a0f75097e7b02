import type { OrderLine } from "./outline-schema.ts";
import type { Flavour } from "./text-kind.ts";

/**
 * Text that looks like an instruction to an agent. The rules are plain patterns with a name each: they will miss some and
 * flag some in vain. Nothing depends on them; file text is data always. They help a reader see what was planted.
 */
const rules: readonly { readonly why: string; readonly words: string; readonly pattern: RegExp }[] = [
  {
    why: "asks to ignore instructions",
    words: "ignore disregard forget override bypass follow",
    pattern:
      /\b(?:ignore|disregard|forget|override|bypass|do not follow)\b[^.!?]{0,24}\b(?:your|previous|prior|earlier|above|preceding|system|safety|all (?:the |other )?|any (?:other )?)\s?(?:[\w-]{1,16}\s){0,2}(?:instructions?|rules|prompts?|guidelines|guardrails|messages?|training|restrictions)\b|\b(?:ignore|forget|disregard) everything (?:above|before|you|so far)/i,
  },
  {
    why: "speaks to an assistant",
    words:
      "ai ais llm llms language assistant assistants agent agents chatbot chatbots copilot claude chatgpt gpt gemini jailbroken dan",
    pattern:
      /\bas an? (?:ai|large language model|language model)\b|\byou are (?:now )?(?:an? |the )?(?:\w{1,16} )?(?:ai|assistant|language model|chatbot|chatgpt|llm|jailbroken|dan)\b|\b(?:dear|hey|attention|attn|note to|notice to|instructions? (?:for|to)|message (?:for|to)|reminder (?:for|to))[\s,:]{1,3}(?:the |any |all )?(?:ais?|llms?|language models?|(?:ai |coding )?assistants?|chatbots?|(?:ai |coding )agents?|copilot|claude|chatgpt|gpt|gemini)\b|\bif you are an? (?:ai|llm|language model|assistant|agent)\b/i,
  },
  {
    why: "gives a new role or task",
    words: "now task role instruction instructions goal job purpose objective",
    pattern:
      /\byou must now\b|\byou (?:will|should) now (?:act|behave|answer|respond|pretend|obey|follow|be)\b|\bfrom now on,? (?:you|always|never)\b|\byour (?:new|real|true|only) (?:task|role|instructions?|goal|job|purpose|objective)\b|\b(?:new|updated) (?:system )?instructions?\s?:/i,
  },
  {
    why: "asks to keep something from the user",
    words: "user owner human operator anyone",
    pattern:
      /\b(?:do not|don't|never)\s(?:tell|inform|mention|notify|alert|warn|ask)\s(?:(?:this|it)\s)?(?:to\s)?(?:the|your)\s(?:user|owner|human|operator)\b|\bwithout (?:asking|telling|informing|notifying|alerting) (?:the |your )?(?:user|owner|human|anyone)\b/i,
  },
  {
    why: "asks for secrets",
    words: "prompt key keys password passwords token tokens credentials",
    pattern:
      /\b(?:reveal|print|output|repeat|disclose|give me|tell me)\b[^.!?]{0,30}\b(?:system prompt|hidden prompt|initial prompt|api keys?|passwords?|private keys?|access tokens?|credentials)\b/i,
  },
  {
    why: "imitates chat control marks",
    words: "im_start im_end system user assistant endoftext inst sys systemprompt system_prompt",
    pattern:
      /<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|\[\/?INST\]|<<\/?SYS>>|<\/?system(?:_?prompt)?>/i,
  },
  {
    why: "asks to run a command",
    words: "run execute",
    pattern:
      /\b(?:run|execute)\s(?:this|these)\s(?:(?:shell|terminal|bash|following)\s)?(?:commands?|scripts?|code)\b/i,
  },
  {
    why: "pipes a download into a shell",
    words: "curl wget",
    pattern: /\b(?:curl|wget)\b[^|]{0,200}\|\s?(?:sudo\s)?(?:ba|z|da)?sh\b/i,
  },
  {
    why: "asks to fetch a data address",
    words: "data",
    pattern: /\b(?:fetch|open|load|visit|decode|run|execute|follow)\b[^.!?]{0,60}(?<![^\s"'(<`])data:[a-z]{1,20}[/;,]/i,
  },
];

const sends = "asks to send data to an address";
const address = /https?:\/\/|\bftp:|(?<=\w)@(?=\w)/gi;
const sendBefore =
  /\b(?:send|post|upload|forward|e-?mail|exfiltrate|transmit|leak|deliver)\b[^!?]{0,60}\b(?:files?|notes?|contents?|data|documents?|secrets?|keys?|tokens?|passwords?|credentials?|conversation|history|memory|folder|environment|everything)\b[^!?]{0,40}\b(?:to|into)\b\W{0,8}[\w.+-]{0,64}$/i;
/** How far before an address the verb may stand, and how many addresses of one piece are looked at. */
const sendReach = 160;
const addressesMax = 16;

const sendWords = "send post upload forward mail email exfiltrate transmit leak deliver";
const sendBit = 1 << rules.length;

/**
 * Which rules a word can belong to, as bits. Whatever a rule finds holds one of its words, so a text of which the words
 * are known tells at once which rules to try where; most lines need none.
 */
export function createOrderMask(): (word: string) => number {
  const masks = new Map<string, number>();
  for (const [index, rule] of [...rules, { words: sendWords }].entries()) {
    for (const word of rule.words.split(" ")) masks.set(word, (masks.get(word) ?? 0) | (1 << index));
  }
  return (word) => masks.get(word) ?? 0;
}

const commentAddressee =
  /\b(?:ai|llm|assistants?|agents?|language models?|chatbots?|copilot|claude|chatgpt|gpt|gemini)\b/i;
const hiddenStyle =
  /style\s?=\s?["'][^"']{0,200}(?:display\s?:\s?none|visibility\s?:\s?hidden|font-size\s?:\s?0|opacity\s?:\s?0(?![.\d]))/i;
// Joiners are part of many scripts and of emoji; between Latin letters they hide something. Marks that reverse the order
// of letters and the invisible "tag" letters have no place in notes at all, but for the letters in the flags of a few countries.
const hiddenCharacters =
  /[A-Za-z][\u200b-\u200d\u2060\ufeff]+[A-Za-z]|[\u200b-\u200d\u2060-\u2064\ufeff]{4}|[\u202a-\u202e\u2066-\u2069]|\u{e0001}|(?<!\u{1f3f4}[\u{e0020}-\u{e007f}]{0,8})[\u{e0020}-\u{e007f}]{3}/u;
const mayHide = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\udb40]/;

const orderTextMax = 160;

type Line = { readonly piece: string; readonly next: string; readonly mask: number };

/** Why the line looks like an order, or null. `next` is the line below, so that a phrase broken over two lines is seen. */
export function orderIn({ piece, next, mask }: Line): { why: string; at: number } | null {
  if (mask !== 0) {
    const joined = next === "" ? piece : `${piece} ${next}`;
    for (const [index, { why, pattern }] of rules.entries()) {
      const at = (mask & (1 << index)) === 0 ? -1 : joined.search(pattern);
      if (at !== -1 && at < piece.length) return { why, at };
    }
    const at = (mask & sendBit) === 0 ? -1 : sendAt(joined);
    if (at !== -1 && at < piece.length) return { why: sends, at };
  }
  if (!mayHide.test(piece)) return null;
  const at = piece.replace(/^\ufeff/, " ").search(hiddenCharacters);
  return at === -1 ? null : { why: "hides characters", at };
}

/** Where a sentence starts that sends something to an address: from each address back to the verb, which bounds the search. */
function sendAt(text: string): number {
  let looked = 0;
  for (const { index } of text.matchAll(address)) {
    if (looked++ === addressesMax) break;
    const start = Math.max(0, index - sendReach);
    const found = text.slice(start, index).search(sendBefore);
    if (found !== -1) return start + found;
  }
  return -1;
}

export type OrderReader = { read(line: Line & { readonly number: number }): OrderLine | null };

/** Reads a file line by line and keeps in mind whether it is inside an HTML comment. */
export function createOrderReader(flavour: Flavour): OrderReader {
  const hasMarkup = flavour === "markdown" || flavour === "html";
  let isInComment = false;
  return {
    read({ piece, next, mask, number: line }) {
      const comment = hasMarkup ? commentPart(piece, isInComment) : { text: "", isOpen: false };
      isInComment = comment.isOpen;
      const order = orderIn({ piece, next, mask });
      if (order !== null) return { line, text: cutAround(piece, order.at), why: order.why };
      if (comment.text !== "" && commentAddressee.test(comment.text))
        return { line, text: cutAround(piece, 0), why: "hidden comment to an assistant" };
      if (flavour === "markdown" && hiddenStyle.test(piece))
        return { line, text: cutAround(piece, 0), why: "hidden by its style" };
      return null;
    },
  };
}

function commentPart(piece: string, wasOpen: boolean): { text: string; isOpen: boolean } {
  let text = "";
  let isOpen = wasOpen;
  let at = 0;
  while (at < piece.length) {
    const edge = piece.indexOf(isOpen ? "-->" : "<!--", at);
    if (isOpen) text += `${piece.slice(at, edge === -1 ? piece.length : edge)} `;
    if (edge === -1) break;
    at = edge + (isOpen ? 3 : 4);
    isOpen = !isOpen;
  }
  return { text, isOpen };
}

function cutAround(piece: string, at: number): string {
  const start = piece.length <= orderTextMax ? 0 : Math.max(0, Math.min(at - 20, piece.length - orderTextMax));
  return `${start > 0 ? "…" : ""}${piece.slice(start, start + orderTextMax).trim()}${start + orderTextMax < piece.length ? "…" : ""}`;
}
