/** Starting Scout, on the sample or on a folder; both end on the page of the new episode, for who waits for it. */
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import { useStillHere } from "../../parts/use-still-here.ts";
import { useView } from "../../shell/view-state.ts";
import { keys } from "../../stream/refresh.ts";

export function useStartFolder() {
  const navigate = useNavigate();
  const { client } = useHub();
  const mark = useStillHere();
  return useMutation({
    onMutate: () => mark(),
    mutationFn: async (folder: string) => api.brief(folder),
    onSuccess: async ({ corrId }, _asked, isStillHere) => {
      if (isStillHere()) await navigate({ to: "/episodes/$id", params: { id: corrId } });
      await client.invalidateQueries({ queryKey: keys.episodes });
    },
  });
}

export function useStartScout() {
  const navigate = useNavigate();
  const { client } = useHub();
  const mark = useStillHere();
  const set = useView((view) => view.set);
  return useMutation({
    onMutate: () => mark(),
    mutationFn: async () => api.brief((await api.sample()).folder),
    onSuccess: async ({ corrId }, _asked, isStillHere) => {
      set({ isGuideShown: false });
      if (isStillHere()) await navigate({ to: "/episodes/$id", params: { id: corrId } });
      await client.invalidateQueries({ queryKey: keys.episodes });
    },
  });
}
