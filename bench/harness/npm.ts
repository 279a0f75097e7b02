/** Where npm lies: as the npm that called us says, or beside a Node on PATH. */
import { existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

export function findNpm(): string | null {
  const given = process.env["npm_execpath"];
  if (given !== undefined && /npm-cli\.[cm]?js$/.test(given)) return given;
  const folders = [dirname(process.execPath), ...(process.env["PATH"] ?? "").split(delimiter)];
  for (const folder of folders.filter((each) => each !== "")) {
    const link = join(folder, "npm");
    if (existsSync(link) && realpathSync(link).endsWith("npm-cli.js")) return realpathSync(link);
    const beside = [join(folder, "..", "lib", "node_modules"), join(folder, "node_modules")];
    const found = beside.map((modules) => join(modules, "npm", "bin", "npm-cli.js")).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  return null;
}
