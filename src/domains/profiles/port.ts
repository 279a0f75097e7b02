/** What profiles need from outside: how their text is read, where their files lie, and what an allowance may say. */
export type TextRead =
  | {
      readonly kind: "table";
      readonly table: Readonly<Record<string, unknown>>;
      /** The line, from 1, that sets the value at this path, or what holds it. */
      readonly lineOf: (path: readonly string[]) => number;
    }
  | { readonly kind: "fault"; readonly line: number; readonly message: string };

export interface ProfileText {
  /** Never throws, whatever the text. */
  read(text: string): TextRead;
  nearest(word: string, words: readonly string[]): string | undefined;
  /** What is wrong with the words of an allowance of one run, or null. */
  allowanceFault(text: string): string | null;
}

export interface ProfileSaved {
  readonly digest: string;
  readonly sizeBytes: number;
  /** What was there before; null where nothing was. */
  readonly before: Uint8Array | null;
  readonly isChanged: boolean;
}

/**
 * Files of agents in folders of projects. Nothing else reaches them through the hub: an agent that wrote there would write its
 * own orders. Fails with the problems of files.
 */
export interface ProfileFiles {
  /** Names of the agents of a folder, sorted; none where there is no such place. */
  names(folder: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Null where there is none. */
  read(
    folder: string,
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly text: string; readonly digest: string } | null>;
  /** `expectedDigest` is null where the file must not exist. */
  write(
    folder: string,
    name: string,
    options: { readonly text: string; readonly expectedDigest: string | null; readonly signal: AbortSignal },
  ): Promise<ProfileSaved>;
}
