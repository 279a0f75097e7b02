import { useMutation, useQuery } from "@tanstack/react-query";
import { MessageCircleQuestionIcon } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { api } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import type { Question } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { formatClock } from "../../text/formats.ts";
import { plain, plainLine } from "../../text/plain.ts";
import cards from "../approval-card.module.css";
import { EpisodeLink } from "../approval-card.tsx";
import { Button } from "../button.tsx";
import { ErrorCard } from "../error-card.tsx";
import { Field } from "../field.tsx";
import { Skeleton } from "../skeleton.tsx";
import { w } from "./needs-messages.ts";

/** The question of one id: a form while it waits, what was said after. */
export function QuestionOf({ id }: { readonly id: string }) {
  const question = useQuery({
    queryKey: [...keys.questions, "one", id],
    queryFn: ({ signal }) => api.question(id, signal),
  });
  if (question.isError) return <ErrorCard error={question.error} onRetry={() => void question.refetch()} />;
  return question.data ? <QuestionCard question={question.data} /> : <Skeleton rows={2} />;
}

interface QuestionCardProps {
  readonly question: Question;
  readonly hasEpisodeLink?: boolean;
}

/** What an agent asks its person. It never takes the focus, and the answer is theirs to word. */
export function QuestionCard({ question, hasEpisodeLink = false }: QuestionCardProps) {
  const { questionId, status, corrId, askedBy, expiresAtMs } = question;
  const agent = plainLine(askedBy.replace(/^agent:/u, ""));
  const asked = plain(question.question);
  return (
    <div
      role="group"
      className={status === "waiting" ? cards["card"] : cards["answered"]}
      data-thing="question"
      data-copy={questionId}
      data-episode={corrId}
      data-question={status === "waiting" ? questionId : undefined}
      tabIndex={0}
      aria-label={w("ask.card.label", { agent, question: plainLine(question.question) })}
    >
      <header className={cards["head"]}>
        <p className={cards["state"]}>
          <MessageCircleQuestionIcon size={14} aria-hidden />
          {w("ask.card.waiting", { agent })}
        </p>
        <p className={cards["summary"]}>{asked}</p>
      </header>
      {status === "waiting" ? (
        <>
          <AnswerForm question={question} />
          <p>{w("ask.card.until", { clock: formatClock(expiresAtMs) })}</p>
        </>
      ) : (
        <p>
          <strong>{w(`ask.done.${status}`)}</strong> {question.text === undefined ? null : plain(question.text)}
        </p>
      )}
      {hasEpisodeLink ? (
        <div className={cards["actions"]}>
          <EpisodeLink id={corrId} />
        </div>
      ) : null}
    </div>
  );
}

function AnswerForm({ question: { questionId, options } }: Pick<QuestionCardProps, "question">) {
  const { client } = useHub();
  const [text, setText] = useState("");
  const answer = useMutation({
    mutationFn: (said: string) => api.answer(questionId, said),
    // An answer that came too late is an answer all the same: read what holds now.
    onSettled: () => client.invalidateQueries({ queryKey: keys.questions }),
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (text.trim() !== "") answer.mutate(text.trim());
  };
  return (
    <form className={cards["head"]} onSubmit={submit}>
      {options.length > 0 ? (
        <div role="group" aria-label={w("ask.card.options")} className={cards["actions"]}>
          {options.map((option) => (
            <Button key={option} disabled={answer.isPending} onClick={() => answer.mutate(option)}>
              {plainLine(option)}
            </Button>
          ))}
        </div>
      ) : null}
      <Field label={w("ask.card.answer")} value={text} onChange={(event) => setText(event.target.value)} />
      {answer.isError ? <ErrorCard error={answer.error} /> : null}
      <div className={cards["actions"]}>
        <Button type="submit" look="primary" disabled={answer.isPending || text.trim() === ""}>
          {w("ask.card.send")}
        </Button>
      </div>
    </form>
  );
}
