/** Starting Scout, on the sample or on a folder; both end on the page of the new episode. */
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import { useView } from "../../shell/view-state.ts";
import { keys } from "../../stream/refresh.ts";

export function useStartFolder() {
  const navigate = useNavigate();
  const { client } = useHub();
  return useMutation({
    mutationFn: async (folder: string) => api.brief(folder),
    onSuccess: async ({ corrId }) => {
      await navigate({ to: "/episodes/$id", params: { id: corrId } });
      await client.invalidateQueries({ queryKey: keys.episodes });
    },
  });
}

export function useStartScout() {
  const navigate = useNavigate();
  const { client } = useHub();
  const set = useView((view) => view.set);
  return useMutation({
    mutationFn: async () => api.brief((await api.sample()).folder),
    onSuccess: async ({ corrId }) => {
      set({ isGuideShown: false });
      await navigate({ to: "/episodes/$id", params: { id: corrId } });
      await client.invalidateQueries({ queryKey: keys.episodes });
    },
  });
}
