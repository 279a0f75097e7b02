/** Problems: the failures that are part of the contract. On the wire they are RFC 9457 documents with a stable code. */

export interface ProblemDefinition<Code extends string = string> {
  /** `domain.what-happened`; stable for ever, never reused. */
  readonly code: Code;
  readonly status: number;
  readonly title: string;
  /** What happened in general and what the reader can do. */
  readonly about: string;
}

export const problem = <const Code extends string>(definition: ProblemDefinition<Code>): ProblemDefinition<Code> =>
  Object.freeze(definition);

/**
 * A problem that happened. `detail` says what happened to what; it never holds a secret. `extra` goes into the document,
 * but for `cause`, which is the error behind it and stays in the process.
 */
export class Problem extends Error {
  readonly definition: ProblemDefinition;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(definition: ProblemDefinition, detail: string, extra: Readonly<Record<string, unknown>> = {}) {
    const { cause, ...shown } = extra;
    super(detail, cause === undefined ? {} : { cause });
    this.name = "Problem";
    this.definition = definition;
    this.extra = shown;
  }
}

export const isProblem = (error: unknown, definition?: ProblemDefinition): error is Problem =>
  error instanceof Problem && (definition === undefined || error.definition.code === definition.code);

/** The RFC 9457 document of a problem. `instance` is the correlation id, which finds the episode and the log line. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance: string;
  readonly [extra: string]: unknown;
}

export const problemDocument = (error: Problem, corrId: string): ProblemDocument => ({
  ...error.extra,
  type: `/problems/${error.definition.code}`,
  title: error.definition.title,
  status: error.definition.status,
  code: error.definition.code,
  detail: error.message,
  instance: corrId,
});
