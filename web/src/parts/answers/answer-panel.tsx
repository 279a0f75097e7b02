import type { UseMutationResult } from "@tanstack/react-query";
import { type SubmitEvent, useLayoutEffect, useRef, useState } from "react";
import type { Approval, Decision } from "../../shapes.ts";
import { plainLine } from "../../text/plain.ts";
import { Button } from "../button.tsx";
import { Field } from "../field.tsx";
import { Segmented } from "../segmented.tsx";
import { a } from "./answer-messages.ts";
import styles from "./answer-panel.module.css";
import { EditForm } from "./edit-form.tsx";

const ways = ["lasting", "edit", "deny"] as const;
type Way = (typeof ways)[number];

export interface AnswerPanelProps {
  readonly id: string;
  readonly approval: Approval;
  readonly decide: UseMutationResult<unknown, Error, Decision>;
  readonly onClose: () => void;
}

/** The answers beside yes and no, each saying what it would allow before it is pressed. */
export function AnswerPanel({ id, approval, decide, onClose }: AnswerPanelProps) {
  const offered = new Set(approval.offers?.map(({ answer }) => answer));
  const open = ways.filter((each) => offered.has(each));
  const [way, setWay] = useState<Way>(open[0] ?? "deny");
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => panel.current?.focus(), []);
  return (
    <div
      ref={panel}
      id={id}
      role="group"
      aria-label={a("answer.panel.label")}
      tabIndex={-1}
      className={styles["panel"]}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose();
      }}
    >
      <Segmented
        label={a("answer.way.label")}
        value={way}
        onChange={setWay}
        options={open.map((value) => ({ value, label: a(`answer.way.${value}`) }))}
      />
      {way === "lasting" ? <LastingForm approval={approval} decide={decide} /> : null}
      {way === "edit" ? <EditForm approval={approval} decide={decide} /> : null}
      {way === "deny" ? <DenyForm decide={decide} /> : null}
    </div>
  );
}

type Offer = NonNullable<Approval["offers"]>[number];
type Over = NonNullable<Offer["over"]>;

function LastingForm({ approval, decide }: Pick<AnswerPanelProps, "approval" | "decide">) {
  const offers = (approval.offers ?? []).filter(({ answer }) => answer === "lasting");
  const [over, setOver] = useState(offers[0]?.over);
  const [until, setUntil] = useState(offers[0]?.until);
  const chosen = offers.find((offer) => offer.over === over && offer.until === until);
  if (chosen?.over === undefined || chosen.until === undefined) return null;
  const lasting = { over: chosen.over, until: chosen.until };
  const overs = [...new Set(offers.map((offer) => offer.over))].filter((each): each is Over => each !== undefined);
  const untils = [...new Set(offers.map((offer) => offer.until))].filter((each): each is string => each !== undefined);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    decide.mutate({ decision: "allow", lasting });
  };
  return (
    <form className={styles["form"]} onSubmit={submit}>
      <div className={styles["choices"]}>
        <span className={styles["choice"]}>
          <span aria-hidden>{a("answer.lasting.over")}</span>
          <Segmented
            label={a("answer.lasting.over")}
            value={lasting.over}
            onChange={setOver}
            options={overs.map((value) => ({ value, label: a(`answer.over.${value}`) }))}
          />
        </span>
        <span className={styles["choice"]}>
          <span aria-hidden>{a("answer.lasting.until")}</span>
          <Segmented
            label={a("answer.lasting.until")}
            value={lasting.until}
            onChange={setUntil}
            options={untils.map((value) => ({ value, label: untilText(value) }))}
          />
        </span>
      </div>
      <p aria-live="polite">
        {a("answer.lasting.means")} <strong>{plainLine(chosen.words)}</strong>
      </p>
      <p className={styles["quiet"]}>{a("answer.lasting.note")}</p>
      <div>
        <Button type="submit" look="primary" disabled={decide.isPending}>
          {a("answer.lasting.action")}
        </Button>
      </div>
    </form>
  );
}

const units = { s: "seconds", m: "minutes", h: "hours", d: "days" } as const;

function untilText(until: string): string {
  const unit = units[until.at(-1) as keyof typeof units] as (typeof units)[keyof typeof units] | undefined;
  if (until === "run" || unit === undefined) return a("answer.until.run");
  return a(`answer.time.${unit}`, { count: Number(until.slice(0, -1)) });
}

function DenyForm({ decide }: Pick<AnswerPanelProps, "decide">) {
  const [reason, setReason] = useState("");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const said = reason.trim();
    decide.mutate({ decision: "deny", ...(said === "" ? {} : { reason: said }) });
  };
  return (
    <form className={styles["form"]} onSubmit={submit}>
      <Field
        label={a("answer.deny.reason")}
        help={a("answer.deny.help")}
        value={reason}
        maxLength={500}
        onChange={(event) => setReason(event.target.value)}
      />
      <div>
        <Button type="submit" disabled={decide.isPending}>
          {a("answer.deny.action")}
        </Button>
      </div>
    </form>
  );
}
