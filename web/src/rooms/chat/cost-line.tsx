import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { formatDuration, formatNumber } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import { chatApi, type Message, type Preview } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";
import type { Talker } from "./use-agents.ts";

const microUsdPerUsd = 1_000_000;
const usd = (microUsd: number): string => formatNumber(microUsd / microUsdPerUsd);

/** What an answer took. */
export function Spent({ message: { spent } }: { readonly message: Message }) {
  if (spent === null) return null;
  const { steps, inputTokens, outputTokens, microUsd, durationMs } = spent;
  const isAsked = inputTokens !== 0 || outputTokens !== 0;
  const tokens =
    inputTokens === null || outputTokens === null
      ? c("chat.cost.unknown")
      : c("chat.cost.tokens", { input: formatNumber(inputTokens), output: formatNumber(outputTokens) });
  return (
    <ul className={styles["spent"]}>
      <li>{c("chat.cost.steps", { count: steps })}</li>
      {isAsked ? <li>{tokens}</li> : null}
      {isAsked && microUsd !== null ? <li>{c("chat.cost.usd", { usd: usd(microUsd) })}</li> : null}
      <li>{formatDuration(durationMs)}</li>
    </ul>
  );
}

/** While somebody types, the hub is not asked at every letter. */
const settleMs = 600;

/** What a call of the agent's model may take, before it is asked. */
export function CostBefore({ talker, text }: { readonly talker: Talker; readonly text: string }) {
  const settled = useSettled(text.trim());
  const { model } = talker;
  const isAsked = model !== "" && model !== "none";
  const preview = useQuery({
    queryKey: ["cost", model, settled],
    queryFn: () => chatApi.preview(model, settled),
    enabled: isAsked && settled !== "",
    gcTime: 0,
    retry: false,
  });
  if (model === "none") return <p className={styles["quiet"]}>{c("chat.cost.none")}</p>;
  const [first] = preview.data?.models ?? [];
  if (!isAsked || settled === "" || first === undefined) return null;
  return <p className={styles["quiet"]}>{worstText(first)}</p>;
}

function worstText({
  model,
  isLocal,
  inputTokensMax,
  outputTokensMax,
  microUsdMax,
  allowances,
}: Preview["models"][number]) {
  const money = isLocal
    ? c("chat.cost.local")
    : microUsdMax === null
      ? c("chat.cost.unpriced")
      : c("chat.cost.money", { usd: usd(microUsdMax) });
  const worst = c("chat.cost.before", {
    model: plainLine(model),
    input: formatNumber(inputTokensMax),
    output: formatNumber(outputTokensMax),
    money,
  });
  const short = allowances.find(({ isEnough }) => !isEnough);
  if (short === undefined) return worst;
  const left = `${formatNumber(short.left)} ${short.unit}`;
  return `${worst} ${c("chat.cost.short", { left, allowance: plainLine(short.text) })}`;
}

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), settleMs);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
