import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { CheckIcon, TriangleAlertIcon } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { capsuleSearch } from "../../filters.ts";
import { Button } from "../../parts/button.tsx";
import { Diff } from "../../parts/diff.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { Section } from "../../parts/list-section.tsx";
import { ToneMark } from "../../parts/marks.tsx";
import styles from "../../parts/page.module.css";
import { SelectField } from "../../parts/select-field.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { keys } from "../../stream/refresh.ts";
import { plain, plainLine } from "../../text/plain.ts";
import { unifiedDiff } from "../../text/unified-diff.ts";
import own from "./capsules.module.css";
import { type CapsuleDiff, capsulesApi, type DiffSide, shortDigest } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";
import { TwoSides } from "./two-sides.tsx";

const route = getRouteApi("/capsules/$id");

/** Where two runs part: the first difference with both sides, and the others below it. */
export function DiffView({ id }: { readonly id: string }) {
  const { other } = route.useSearch();
  return (
    <>
      <Choose key={other} id={id} other={other ?? ""} />
      {other === undefined ? null : <Compared id={id} other={other} />}
    </>
  );
}

function Choose({ id, other }: { readonly id: string; readonly other: string }) {
  const navigate = route.useNavigate();
  const kept = useQuery({ queryKey: [...keys.runs, "kept"], queryFn: ({ signal }) => capsulesApi.kept(signal) });
  const others = kept.data?.items.filter(({ digest }) => digest !== id) ?? [];
  const [named, setNamed] = useState(other);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void navigate({ search: capsuleSearch({ tab: "diff", other: named.trim() }) });
  };
  return (
    <form className={styles["card"]} aria-label={k("diff.form.label")} onSubmit={submit}>
      <p className={styles["lead"]}>{k("diff.form.lead")}</p>
      <div className={styles["fields"]}>
        {others.length > 0 ? (
          <SelectField
            label={k("diff.form.kept")}
            value={others.some(({ digest }) => digest === named) ? named : ""}
            options={[
              { value: "", label: k("diff.form.none") },
              ...others.map(({ digest, title }) => ({ value: digest, label: `${title} ${shortDigest(digest)}` })),
            ]}
            onChange={setNamed}
          />
        ) : null}
        <Field
          label={k("diff.form.other")}
          help={k("diff.form.help")}
          value={named}
          onChange={(event) => setNamed(event.target.value)}
        />
      </div>
      <div className={styles["actions"]}>
        <Button type="submit" look="primary" disabled={named.trim() === ""}>
          {k("diff.form.action")}
        </Button>
      </div>
    </form>
  );
}

function Compared({ id, other }: { readonly id: string; readonly other: string }) {
  const diff = useQuery({
    queryKey: [...keys.run(id), "diff", other],
    queryFn: ({ signal }) => capsulesApi.diff(id, other, signal),
  });
  if (diff.isError) return <ErrorCard error={diff.error} onRetry={() => void diff.refetch()} />;
  if (!diff.data) return <Skeleton rows={4} />;
  return <Told diff={diff.data} />;
}

function Told({ diff }: { readonly diff: CapsuleDiff }) {
  const { isEqual, equalEvents, firstStep, differing, onlyA, onlyB, inForce } = diff;
  return (
    <>
      <Section title={k("diff.told.title")}>
        <p role="status" className={styles["row"]} data-equal={isEqual}>
          <ToneMark Icon={isEqual ? CheckIcon : TriangleAlertIcon} tone={isEqual ? "ok" : "warn"}>
            {isEqual ? k("diff.told.equal") : apartText(firstStep)}
          </ToneMark>
          <span>{k(isEqual ? "diff.told.all" : "diff.told.same", { count: equalEvents })}</span>
          {onlyA > 0 ? <span>{k("diff.told.here", { count: onlyA })}</span> : null}
          {onlyB > 0 ? <span>{k("diff.told.there", { count: onlyB })}</span> : null}
        </p>
        {differing.map(({ a, b }) => (
          <div key={`${a?.seq ?? "none"} ${b?.seq ?? "none"}`} className={own["stack"]}>
            <TwoSides
              then={{ title: k("diff.side.here"), body: <SideText side={a} /> }}
              now={{ title: k("diff.side.there"), body: <SideText side={b} /> }}
            />
            {a && b ? (
              <details className={styles["fold"]}>
                <summary>{k("diff.side.json")}</summary>
                <Diff diff={unifiedDiff(prettyJson(a.json), prettyJson(b.json))} />
              </details>
            ) : null}
          </div>
        ))}
      </Section>
      {inForce.length > 0 ? (
        <Section title={k("diff.rules.title")}>
          {inForce.map(({ what, a, b }) => (
            <div key={what} className={own["stack"]}>
              <p className={styles["name"]}>{plainLine(what)}</p>
              <TwoSides
                then={{ title: k("diff.side.here"), body: <p>{plain(a)}</p> }}
                now={{ title: k("diff.side.there"), body: <p>{plain(b)}</p> }}
              />
            </div>
          ))}
        </Section>
      ) : null}
    </>
  );
}

/** Before the first step lies what the run was given. */
const apartText = (step: number | null): string =>
  step === null || step === 0 ? k("diff.told.begin") : k("diff.told.apart", { step });

const prettyJson = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

function SideText({ side }: { readonly side: DiffSide }) {
  if (side === null) return <p className={styles["quiet"]}>{k("diff.side.nothing")}</p>;
  return (
    <>
      <p className={styles["row"]}>
        <code>{side.kind}</code>
        {side.step === null ? null : <span>{k("replay.events.step", { step: side.step })}</span>}
      </p>
      <p>{plain(side.text)}</p>
    </>
  );
}
