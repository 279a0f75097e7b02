import { useMutation } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { SelectField } from "../../parts/select-field.tsx";
import { keys } from "../../stream/refresh.ts";
import { type MadeToken, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

const roles = ["person", "observer", "agent", "node"] as const;

/** Makes a token; the hub says what is wrong with a name, a key or an end. */
export function TokenForm({ onMade }: { readonly onMade: (made: MadeToken) => void }) {
  const { client } = useHub();
  const [name, setName] = useState("");
  const [role, setRole] = useState<(typeof roles)[number]>("observer");
  const [patterns, setPatterns] = useState("");
  const [ttl, setTtl] = useState("90d");
  const create = useMutation({
    mutationFn: () =>
      policyApi.createToken({ name: name.trim(), role, key: patterns.trim().split(/[\s,]+/u), ttl: ttl.trim() }),
    // The text of a token is kept nowhere but in the dialog that shows it.
    gcTime: 0,
    onSuccess: async (made) => {
      setName("");
      setPatterns("");
      onMade(made);
      await client.invalidateQueries({ queryKey: keys.tokens });
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form className={styles["card"]} aria-label={p("tokens.add.label")} onSubmit={submit}>
      <h2>{p("tokens.add.label")}</h2>
      <div className={styles["fields"]}>
        <Field label={p("tokens.add.name")} required value={name} onChange={(event) => setName(event.target.value)} />
        <SelectField
          label={p("tokens.add.role")}
          value={role}
          options={roles.map((value) => ({ value, label: p(`tokens.role.${value}`) }))}
          onChange={setRole}
        />
        <Field
          label={p("tokens.add.keys")}
          required
          help={p("tokens.add.keyshelp")}
          value={patterns}
          onChange={(event) => setPatterns(event.target.value)}
        />
        <Field
          label={p("tokens.add.end")}
          required
          help={p("tokens.add.endhelp")}
          value={ttl}
          onChange={(event) => setTtl(event.target.value)}
        />
      </div>
      {create.isError ? <ErrorCard error={create.error} /> : null}
      <div className={styles["actions"]}>
        <Button type="submit" look="primary" disabled={create.isPending}>
          {p("tokens.add.action")}
        </Button>
      </div>
    </form>
  );
}
