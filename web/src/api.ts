/** The hub's operations that the screens use. Same origin, sign-in by cookie; no token passes through here but at sign-in. */
import type {
  AgentManifest,
  Allowance,
  Approval,
  Decision,
  Episode,
  EpisodePage,
  HaltState,
  HubEvent,
  JournalPage,
  Lease,
  Page,
  Posture,
  ProblemDocument,
  Question,
  Schedule,
  Started,
  Stats,
} from "./shapes.ts";

/** A refusal of the hub, or its absence (`status` 0), with what a person needs to act on it. */
export class ApiFault extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly reference: string;
  /** Each with its place, such as a line of a file or a field of the input. */
  readonly faults: readonly Fault[];
  /** The nearest change that helps, when the hub names one. */
  readonly next: string;

  constructor(problem: Partial<ProblemDocument>, options?: ErrorOptions) {
    super(problem.detail ?? problem.title ?? "", options);
    this.name = "ApiFault";
    this.status = problem.status ?? 0;
    this.code = problem.code ?? "web.unreachable";
    this.title = problem.title ?? "";
    this.reference = problem.instance ?? "";
    this.faults = (problem.faults ?? []).map((fault) =>
      typeof fault === "string"
        ? { at: "", message: fault }
        : { at: fault.at ?? "", message: [fault.message, fault.hint ?? ""].join(" ").trim() },
    );
    this.next = problem.next ?? "";
  }
}

export interface Fault {
  readonly at: string;
  readonly message: string;
}

export const isLocked = (error: unknown): boolean => error instanceof ApiFault && error.status === 401;

async function request<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(path, { credentials: "same-origin", ...init }).catch((cause: unknown) => {
    if (init.signal?.aborted) throw cause;
    throw new ApiFault({}, { cause });
  });
  if (!response.ok) throw new ApiFault(await problemOf(response));
  return (await response.json()) as Answer;
}

async function problemOf(response: Response): Promise<Partial<ProblemDocument>> {
  const reference = response.headers.get("x-arw-corr") ?? "";
  const fallback = { status: response.status, code: `http.${response.status}`, title: response.statusText };
  const text = await response.text().catch(() => "");
  try {
    return { ...fallback, instance: reference, ...(JSON.parse(text) as Partial<ProblemDocument>) };
  } catch {
    return { ...fallback, instance: reference };
  }
}

export const get = <Answer>(path: string, signal?: AbortSignal): Promise<Answer> =>
  request(path, { headers: { accept: "application/json" }, ...(signal ? { signal } : {}) });

export const post = <Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer> =>
  request(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });

export const put = <Answer>(path: string, body: object): Promise<Answer> =>
  request(path, {
    method: "PUT",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  });

interface Streamed {
  readonly signal: AbortSignal;
  readonly body?: object;
}

/** An answer that comes bit by bit; a refusal comes at once. */
export async function streamed(path: string, { signal, body }: Streamed): Promise<Response> {
  const accept = "text/event-stream";
  const init = body && {
    method: "POST",
    headers: { "content-type": "application/json", accept },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, {
    credentials: "same-origin",
    signal,
    ...(init ?? { headers: { accept } }),
  }).catch((cause: unknown) => {
    throw new ApiFault({}, { cause });
  });
  if (!response.ok) throw new ApiFault(await problemOf(response));
  return response;
}

export const remove = <Answer>(path: string): Promise<Answer> =>
  request(path, { method: "DELETE", headers: { accept: "application/json" } });

/** What to look for in the journal; what is absent does not narrow. */
export interface JournalFilters {
  readonly prefix?: string | undefined;
  readonly corr?: string | undefined;
  readonly afterSeq?: number | undefined;
  readonly toSeq?: number | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface EpisodeFilters {
  readonly status?: string;
  readonly errorsOnly?: boolean;
  readonly text?: string;
}

/** One page of a list; more rows come with the next cursor. */
const pageSize = 100;

export function query(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) search.set(name, String(value));
  return search.toString();
}

interface Declassified {
  readonly episode: string;
  readonly step: number;
  /** Kept in the ledger. */
  readonly reason: string;
}

export const api = {
  whoami: (signal?: AbortSignal) => get<{ caller: string }>("/whoami", signal),
  about: (signal?: AbortSignal) => get<{ service: string; version: string; node: string }>("/about", signal),
  signIn: (proof: { readonly code: string } | { readonly token: string }) =>
    post<{ caller: string; expiresAtMs: number }>("/signin", proof),
  signOut: () => post<{ signedOut: boolean }>("/signout", {}),
  episodes: (filters: EpisodeFilters & { readonly cursor?: string }, signal?: AbortSignal) =>
    get<Page<Episode>>(`/state/episodes?${query({ limit: pageSize, ...filters })}`, signal),
  episode: (id: string, afterSeq: number, signal?: AbortSignal) =>
    get<EpisodePage>(`/episodes/${encodeURIComponent(id)}?${query({ afterSeq, limit: 1000 })}`, signal),
  /** The row alone, without the story. */
  episodeRow: (id: string, signal?: AbortSignal) => get<Episode>(`/state/episodes/${encodeURIComponent(id)}`, signal),
  declassify: (value: Declassified) => post<object>("/agents/declassify", value),
  approvals: (status: string, signal?: AbortSignal) =>
    get<Page<Approval>>(`/state/approvals?${query({ limit: pageSize, status })}`, signal),
  approval: (id: string, signal?: AbortSignal) => get<Approval>(`/state/approvals/${encodeURIComponent(id)}`, signal),
  decide: (id: string, decision: Decision) => post<Approval>(`/approvals/${encodeURIComponent(id)}/decide`, decision),
  questions: (signal?: AbortSignal) =>
    get<Page<Question>>(`/state/questions?${query({ limit: pageSize, status: "waiting" })}`, signal),
  question: (id: string, signal?: AbortSignal) => get<Question>(`/state/questions/${encodeURIComponent(id)}`, signal),
  answer: (id: string, text: string) => post<Question>(`/questions/${encodeURIComponent(id)}/answer`, { text }),
  schedules: (signal?: AbortSignal) => get<{ schedules: readonly Schedule[] }>("/schedules", signal),
  schedule: (name: string, verb: "run" | "go-on") => post<object>(`/schedules/${encodeURIComponent(name)}/${verb}`, {}),
  journal: (
    filters: JournalFilters & { readonly limit: number; readonly cursor?: number | undefined },
    signal?: AbortSignal,
  ) => get<JournalPage>(`/events/journal?${query({ ...filters })}`, signal),
  event: (seq: number, signal?: AbortSignal) => get<HubEvent>(`/events/${seq}`, signal),
  stats: (signal?: AbortSignal) => get<Stats>("/introspect/stats", signal),
  /** Where a rule asks, the answer is a question's id and nothing is removed yet. */
  removeConsumer: (name: string) =>
    remove<{ removed: boolean } | { approvalId: string }>(`/consumers/${encodeURIComponent(name)}`),
  posture: (signal?: AbortSignal) => get<Posture>("/egress/posture", signal),
  leases: (signal?: AbortSignal) => get<Page<Lease>>(`/state/egressLeases?${query({ limit: 200 })}`, signal),
  halt: (signal?: AbortSignal) => get<HaltState>("/halt", signal),
  stopAll: (reason: string) => post<HaltState>("/halt", reason === "" ? {} : { reason }),
  release: () => post<HaltState>("/halt/release", {}),
  sample: () => post<{ folder: string }>("/scout/sample", {}),
  brief: (folder: string) => post<Started>("/scout/brief", { folder }),
  agent: (id: string, signal?: AbortSignal) => get<AgentManifest>(`/agents/${encodeURIComponent(id)}`, signal),
  allowances: (signal?: AbortSignal) => get<{ allowances: readonly Allowance[] }>("/budgets", signal),
  stop: (episode: string) => post<{ episode: string; status: string }>("/agents/stop", { episode }),
  resume: (episode: string) => post<{ episode: string; status: string }>("/agents/resume", { episode }),
};
