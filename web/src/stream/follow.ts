/** Follow, browse and pause: which rows of a growing list are on screen. Pure. */

export type FollowState =
  | { readonly mode: "follow" }
  /** Someone scrolled back: the list ends where it ended then. */
  | { readonly mode: "browse"; readonly end: number }
  /** Someone froze the view; the stream goes on behind it. */
  | { readonly mode: "paused"; readonly end: number };

export type FollowAction =
  | { readonly type: "leave"; readonly end: number }
  | { readonly type: "togglePause"; readonly end: number }
  | { readonly type: "follow" };

export function follow(state: FollowState, action: FollowAction): FollowState {
  switch (action.type) {
    case "leave":
      return state.mode === "follow" ? { mode: "browse", end: action.end } : state;
    case "togglePause":
      if (state.mode === "paused") return { mode: "follow" };
      return { mode: "paused", end: state.mode === "browse" ? state.end : action.end };
    case "follow":
      return { mode: "follow" };
    default:
      return action satisfies never;
  }
}

/** One past the last row that is shown. */
export const shownEnd = (state: FollowState, end: number): number =>
  state.mode === "follow" ? end : Math.min(state.end, end);

/** How many rows arrived behind a view that does not follow. */
export const waitingCount = (state: FollowState, end: number): number => end - shownEnd(state, end);
