import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The hub serves the pages with a policy of "self only": nothing may be inlined, neither scripts, styles nor assets.
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // Names are for people who read the sources; each visit would download them in the styles and in the scripts.
  css: { modules: { generateScopedName: "_[hash:base64:5]" } },
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
