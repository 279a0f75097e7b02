/** How many requests are under way. A stream stops being one when it begins: streams have a limit of their own. */
import type { Visit } from "./visit.ts";

export interface Load {
  readonly requests: number;
  enter(): void;
  turnIntoStream(visit: Visit): void;
  leave(visit: Visit): void;
}

export function createLoad(): Load {
  let requests = 0;
  return {
    get requests() {
      return requests;
    },
    enter() {
      requests += 1;
    },
    turnIntoStream(visit) {
      if (!visit.isStream) requests -= 1;
      visit.isStream = true;
    },
    leave(visit) {
      if (!visit.isStream) requests -= 1;
    },
  };
}
