/** What recipes need from outside: how their text is read, and which word was meant. */
export type TextRead =
  | {
      readonly kind: "table";
      readonly table: Readonly<Record<string, unknown>>;
      /** The line, from 1, that sets the value at this path, or what holds it. */
      readonly lineOf: (path: readonly string[]) => number;
    }
  | { readonly kind: "fault"; readonly line: number; readonly message: string };

export interface RecipeText {
  /** Never throws, whatever the text. */
  read(text: string): TextRead;
  nearest(word: string, words: readonly string[]): string | undefined;
}
