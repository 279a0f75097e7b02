import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useHub, useNow } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { LoadedList } from "../../parts/list-section.tsx";
import { When } from "../../parts/when.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { Left } from "./left.tsx";
import { type MadeToken, policyApi, type Token } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";
import { MadeTokenDialog } from "./made-token.tsx";
import { TokenForm } from "./token-form.tsx";

type Asked = { readonly verb: "rotate" | "revoke"; readonly name: string };

/** Who holds a token, how far it reaches and how long it still works. */
export function TokensView() {
  const list = useQuery({ queryKey: keys.tokens, queryFn: ({ signal }) => policyApi.tokens(signal) });
  const [asked, setAsked] = useState<Asked | null>(null);
  const [made, setMade] = useState<MadeToken | null>(null);
  const tokens = list.data?.tokens ?? [];
  return (
    <>
      <p className={styles["lead"]}>{p("tokens.lead.text")}</p>
      <LoadedList
        label={p("tokens.list.label")}
        loading={list}
        rows={tokens}
        empty={<EmptyState line={p("tokens.empty.title")} why={p("tokens.empty.why")} />}
      >
        {(token) => <TokenItem key={token.name} token={token} onAsk={(verb) => setAsked({ verb, name: token.name })} />}
      </LoadedList>
      <TokenForm onMade={setMade} />
      {asked ? <TokenDialog asked={asked} onMade={setMade} onClose={() => setAsked(null)} /> : null}
      {made ? <MadeTokenDialog made={made} onClose={() => setMade(null)} /> : null}
    </>
  );
}

function TokenItem({ token, onAsk }: { readonly token: Token; readonly onAsk: (verb: Asked["verb"]) => void }) {
  const now = useNow();
  const { name, role, key, expiresAtMs, usedAtMs, isExpired } = token;
  return (
    <li data-thing="token" data-copy={name} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{name}</span>
        <span>{p(`tokens.role.${role}`)}</span>
        {key.map((pattern) => (
          <code key={pattern}>{pattern}</code>
        ))}
        <span className={styles["source"]}>
          <Button look="quiet" aria-label={p("tokens.row.rotate", { name })} onClick={() => onAsk("rotate")}>
            {p("tokens.action.rotate")}
          </Button>
          <Button look="quiet" aria-label={p("tokens.row.revoke", { name })} onClick={() => onAsk("revoke")}>
            {p("tokens.action.revoke")}
          </Button>
        </span>
      </div>
      <p className={styles["figures"]}>
        <span>
          {isExpired || expiresAtMs <= now ? (
            <strong className={styles["over"]}>{p("tokens.row.expired")}</strong>
          ) : (
            <>
              {p("tokens.head.end")} <Left untilMs={expiresAtMs} />
            </>
          )}
        </span>
        <span>
          {usedAtMs === null ? (
            p("tokens.row.unused")
          ) : (
            <>
              {p("tokens.head.used")} <When timeMs={usedAtMs} />
            </>
          )}
        </span>
      </p>
    </li>
  );
}

interface TokenDialogProps {
  readonly asked: Asked;
  readonly onMade: (made: MadeToken) => void;
  readonly onClose: () => void;
}

/** Neither has an undo: both end at once what the old text had opened. */
function TokenDialog({ asked: { verb, name }, onMade, onClose }: TokenDialogProps) {
  const { client } = useHub();
  const change = useMutation({
    mutationFn: async () =>
      verb === "rotate" ? policyApi.rotateToken(name) : policyApi.revokeToken(name).then(() => null),
    // The text of a token is kept nowhere but in the dialog that shows it.
    gcTime: 0,
    onSuccess: async (made) => {
      onClose();
      if (made) onMade(made);
      await client.invalidateQueries({ queryKey: keys.tokens });
    },
  });
  return (
    <ConfirmDialog
      title={p(`tokens.title.${verb}`, { name: plainLine(name) })}
      action={p(`tokens.action.${verb}`)}
      keep={p("tokens.action.keep")}
      asking={change}
      onConfirm={() => change.mutate()}
      onClose={onClose}
    >
      <p>{p(`tokens.body.${verb}`)}</p>
    </ConfirmDialog>
  );
}
