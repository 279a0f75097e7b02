import { useMutation, type UseMutationResult } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type SubmitEvent, useLayoutEffect, useRef, useState } from "react";
import { ApiFault } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import styles from "../../parts/page.module.css";
import { useStillHere } from "../../parts/use-still-here.ts";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { base64Of } from "./base64.ts";
import { type CapsuleInfo, capsulesApi, type Given } from "./capsules-api.ts";
import { CapsuleFacts } from "./capsule-facts.tsx";
import { k } from "./capsules-messages.ts";
import { readSample } from "./sample.ts";
import own from "./capsules.module.css";

/** What a request may carry; larger files are read by the hub itself, from their path. */
const fileBytesMax = 6_000_000;

const unsound = "capsules.unsound";

interface Seen {
  readonly given: Given;
  readonly info: CapsuleInfo;
}

type Look = UseMutationResult<Seen, Error, () => Promise<Given>>;

/** Reads a file wherever it comes from, and asks what it is. */
export const useLook = (): Look =>
  useMutation({
    mutationFn: async (read: () => Promise<Given>) => {
      const given = await read();
      return { given, info: await capsulesApi.preview(given) };
    },
  });

export interface ImportCardProps {
  readonly look: Look;
  readonly onClose: () => void;
}

/** A capsule of somebody else: looked at as data, and kept only on yes. */
export function ImportCard({ look, onClose }: ImportCardProps) {
  const card = useRef<HTMLElement>(null);
  const isSeen = look.data !== undefined;
  const wasSeen = useRef(isSeen);
  // What was pressed is gone from the card, so the focus goes to its top.
  useLayoutEffect(() => {
    if (wasSeen.current !== isSeen) card.current?.focus();
    wasSeen.current = isSeen;
  }, [isSeen]);
  return (
    <section
      ref={card}
      tabIndex={-1}
      className={styles["card"]}
      aria-label={k("capsules.import.open")}
      data-layer="import"
    >
      <h2>{k("capsules.import.open")}</h2>
      <p className={styles["lead"]}>{k("capsules.import.lead")}</p>
      {look.data ? (
        <Preview seen={look.data} onOther={() => look.reset()} onClose={onClose} />
      ) : (
        <Choose look={look} onClose={onClose} />
      )}
    </section>
  );
}

function Choose({ look, onClose }: ImportCardProps) {
  const [file, setFile] = useState<File | null>(null);
  const [path, setPath] = useState("");
  const [fault, setFault] = useState("");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (file && file.size > fileBytesMax) return setFault(k("capsules.import.large"));
    if (file?.size === 0) return setFault(k("capsules.import.blank"));
    if (!file && path.trim() === "") return setFault(k("capsules.import.none"));
    setFault("");
    look.mutate(async () => (file ? { content: base64Of(await file.arrayBuffer()) } : { file: path.trim() }));
  };
  return (
    <form className={own["stack"]} noValidate onSubmit={submit}>
      <div className={styles["fields"]}>
        <Field
          type="file"
          label={k("capsules.import.file")}
          accept=".capsule"
          error={fault === "" ? undefined : fault}
          onChange={(event) => setFile(event.target.files?.[0] ?? null)}
        />
        <Field
          label={k("capsules.import.path")}
          help={k("capsules.import.help")}
          value={path}
          disabled={file !== null}
          onChange={(event) => setPath(event.target.value)}
        />
      </div>
      {look.isError ? <ErrorCard error={look.error} /> : null}
      {look.error instanceof ApiFault && look.error.code === unsound ? <p>{k("capsules.import.refused")}</p> : null}
      <div className={styles["actions"]}>
        <Button type="submit" look="primary" disabled={look.isPending}>
          {k("capsules.import.look")}
        </Button>
        <Button disabled={look.isPending} onClick={() => look.mutate(readSample)}>
          {k("capsules.sample.look")}
        </Button>
        <Button look="quiet" data-close onClick={onClose}>
          {k("capsules.import.cancel")}
        </Button>
      </div>
    </form>
  );
}

interface PreviewProps {
  readonly seen: Seen;
  readonly onOther: () => void;
  readonly onClose: () => void;
}

function Preview({ seen: { given, info }, onOther, onClose }: PreviewProps) {
  const { client } = useHub();
  const navigate = useNavigate();
  const mark = useStillHere();
  const take = useMutation({
    onMutate: () => mark(),
    mutationFn: () => capsulesApi.take(given, info.digest),
    onSuccess: async (_taken, _asked, isStillHere) => {
      await client.invalidateQueries({ queryKey: keys.runs });
      onClose();
      if (isStillHere()) await navigate({ to: "/capsules/$id", params: { id: info.digest } });
    },
  });
  return (
    <>
      <h3>{plainLine(info.manifest.run.title)}</h3>
      <CapsuleFacts info={info} />
      <p>{k(info.isKept ? "capsules.import.kept" : "capsules.import.safe")}</p>
      {take.isError ? <ErrorCard error={take.error} /> : null}
      <div className={styles["actions"]}>
        <Button look="primary" disabled={take.isPending} onClick={() => take.mutate()}>
          {k("capsules.import.action")}
        </Button>
        <Button onClick={onOther}>{k("capsules.import.other")}</Button>
        <Button look="quiet" data-close onClick={onClose}>
          {k("capsules.import.cancel")}
        </Button>
      </div>
    </>
  );
}
