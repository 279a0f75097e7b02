import { join } from "node:path";
import { defineConfig } from "vitest/config";

const setupFiles = [join(import.meta.dirname, "test/setup.ts")];

// A soak runs each property for many thousand cases, so a test may take far longer there.
const isSoak = process.env["ARW_SOAK"] === "1";

export default defineConfig({
  test: {
    pool: "forks",
    // Two workers: stories start hubs and browsers of their own, and more would starve a small machine.
    maxWorkers: 2,
    reporters: ["default", "./test/reporter.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{src,client,tools}/**/*.test.{ts,mjs}"],
          exclude: ["**/node_modules/**"],
          setupFiles,
          // Pure tests share one module graph: nine times faster, and a test that minds has hidden state.
          isolate: false,
          testTimeout: isSoak ? 120_000 : 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        oxc: { jsx: { runtime: "automatic" } },
        test: {
          name: "web",
          root: "web",
          include: ["**/*.test.{ts,tsx}"],
          exclude: ["**/node_modules/**", "dist/**"],
          setupFiles,
          isolate: false,
          testTimeout: isSoak ? 120_000 : 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "story",
          include: ["test/**/*.test.ts"],
          setupFiles,
          // Stories own processes, ports and browsers: each file gets a worker of its own.
          isolate: true,
          testTimeout: isSoak ? 300_000 : 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
