/** The typed client of a hub: everything it can do as methods, its events and its problems. */
export { type Client, createClient, type EventData } from "./generated.ts";
export {
  type Accepted,
  ArwHeld,
  ArwProblem,
  type CallOptions,
  type ClientOptions,
  type ProblemDocument,
  type StreamOptions,
} from "./runtime.ts";
