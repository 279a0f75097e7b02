/** A model server that follows a script: each reply depends only on how often the model spoke before in this conversation. */
import { frames, modelName, type ModelServer, serveModel } from "./model-server.ts";

export interface Said {
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly arguments: unknown }[];
}
export interface Heard {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly tools: readonly string[];
  readonly round: number;
}
export type Script = (heard: Heard) => Said | Promise<Said>;

const choice = (delta: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const usage = { choices: [], usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } };

interface Body {
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}
const textOf = (content: unknown): string =>
  typeof content === "string" ? content : content === undefined || content === null ? "" : JSON.stringify(content);

export const serveScript = (script: Script): Promise<ModelServer> =>
  serveModel({
    "/v1/chat/completions": async (response, body) => {
      const { messages, tools = [] } = body as unknown as Body;
      const { text = "", calls = [] } = await script({
        messages: messages.map(({ role, content }) => ({ role, content: textOf(content) })),
        tools: tools.map(({ function: { name } }) => name),
        round: messages.filter(({ role }) => role === "assistant").length,
      });
      const toolCalls = calls.map((call, index) => ({
        index,
        id: `call-${messages.length}-${index}`,
        type: "function",
        function: {
          name: call.name,
          arguments: typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments),
        },
      }));
      await frames(response, [
        ...(text === "" ? [] : [choice({ content: text })]),
        ...(toolCalls.length === 0 ? [] : [choice({ tool_calls: toolCalls })]),
        choice({}, toolCalls.length === 0 ? "stop" : "tool_calls"),
        usage,
        "[DONE]",
      ]);
    },
  });

/** The name by which a hub knows the model of this server. */
export const scriptedModel = ({ url }: Pick<ModelServer, "url">): { server: string; url: string; model: string } => {
  const here = url.replace("127.0.0.1", "localhost");
  const { host } = new URL(here);
  return { server: host, url: here, model: `${host}/${modelName}` };
};
