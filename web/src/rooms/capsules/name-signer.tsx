import { useMutation } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import styles from "../../parts/page.module.css";
import { keys } from "../../stream/refresh.ts";
import { capsulesApi } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";

/** A signature proves the key and no more; whose key it is, a person says. */
export function NameSigner({ keyId }: { readonly keyId: string }) {
  const { client } = useHub();
  const [name, setName] = useState("");
  const pin = useMutation({
    mutationFn: () => capsulesApi.pin(keyId, name.trim()),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.runs }),
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    pin.mutate();
  };
  if (pin.data) return <p role="status">{k("facts.name.done", { name: pin.data.name })}</p>;
  return (
    <details className={styles["fold"]}>
      <summary>{k("facts.name.title")}</summary>
      <p className={styles["lead"]}>{k("facts.name.lead")}</p>
      <form className={styles["inline"]} aria-label={k("facts.name.title")} onSubmit={submit}>
        <Field
          label={k("facts.name.field")}
          help={k("facts.name.help")}
          maxLength={60}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Button type="submit" disabled={pin.isPending || name.trim() === ""}>
          {k("facts.name.action")}
        </Button>
      </form>
      {pin.isError ? <ErrorCard error={pin.error} /> : null}
    </details>
  );
}
