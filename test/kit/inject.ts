/** Requests without a socket: what a surface answers, and nothing of the network. */
import sendTo, { type InjectOptions, type Response } from "light-my-request";
import type { HttpSurface } from "../../src/surfaces/http/surface.ts";

export const inject = (surface: Pick<HttpSurface, "answer">, request: InjectOptions): Promise<Response> =>
  sendTo((given, answer) => surface.answer(given, answer), request);
