/** The command within a sentence of the hub, such as `arw lease grant …`; undefined where it names none. Pure. */

const command = /(?:^|`)(arw [^`\n]+)/u;

export const commandOf = (text: string): string | undefined => command.exec(text)?.[1]?.trim();
