/** For what is pressed and leads elsewhere once the hub has answered. */
import { useRouter } from "@tanstack/react-router";

/** Called at the press, it gives a question for later: whether the reader is still there, and not on the way to another page. */
export function useStillHere(): () => () => boolean {
  const router = useRouter();
  const placeNow = (): string => {
    const { pathname, search } = router.latestLocation;
    return [pathname, search.id ?? "", search.message ?? ""].join(" ");
  };
  return () => {
    const pressedAt = placeNow();
    return () => placeNow() === pressedAt;
  };
}
