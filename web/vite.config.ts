import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const sources = join(import.meta.dirname, "src");
const styleFiles = readdirSync(sources, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".module.css"))
  .toSorted();
const namesByFile = new Map<string, string[]>();

/** Names of styles are for people who read the sources; what each visit downloads has the number of the file and of the name. */
function shortName(name: string, path: string): string {
  const file = relative(sources, path.replace(/\?.*$/u, ""));
  const names = namesByFile.get(file) ?? [];
  namesByFile.set(file, names);
  if (!names.includes(name)) names.push(name);
  return `_${styleFiles.indexOf(file).toString(36)}-${names.indexOf(name).toString(36)}`;
}

// The capsule that comes with the interface, known in a list by the digest of its file.
const sample = readFileSync(join(import.meta.dirname, "..", "examples", "capsules", "brief.capsule"));
const sampleDigest = `sha256:${createHash("sha256").update(sample).digest("hex")}`;

/** The capsule as requests carry it, in a module of its own that is loaded when somebody asks for it. */
const sampleModule = "virtual:sample-capsule";
const capsules = {
  name: "sample-capsule",
  resolveId: (id: string) => (id === sampleModule ? id : null),
  load: (id: string) =>
    id === sampleModule ? `export const base64 = ${JSON.stringify(sample.toString("base64"))};` : null,
};

// The hub serves the pages with a policy of "self only": nothing may be inlined, neither scripts, styles nor assets.
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), capsules],
  define: { sampleDigest: JSON.stringify(sampleDigest) },
  css: { modules: { generateScopedName: shortName } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    manifest: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
  },
});
