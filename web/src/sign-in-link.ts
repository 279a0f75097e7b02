/** The sign-in link: `/#code=…`. The part behind `#` never reaches a server or its log. */

const prefix = "#code=";

/** The code of the address, which is cleaned at once, so that neither history nor a glance at the screen gives it away. */
export function takeCode(
  location: Pick<Location, "hash" | "pathname">,
  history: Pick<History, "replaceState">,
): string | null {
  if (!location.hash.startsWith(prefix)) return null;
  const code = decodeCode(location.hash.slice(prefix.length));
  history.replaceState(null, "", location.pathname);
  return code;
}

function decodeCode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
