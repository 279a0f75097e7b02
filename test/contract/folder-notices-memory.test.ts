import { setImmediate as turn } from "node:timers/promises";
import { createManualNotices } from "../../src/adapters/memory/folder-notices.ts";
import { noticesContract } from "./folder-notices-suite.ts";

noticesContract("memory", () => {
  const notices = createManualNotices();
  const folder = "/watched";
  return Promise.resolve({
    notices,
    folder,
    change: () => Promise.resolve(notices.notice(folder)),
    remove: () => Promise.resolve(notices.end(folder)),
    wait: () => turn(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
