/** Where folders really lie. */
import { realpath } from "node:fs/promises";

/** The folder with every link on the way followed; as it is where nothing is there, or nobody may look. */
export const realFolder = (folder: string): Promise<string> => realpath(folder).catch(() => folder);
