/**
 * The OpenAI-compatible door: chats, completions, embeddings, models and responses at `/v1`. Each request becomes an operation
 * and walks the corridor as whoever holds the token; nothing is decided here.
 */
import type { ForeignRoute } from "../../kernel/kernel.ts";
import { frame, type OpenAiDeps } from "./answering.ts";
import { chatCompletions } from "./chat.ts";
import { completions } from "./completions.ts";
import { embeddings, model, models } from "./others.ts";
import { errorBody, statusOf } from "./refusals.ts";
import { responses } from "./responses.ts";

export function openAiRoutes(deps: OpenAiDeps): readonly ForeignRoute[] {
  const route = (
    address: `${ForeignRoute["method"]} ${string}`,
    asks: string,
    serve: ForeignRoute["serve"],
  ): ForeignRoute => ({
    method: address.startsWith("GET") ? "GET" : "POST",
    path: address.slice(address.indexOf("/")),
    asks,
    below: "/v1",
    serve,
    failure: (error, corrId) => ({ status: statusOf(error), body: errorBody(error, corrId) }),
    lastFrame: (error, corrId) => frame(errorBody(error, corrId)),
  });
  return [
    route("POST /v1/chat/completions", "models.chat", (request) => chatCompletions(request, deps)),
    route("POST /v1/completions", "models.complete", (request) => completions(request, deps)),
    route("POST /v1/responses", "models.chat", (request) => responses(request, deps)),
    route("POST /v1/embeddings", "models.embed", embeddings),
    route("GET /v1/models", "models.list", models),
    route("GET /v1/models/*", "models.list", model),
  ];
}
