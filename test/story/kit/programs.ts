/** Programs of the machine that a story checks the hub with, when they are there. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where Debian puts servers, which a person's PATH often leaves out. */
const serverFolders = ["/usr/sbin", "/usr/local/sbin"];

export function findProgram(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...serverFolders];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}
