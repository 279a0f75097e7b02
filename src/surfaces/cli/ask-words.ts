/** A question that an agent asks its person in words: shown with its answers, and answered where a person can type. */
import type { Pen } from "./pen.ts";
import { CallFailed, type Terminal, type Transport, type WordsPlan } from "./port.ts";
import type { Screen } from "./screen.ts";

export interface AskingWords {
  readonly words: WordsPlan;
  readonly transport: Transport;
  readonly terminal: Terminal;
  readonly pen: Pen;
  readonly screen: Screen;
}

interface Question {
  readonly status: string;
  readonly question: string;
  readonly options: readonly string[];
}

/** An empty line leaves it without an answer for now. The signal takes it away; what was typed is still sent. */
export async function askWords(asking: AskingWords, questionId: string, signal: AbortSignal): Promise<void> {
  const { words, transport, terminal, pen, screen } = asking;
  const never = new AbortController().signal;
  const result = await transport.call(words.question, { key: questionId }, signal);
  const asked = (result.kind === "answer" ? result.output : {}) as Partial<Question>;
  // Whoever reads from the beginning also meets questions that were answered.
  if (asked.status !== "waiting") return;
  const { question = "", options = [] } = asked;
  const lines = options.map((each, place) => `  ${place + 1}  ${pen.safe(each)}`);
  screen.line([pen.paint("yellow", `? ${pen.safe(question)}`), ...lines].join("\n"));
  const said = terminal.isTty ? await typed(asking, signal) : "";
  if (said === null) return;
  if (said === "") {
    terminal.writeError(`It waits for an answer: \`${words.answerCommand(questionId)}\`\n`);
    return;
  }
  const text = options[Number(said) - 1] ?? said;
  await transport.call(words.answer, words.input(questionId, text), never).catch((error: unknown) => {
    // Its time is over, or somebody else was quicker.
    if (!(error instanceof CallFailed)) throw error;
    terminal.writeError(`${pen.safe(error.document.detail)}\n`);
  });
}

/** Null when it was taken away, or the input ended. */
async function typed({ terminal, screen }: AskingWords, signal: AbortSignal): Promise<string | null> {
  screen.hold();
  try {
    return (await terminal.ask("Your answer: ", signal)).trim();
  } catch (error) {
    if (signal.aborted || (error instanceof Error && error.name === "AbortError")) return null;
    throw error;
  } finally {
    screen.release();
  }
}
