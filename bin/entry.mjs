/** Decides between the hub and the command line: `arw`, `arw start …`, `arw hub …` and `arw --flag …` run the hub. */
const cliFlags = new Set(["--help", "-h", "--version", "-V", "--json", "--url", "--token", "--local"]);
/** The hub and its command line both take these, and whether a value follows: before a command they are the command's. */
const sharedFlags = new Map([
  ["--port", true],
  ["--state-dir", true],
  ["--config", true],
  ["--portable", false],
]);

/** @param {readonly string[]} given */
export function chooseEntry(given) {
  const at = placeOfWord(given);
  const word = given[at];
  if (word === "start" || (word === "hub" && isOfHub(given[at + 1])))
    return { name: "main", rest: [...given.slice(0, at), ...given.slice(at + 1)] };
  return { name: isOfHub(word) ? "main" : "cli", rest: [...given] };
}

/** @param {string | undefined} word */
const isOfHub = (word) => word === undefined || (word.startsWith("-") && !cliFlags.has(word));

/** @param {readonly string[]} given */
function placeOfWord(given) {
  let at = 0;
  for (; at < given.length; at += 1) {
    const [flag = "", value] = (given[at] ?? "").split("=", 2);
    const hasValue = sharedFlags.get(flag);
    if (hasValue === undefined) break;
    if (hasValue && value === undefined) at += 1;
  }
  return at;
}
