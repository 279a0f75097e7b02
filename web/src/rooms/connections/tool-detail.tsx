import { useMutation, useQuery } from "@tanstack/react-query";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { Diff } from "../../parts/diff.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import styles from "../../parts/page.module.css";
import { Skeleton } from "../../parts/skeleton.tsx";
import { keys } from "../../stream/refresh.ts";
import { plain, plainLine } from "../../text/plain.ts";
import { connectionsApi, shortDigest, type ShownTool, type Tool } from "./connections-api.ts";
import { n } from "./connections-messages.ts";

/** What a server says of a tool, what changed in it, and what a person can say to that. */
export function ToolDetail({ line }: { readonly line: Tool }) {
  const { server, tool } = line;
  const shown = useQuery({
    queryKey: [...keys.mcp, "tool", server, tool],
    queryFn: ({ signal }) => connectionsApi.tool(server, tool, signal),
  });
  if (shown.isError) return <ErrorCard error={shown.error} onRetry={() => void shown.refetch()} />;
  if (!shown.data) return <Skeleton rows={4} />;
  const { definition, diff, digest, status } = shown.data;
  return (
    <div className={styles["section"]} role="group" aria-label={n("servers.tool.region", { tool: plainLine(tool) })}>
      {diff === "" ? null : (
        <>
          <p>{n("servers.tool.diff")}</p>
          <Diff diff={diff} />
        </>
      )}
      {diff === "" ? <p>{n("servers.tool.definition")}</p> : null}
      {diff === "" ? <Definition text={definition} /> : null}
      <p className={styles["quiet"]}>
        {n("servers.tool.digest")} <code>{shortDigest(digest)}</code>
      </p>
      {status === "changed" ? <Accept shown={shown.data} /> : <Allow line={line} />}
    </div>
  );
}

/** A stranger's words: shown as data, whatever they say. */
function Definition({ text }: { readonly text: string }) {
  const value = parsed(text);
  return value === undefined ? <pre>{plain(text)}</pre> : <JsonView value={value} />;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function useChange(run: () => Promise<unknown>) {
  const { client } = useHub();
  return useMutation({
    mutationFn: run,
    onSettled: () => client.invalidateQueries({ queryKey: keys.mcp }),
  });
}

/** Exactly the words that are shown: a definition that changed meanwhile is not accepted with them. */
function Accept({ shown }: { readonly shown: ShownTool }) {
  const accept = useChange(() => connectionsApi.acceptTool(shown));
  return (
    <>
      <p>{n("servers.accept.why")}</p>
      {accept.isError ? <ErrorCard error={accept.error} /> : null}
      <Button disabled={accept.isPending} onClick={() => accept.mutate()}>
        {n("servers.accept.action", { digest: shortDigest(shown.digest) })}
      </Button>
    </>
  );
}

function Allow({ line: { server, tool, isAllowed } }: { readonly line: Tool }) {
  const change = useChange(() =>
    isAllowed ? connectionsApi.disallowTool(server, tool) : connectionsApi.allowTool(server, tool),
  );
  return (
    <>
      {isAllowed ? null : <p>{n("servers.allow.why")}</p>}
      {change.isError ? <ErrorCard error={change.error} /> : null}
      <Button disabled={change.isPending} onClick={() => change.mutate()}>
        {isAllowed ? n("servers.disallow.action") : n("servers.allow.action")}
      </Button>
    </>
  );
}
