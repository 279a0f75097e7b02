import { Markdown } from "../../parts/markdown.tsx";
import { c } from "./chat-messages.ts";

const pictureText = (host: string): string => c("chat.answer.picture", { host });

/** What an agent says: a stranger's Markdown. */
export const Words = ({ text }: { readonly text: string }) => <Markdown text={text} pictureText={pictureText} />;
