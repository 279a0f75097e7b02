/** What was typed and not sent, kept for as long as this tab is open: over a reload, and in no other place. */
const keyOf = (conversation: string): string => `arw.draft.${conversation}`;

export function draftOf(conversation: string): string {
  try {
    return sessionStorage.getItem(keyOf(conversation)) ?? "";
  } catch {
    return "";
  }
}

export function keepDraft(conversation: string, text: string): void {
  try {
    if (text === "") sessionStorage.removeItem(keyOf(conversation));
    else sessionStorage.setItem(keyOf(conversation), text);
  } catch {
    // Storage is off or full: the text stays in the field, and only a reload loses it.
  }
}

/** What a new conversation begins with, said as soon as it is open. */
const firstWords = new Map<string, string>();

export const sayFirst = (conversation: string, text: string): void => void firstWords.set(conversation, text);

export function takeFirst(conversation: string): string | undefined {
  const text = firstWords.get(conversation);
  firstWords.delete(conversation);
  return text;
}
