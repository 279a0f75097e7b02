import { useMutation } from "@tanstack/react-query";
import { LockIcon } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, isLocked } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { Field } from "../../parts/field.tsx";
import { useView } from "../../shell/view-state.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import styles from "./signin-page.module.css";

/** The token lives in this field until it is swapped for a cookie that no script can read, and nowhere else. */
export function SigninPage({ wasLinkRefused }: { readonly wasLinkRefused: boolean }) {
  const { client, stream } = useHub();
  const set = useView((view) => view.set);
  const [token, setToken] = useState("");
  const signIn = useMutation({
    mutationFn: () => api.signIn({ token: token.trim() }),
    onSuccess: async () => {
      setToken("");
      set({ isLocked: false });
      stream.restart({});
      await client.resetQueries();
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (token.trim() !== "") signIn.mutate();
  };
  const fault = signIn.isError
    ? isLocked(signIn.error)
      ? t("signin.token.refused")
      : plainLine(signIn.error.message) || t("error.card.unreachable")
    : undefined;
  return (
    <div className={styles["page"]}>
      <section className={styles["card"]}>
        <h1 tabIndex={-1} data-room-title>
          <LockIcon size={20} aria-hidden />
          {t("signin.title.text")}
        </h1>
        <p>{t("signin.body.why")}</p>
        {wasLinkRefused ? (
          <p role="alert" className={styles["refused"]}>
            {t("signin.link.refused")}
          </p>
        ) : null}
        <p>{t("signin.body.link")}</p>
        <pre className={styles["command"]}>{t("signin.body.command")}</pre>
        <form onSubmit={submit} className={styles["form"]}>
          <Field
            label={t("signin.token.label")}
            help={t("signin.token.help")}
            type="password"
            value={token}
            error={fault}
            onChange={(event) => setToken(event.target.value)}
          />
          <Button look="primary" type="submit" disabled={signIn.isPending}>
            {t("signin.token.submit")}
          </Button>
        </form>
      </section>
    </div>
  );
}
