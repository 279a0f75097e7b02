import { createMemoryFolders } from "../../src/adapters/files/memory-folder.ts";
import { folderContract } from "./folder-suite.ts";

folderContract("memory", async () => {
  const folders = createMemoryFolders();
  const tree = folders.tree("/root");
  return {
    folders,
    root: "/root",
    put: async (path, content) => tree.put(path, content),
    makeFolder: async (path) => tree.make(path, "folder"),
    makeLink: async (path) => tree.make(path, "link"),
    makePipe: async (path) => tree.make(path, "other"),
    delete: async (path) => tree.delete(path),
    [Symbol.asyncDispose]: async () => {},
  };
});
