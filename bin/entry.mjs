/** Decides between the hub and the command line: `arw`, `arw start …` and `arw --flag …` run the hub. */
const cliFlags = new Set(["--help", "-h", "--version", "-V", "--json", "--url", "--token", "--local"]);

/** @param {readonly string[]} given */
export function chooseEntry(given) {
  const [first] = given;
  if (first === "start") return { name: "main", rest: given.slice(1) };
  const isHub = first === undefined || (first.startsWith("-") && !cliFlags.has(first));
  return { name: isHub ? "main" : "cli", rest: [...given] };
}
