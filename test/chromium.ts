/** Finds a Chromium for the browser journeys; a test without one says why it did not run. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestContext } from "vitest";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome.exe", "msedge.exe"];
const knownPaths = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

/** Path of a Chromium: `ARW_CHROMIUM`, else the first on PATH, else where installers put one. */
export function findChromium(): string | undefined {
  const given = process.env["ARW_CHROMIUM"];
  if (given !== undefined && given !== "") return given;
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...knownPaths].find(isExecutable);
}

/** The path of a Chromium, or the calling test is skipped with the reason. In CI that fails the run. */
export function requireChromium(context: Pick<TestContext, "skip">): string {
  const path = findChromium();
  if (path === undefined) return context.skip("no Chromium found: install one, or set ARW_CHROMIUM to its path");
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
