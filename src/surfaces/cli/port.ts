/** What the command line needs from outside: a terminal, a way to a hub, and how a hub's domains like to be shown. */
import type { ProblemDocument } from "../../contract/problem.ts";
import type { Table } from "../../kernel/kernel.ts";
import type { Pen } from "./pen.ts";

export interface Terminal {
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly columns: number;
  /** A person reads and types here: input and output are both a terminal. */
  readonly isTty: boolean;
  /** What is written goes to a screen and not into a pipe or a file. */
  readonly isScreen: boolean;
  readonly hasColor: boolean;
  /** As they are. */
  readonly writeBytes?: (bytes: Uint8Array) => void;
  /** Rejects when the signal aborts or the input ends. */
  ask(question: string, signal: AbortSignal): Promise<string>;
  /** Calls on Ctrl-C, also while a question is open; the returned function stops that. */
  onInterrupt(run: () => void): () => void;
  /** A moment in the words of the person's own clock. */
  readonly timeText: (epochMs: number) => string;
  /** Absolute path of what a person typed. */
  resolvePath(path: string): string;
}

export type CallResult =
  | { readonly kind: "answer"; readonly output: unknown }
  | { readonly kind: "accepted"; readonly taskId: string; readonly corrId: string }
  | { readonly kind: "held"; readonly approvalId: string; readonly corrId: string };

export type Input = Readonly<Record<string, unknown>>;

/** A way to a hub, over HTTP or in this process. Fails with `CallFailed` or `HubUnreachable`, or with the signal's reason. */
export interface Transport extends AsyncDisposable {
  call(operationId: string, input: Input, signal: AbortSignal): Promise<CallResult>;
  stream(operationId: string, input: Input, signal: AbortSignal): AsyncIterable<unknown>;
}

/** The hub answered with a problem. */
export class CallFailed extends Error {
  readonly document: ProblemDocument;
  constructor(document: ProblemDocument) {
    super(document.detail);
    this.name = "CallFailed";
    this.document = document;
  }
}

/** Nothing answers where a hub should be. */
export class HubUnreachable extends Error {
  readonly address: string;
  constructor(address: string, options?: ErrorOptions) {
    super(`No hub answers at ${address}.`, options);
    this.name = "HubUnreachable";
    this.address = address;
  }
}

/** Where and how a call goes; the same for every command. */
export interface Globals {
  readonly json?: boolean;
  readonly url?: string;
  readonly port?: string;
  readonly token?: string;
  readonly stateDir?: string;
  readonly portable?: boolean;
  readonly config?: string;
  readonly local?: boolean;
}

/** An id that a person may shorten: the list that knows every whole one. */
export interface ShortId {
  readonly field: string;
  /** Operation that lists rows in `items`. */
  readonly list: string;
  /** Field of a row that holds the id. */
  readonly key: string;
}

/** How a question in words is read and answered. */
export interface WordsPlan {
  readonly askedKind: string;
  readonly endedKinds: readonly string[];
  /** Lists those of a job that nobody has answered. */
  readonly waiting: {
    readonly operation: string;
    input(corrId: string): Input;
    ids(output: unknown): readonly string[];
  };
  /** Reads one question by its id, as `key`: its `status`, its `question` and its `options`. */
  readonly question: string;
  readonly answer: string;
  input(questionId: string, text: string): Input;
  answerCommand(questionId: string): string;
}

/** How a job is followed. The surface knows no domain: `app` says which operations and events mean what. */
export interface FollowedLine {
  readonly seq: number;
  readonly text: string;
  /** What came of it, and why: where the job ends with it, that is said once, as its end. */
  readonly isEnd?: boolean;
}

export interface FollowPlan {
  readonly events: string;
  /** Tells the position of the newest event; what a call leaves behind stands above it. */
  readonly newest: { readonly operation: string; readonly input: Input; seqOf(output: unknown): number };
  readonly progressKinds: readonly string[];
  readonly askedKind: string;
  readonly answeredKinds: readonly string[];
  /** Says that what was decided never begins, with its `reason`. */
  readonly skippedKind?: string;
  /** Reads one question by its id, as `key`. */
  readonly question: string;
  readonly decide: string;
  decision(approvalId: string, isAllowed: boolean): Input;
  /** The answer that holds until the run ends, where the question offers one, and what it would allow. */
  runAnswer?(question: Readonly<Record<string, unknown>>): { readonly words: string; readonly input: Input } | null;
  /** What an agent asks its person in words. */
  readonly words?: WordsPlan;
  readonly story: string;
  storyInput(corrId: string, afterSeq: number): Input;
  storyLines(output: unknown, pen: Pen): readonly FollowedLine[];
  /** The position behind which the story goes on, or null when it was told to its end. */
  storyMore(output: unknown): number | null;
  /** Ids of the questions that the job waits for. */
  storyWaits(output: unknown): readonly string[];
  /** Whether what the story tells of has ended. */
  storyOver(output: unknown): boolean;
  /** What a person types to stop what has this id, to look at it, and to answer a question. */
  stopCommand(corrId: string): string;
  showCommand(corrId: string): string;
  answerCommand(approvalId: string): string;
}

export interface Presentation {
  /** Shorter words for an operation: `episodes` for `state.episodes`. */
  readonly shortcuts: readonly { readonly words: string; readonly operation: string }[];
  /** A flag of one command, in one word or several, that means another one: `stop` with `--all` is `halt`. */
  readonly aliases?: readonly { readonly word: string; readonly flag: string; readonly means: readonly string[] }[];
  /** Other words for the options of fields, also of fields inside a field, by operation: `{ "lasting.until": "for" }`. */
  readonly flags?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Operations whose last words are what a person says, with or without quotes. */
  readonly spoken?: readonly string[];
  /** What has to be read on this machine before a call is sent, by operation: the file behind a path that a person typed. */
  readonly prepare?: Readonly<
    Record<string, (input: Input, terminal: Pick<Terminal, "resolvePath">) => Promise<Input>>
  >;
  /** What the hub was given in the place of what a person typed, it names as it knows it: they are told what they typed. */
  readonly answers: Readonly<Record<string, (output: unknown, pen: Pen, typed: Input) => string>>;
  /** Answers that hold a file: its bytes go into a pipe as they are, and never onto a screen. Null for those that hold none. */
  readonly files?: Readonly<Record<string, (output: unknown) => Uint8Array | null>>;
  readonly items: Readonly<Record<string, (item: unknown, pen: Pen, typed: Input) => string>>;
  readonly shortIds: Readonly<Record<string, readonly ShortId[]>>;
  /** Fields that are such ids in every operation that has them. */
  readonly shortIdsEverywhere?: readonly ShortId[];
  /** Operations that answer at once and leave a job behind, with the correlation id that their answer gives it. */
  readonly jobsLeft?: Readonly<Record<string, (output: unknown) => string>>;
  /**
   * Answers that tell of a failure: the command prints them and ends as with a problem, or with the exit code that is given, so
   * that a script sees it.
   */
  readonly failures?: Readonly<Record<string, (output: unknown) => boolean | number>>;
  /** Problems in the words of the person: what was sent in the place of what they typed is named as they typed it. */
  readonly failed?: Readonly<Record<string, (document: ProblemDocument, typed: Input) => ProblemDocument>>;
  /** What an answer lacks and a person at the terminal can bring, by operation; true where it is here now, and is asked for again. */
  readonly offers?: Readonly<
    Record<string, (output: unknown, globals: Globals, signal: AbortSignal) => Promise<boolean>>
  >;
  /** Calls that may take long, by operation: the live event that tells how far one is, and its field that names the subject. */
  readonly progress?: Readonly<Record<string, { readonly kind: string; readonly subject: string }>>;
  readonly follow: FollowPlan;
  /** The overview: first words of commands under a heading, most wanted first. */
  readonly groups: readonly { readonly title: string; readonly words: readonly string[] }[];
  readonly examples: readonly (readonly [command: string, effect: string])[];
}

/**
 * A command that no single operation stands behind. A flag that takes a value, such as `--prefix <text>`, may be repeated and
 * arrives as a list of texts; every other one arrives as `true`. Names arrive in camelCase.
 */
export interface OwnCommand {
  readonly words: string;
  readonly about: string;
  readonly argument?: { readonly name: string; readonly about: string };
  /** Words behind `--`, which mean something to somebody else. */
  readonly rest?: { readonly name: string; readonly about: string };
  readonly options: readonly (readonly [flag: string, about: string])[];
  run(given: {
    readonly argument: string;
    readonly rest?: readonly string[];
    readonly flags: Readonly<Record<string, unknown>>;
    readonly globals: Globals;
  }): Promise<number>;
}

export interface CliParts {
  readonly table: Table;
  readonly terminal: Terminal;
  readonly presentation: Presentation;
  readonly version: string;
  connect(globals: Globals): Promise<Transport>;
  /** Rejects when the signal aborts. */
  wait(delayMs: number, signal: AbortSignal): Promise<void>;
  readonly own?: readonly OwnCommand[];
  /** What the machine refused, such as a file or a full disk; null for a defect. */
  faultDocument?(error: unknown): ProblemDocument | null;
  /** Runs the hub in front and answers its exit code. */
  startHub(flags: readonly string[]): Promise<number>;
}

export const exitCodes = { ok: 0, problem: 1, usage: 2, unreachable: 3, unknown: 4, interrupted: 130 } as const;
