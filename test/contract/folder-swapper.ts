/** A hostile neighbour: swaps a folder and a file for links to the outside, over and over, until told to stop. */
import { renameSync } from "node:fs";
import { join } from "node:path";

const root = process.argv[2] ?? "";
// Longer than the test that owns this process may take, should its parent be killed.
const roundsMax = 3_000_000;
const at = (name: string) => join(root, name);

process.on("disconnect", () => process.exit());
process.send?.("ready");
for (let round = 0; round < roundsMax; round++) {
  for (const name of ["way", "leaf"]) {
    renameSync(at(name), at(`${name}.real`));
    renameSync(at(`${name}.link`), at(name));
    renameSync(at(name), at(`${name}.link`));
    renameSync(at(`${name}.real`), at(name));
  }
}
