/** Whether everything is stopped, asked once for the whole page and again when the stream says that it changed. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";
import { useHub } from "../hub-context.ts";
import type { HaltState } from "../shapes.ts";
import { keys } from "../stream/refresh.ts";

export function useHalt(): HaltState | null {
  const state = useQuery({ queryKey: keys.halt, queryFn: ({ signal }) => api.halt(signal) });
  return state.data?.isHalted ? state.data : null;
}

/** Both answer with the new state, so that the banner need not wait for the stream. */
export function useStopAll() {
  const { client } = useHub();
  return useMutation({
    mutationFn: (reason: string) => api.stopAll(reason),
    onSuccess: (state) => client.setQueryData(keys.halt, state),
  });
}

export function useRelease() {
  const { client } = useHub();
  return useMutation({
    mutationFn: () => api.release(),
    onSuccess: (state) => client.setQueryData(keys.halt, state),
  });
}
