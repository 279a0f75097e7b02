/** `/v1/completions`: a text, and how a model goes on with it. */
import type { ForeignAnswer, ForeignRequest } from "../../kernel/kernel.ts";
import {
  answerIn,
  type Ended,
  finishWords,
  frame,
  type Item,
  type OpenAiDeps,
  streamIn,
  usageOf,
} from "./answering.ts";
import { samplingOf, textIn, wantsUsage } from "./reading.ts";
import { unfit } from "./refusals.ts";

export async function completions(request: ForeignRequest, { nowMs }: OpenAiDeps): Promise<ForeignAnswer> {
  const { body } = request;
  const given = body["prompt"];
  const prompt = Array.isArray(given) && given.length === 1 ? (given[0] as unknown) : given;
  if (typeof prompt !== "string") throw unfit("prompt", "prompt must be one text");
  const input = { model: textIn(body, "model"), prompt, ...samplingOf(body) };
  const headOf = (corrId: string, model: string): Head => ({
    id: `cmpl-${corrId}`,
    object: "text_completion",
    created: Math.floor(nowMs() / 1000),
    model,
  });
  if (body["stream"] !== true) {
    const { corrId, output } = answerIn<Ended & { readonly text: string }>(
      await request.call("models.complete", input),
    );
    const choices = [choiceOf(output.text, finishWords[output.finish])];
    return { kind: "json", body: { ...headOf(corrId, output.model), choices, usage: usageOf(output.usage) } };
  }
  const { corrId, items } = streamIn(await request.call("models.streamText", input));
  return { kind: "stream", frames: chunks(items, { head: headOf(corrId, input.model), withUsage: wantsUsage(body) }) };
}

interface Head {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
}

const choiceOf = (text: string, finish: string | null = null) => ({
  index: 0,
  text,
  logprobs: null,
  finish_reason: finish,
});

async function* chunks(
  items: AsyncIterable<Item>,
  { head, withUsage }: { readonly head: Head; readonly withUsage: boolean },
): AsyncGenerator<string> {
  const uncounted = withUsage ? { usage: null } : {};
  for await (const item of items) {
    if (item.kind === "text") yield frame({ ...head, choices: [choiceOf(item.text)], ...uncounted });
    if (item.kind !== "end") continue;
    yield frame({ ...head, choices: [choiceOf("", finishWords[item.finish])], ...uncounted });
    if (withUsage) yield frame({ ...head, choices: [], usage: usageOf(item.usage) });
  }
  yield "data: [DONE]\n\n";
}
