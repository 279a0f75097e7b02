import { useMutation } from "@tanstack/react-query";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { bytesOf } from "./base64.ts";
import { capsulesApi, type Exported, shortDigest } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";

export interface SaveButtonProps {
  /** Or the digest of a kept capsule, which is given as it came. */
  readonly episode: string;
  readonly title: string;
  /** Keep it among the capsules of this hub, instead of giving it to the browser as a file. */
  readonly isKept?: boolean;
}

/** Makes a capsule of a run. The same run gives the same bytes, however often this is pressed. */
export function SaveButton({ episode, title, isKept = false }: SaveButtonProps) {
  const { client } = useHub();
  const save = useMutation({
    mutationFn: () => capsulesApi.exported(episode, isKept),
    onSuccess: async (exported) => {
      if (!isKept) giveFile(exported);
      await client.invalidateQueries({ queryKey: keys.runs });
    },
  });
  const name = plainLine(title);
  return (
    <>
      <Button
        look={isKept ? "quiet" : "normal"}
        disabled={save.isPending}
        aria-label={k(isKept ? "capsules.keep.label" : "capsules.export.label", { title: name })}
        onClick={() => save.mutate()}
      >
        {k(isKept ? "capsules.keep.action" : "capsules.export.action")}
      </Button>
      {save.isError ? <ErrorCard error={save.error} /> : null}
      {save.data ? <span role="status">{k(isKept ? "capsules.keep.done" : "capsules.export.done")}</span> : null}
    </>
  );
}

/** The browser asks where the file goes, as it does with every other. */
function giveFile({ capsule, content }: Exported): void {
  if (content === null) return;
  const address = URL.createObjectURL(new Blob([bytesOf(content)], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `arw-${shortDigest(capsule.digest)}.capsule`;
  link.click();
  URL.revokeObjectURL(address);
}
