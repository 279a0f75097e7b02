/** The hub's operations that only the policy room uses. */
import type { Client } from "../../../../client/src/index.ts";
import { ApiFault, get, post, query, remove, streamed } from "../../api.ts";
import type { AgentManifest, Approval, Page, ProblemDocument } from "../../shapes.ts";
import { readFrames, type SseFrame } from "../../stream/sse-parser.ts";

type Answer<Method extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<Method>>;

export type PolicyList = Answer<Client["policy"]["list"]>;
export type PolicyRow = PolicyList["policies"][number];
export type ContractList = Answer<Client["gating"]["contractsList"]>;
export type ContractRow = ContractList["contracts"][number];
export type Explained = Answer<Client["policy"]["explain"]>;
export type StageAnswer = Explained["stages"][number];
export type Question = NonNullable<Parameters<Client["policy"]["explain"]>[0]>;
export type Examples = Answer<Client["policy"]["test"]>;
export type NewAllowance = Parameters<Client["budgets"]["allow"]>[0];
export type PriceList = Answer<Client["budgets"]["prices"]>;
export type Price = PriceList["prices"][number];
export type Declassified = Answer<Client["state"]["declassifiedGet"]>;
export type Lease = Answer<Client["leases"]["list"]>["leases"][number];
export type GrantedLease = Parameters<Client["leases"]["grant"]>[0];
export type OpenedHost = Parameters<Client["egress"]["allow"]>[0];
export type Token = Answer<Client["access"]["tokensList"]>["tokens"][number];
export type MadeToken = Answer<Client["access"]["tokensCreate"]>;
export type LedgerEntry = Answer<Client["state"]["egressLedgerGet"]>;
export type Capsules = Answer<Client["provenance"]["status"]>;
export type Capsule = Capsules["adopted"][number];
export type AdoptionLedger = Answer<Client["provenance"]["ledger"]>;
export type Proposals = Answer<Client["whatif"]["proposals"]>;
export type Proposal = Proposals["proposals"][number];
export type Adopted = Answer<Client["whatif"]["adopt"]>;
type HistoryItem = ReturnType<Client["whatif"]["policy"]> extends AsyncGenerator<infer Each> ? Each : never;
export type PolicyEffect = NonNullable<HistoryItem["effect"]>;
export type ProofQuestions = Answer<Client["prove"]["questions"]>;
export type ProofQuestion = ProofQuestions["questions"][number];
export type Proof = Answer<Client["prove"]["network"]>;
type NewToken = Parameters<Client["access"]["tokensCreate"]>[0];
type Keys = Answer<Client["gating"]["keys"]>["keys"];

/** As much of a schema as a form can be made of; the hub itself checks the whole. */
export interface InputSchema {
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
}
export interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
}

const at = encodeURIComponent;
/** Deny rules that a person still reads; the rest is counted. */
export const contractsShownMax = 200;
const pastShownMax = 50;

export const policyApi = {
  policies: (signal?: AbortSignal) => get<PolicyList>("/policy/policies", signal),
  reloadPolicies: () => post<{ policies: number }>("/policy/reload", {}),
  contracts: (signal?: AbortSignal) =>
    get<ContractList>(`/gating/contracts?${query({ limit: contractsShownMax })}`, signal),
  reloadRules: () => post<{ rules: number }>("/gating/reload", {}),
  keys: (signal?: AbortSignal) => get<{ keys: Keys }>("/gate/keys?family=operation", signal),
  inputSchema: (operation: string, signal?: AbortSignal) =>
    get<InputSchema>(`/spec/schemas/operations/${at(operation)}.input.json`, signal),
  explain: (question: Question) => post<Explained>("/policy/explain", question),
  testExamples: () => post<Examples>("/policy/test", {}),
  allow: (allowance: NewAllowance) => post<object>("/budgets/allow", allowance),
  disallow: (id: string) => remove<object>(`/budgets/${at(id)}`),
  prices: (model: string, signal?: AbortSignal) =>
    get<PriceList>(`/budgets/prices?${query({ model: model === "" ? undefined : model })}`, signal),
  priceTemplate: (signal?: AbortSignal) => get<PriceList>(`/budgets/prices?${query({ template: true })}`, signal),
  reloadPrices: () => post<{ lists: number; prices: number }>("/budgets/prices/reload", {}),
  pastApprovals: (status: string | undefined, cursor: string, signal?: AbortSignal) =>
    get<Page<Approval>>(
      `/state/approvals?${query({ limit: pastShownMax, status, ...(cursor ? { cursor } : {}) })}`,
      signal,
    ),
  leases: (signal?: AbortSignal) => get<{ leases: readonly Lease[] }>("/leases", signal),
  grantLease: (lease: GrantedLease) => post<Lease>("/leases", lease),
  openHost: (opening: OpenedHost) => post<object>("/egress/leases", opening),
  revokeLease: (id: string) => remove<Lease>(`/leases/${at(id)}`),
  ledger: (outcome: string | undefined, cursor: string, signal?: AbortSignal) =>
    get<Page<LedgerEntry>>(
      `/state/egressLedger?${query({ limit: pastShownMax, outcome, ...(cursor ? { cursor } : {}) })}`,
      signal,
    ),
  agents: (signal?: AbortSignal) => get<{ agents: readonly AgentManifest[] }>("/agents", signal),
  acceptTools: (agent: string, added: readonly string[]) => post<object>(`/agents/${at(agent)}/accept`, { added }),
  declassified: (cursor: string, signal?: AbortSignal) =>
    get<Page<Declassified>>(
      `/state/declassified?${query({ limit: pastShownMax, ...(cursor ? { cursor } : {}) })}`,
      signal,
    ),
  capsules: (signal?: AbortSignal) => get<Capsules>("/provenance/status", signal),
  adoptions: (signal?: AbortSignal) => get<AdoptionLedger>("/provenance/ledger", signal),
  endCapsule: ({ id, issuer }: Capsule) => remove<object>(`/provenance/capsules/${at(id)}?${query({ issuer })}`),
  proposals: (signal?: AbortSignal) => get<Proposals>("/what-if/proposals", signal),
  adopt: (proposal: string) => post<Adopted>(`/what-if/proposals/${at(proposal)}/adopt`, {}),
  /** Holds a policy against all that was decided here; tells how far it came, and answers when it is through. */
  async whatIfPolicy(policy: string, onAt: (decisions: number) => void): Promise<PolicyEffect | null> {
    const response = await streamed("/what-if/policy", { signal: new AbortController().signal, body: { policy } });
    let effect: PolicyEffect | null = null;
    const take = ({ event, data }: SseFrame): void => {
      if (event === "problem") throw new ApiFault(JSON.parse(data) as Partial<ProblemDocument>);
      const item = JSON.parse(data) as HistoryItem;
      onAt(item.decisions);
      effect = item.effect ?? effect;
    };
    if (response.body) await readFrames(response.body, take);
    return effect;
  },
  withdraw: (rule: string) => post<object>(`/what-if/adopted/${at(rule)}/withdraw`, {}),
  proofQuestions: (signal?: AbortSignal) => get<ProofQuestions>("/prove/questions", signal),
  prove: (question: ProofQuestion["name"], input: object) => post<Proof>(`/prove/${question}`, input),
  tokens: (signal?: AbortSignal) => get<{ tokens: readonly Token[] }>("/access/tokens", signal),
  createToken: (token: NewToken) => post<MadeToken>("/access/tokens", token),
  rotateToken: (name: string) => post<MadeToken>(`/access/tokens/${at(name)}/rotate`, {}),
  revokeToken: (name: string) => remove<object>(`/access/tokens/${at(name)}`),
};
