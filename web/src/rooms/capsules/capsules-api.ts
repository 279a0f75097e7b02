/** The hub's operations that only the room of capsules uses. */
import type { Client } from "../../../../client/src/index.ts";
import { get, post, put, query, remove } from "../../api.ts";
import type { Page } from "../../shapes.ts";

type Answer<Method extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<Method>>;

export type CapsuleInfo = Answer<Client["capsules"]["preview"]>;
export type Manifest = CapsuleInfo["manifest"];
export type KeptCapsule = Answer<Client["state"]["capsulesGet"]>;
export type Shown = Answer<Client["capsules"]["show"]>;
export type ShownLine = Shown["story"][number];
export type Verdict = Answer<Client["capsules"]["verify"]>;
export type Exported = Answer<Client["capsules"]["export"]>;
export type CapsuleDiff = Answer<Client["capsules"]["diff"]>;
export type DiffSide = NonNullable<CapsuleDiff["first"]>["a"];
export type Replay = Answer<Client["capsules"]["replay"]>;
export type WhatIf = Answer<Client["whatif"]["run"]>;
export type WhatIfInput = Parameters<Client["whatif"]["run"]>[0];
export type UndoReport = Answer<Client["undo"]["plan"]>;
export type UndoInput = Parameters<Client["undo"]["apply"]>[0];
export type FileUndo = UndoReport["files"][number];

/** A capsule file: its bytes in base64, or its path on the hub's machine. */
export type Given = { readonly content: string } | { readonly file: string };

const at = encodeURIComponent;
/** More than that is found by the command line. */
const keptMax = 200;

export const capsulesApi = {
  kept: (signal?: AbortSignal) => get<Page<KeptCapsule>>(`/state/capsules?${query({ limit: keptMax })}`, signal),
  show: (capsule: string, signal?: AbortSignal) => post<Shown>("/capsules/show", { capsule }, signal),
  /** One event of it, whole. */
  event: async (capsule: string, seq: number, signal?: AbortSignal): Promise<unknown> => {
    const { event } = await post<Shown & { event?: string }>("/capsules/show", { capsule, seq }, signal);
    return event === undefined ? null : JSON.parse(event);
  },
  verify: (capsule: string) => post<Verdict>("/capsules/verify", { capsule }),
  exported: (episode: string, keep: boolean) => post<Exported>("/capsules/export", { episode, keep }),
  preview: (given: Given) => post<CapsuleInfo>("/capsules/preview", given),
  take: (given: Given, digest: string) =>
    post<{ capsule: CapsuleInfo; isNew: boolean }>("/capsules/import", { ...given, digest }),
  remove: (digest: string) => remove<{ digest: string }>(`/capsules/${at(digest)}`),
  replay: (capsule: string, signal?: AbortSignal) => post<Replay>("/capsules/replay", { capsule }, signal),
  pin: (keyId: string, name: string) => put<{ name: string }>(`/capsules/signers/${at(keyId)}`, { name }),
  diff: (a: string, b: string, signal?: AbortSignal) => post<CapsuleDiff>("/capsules/diff", { a, b }, signal),
  whatIf: (input: WhatIfInput) => post<WhatIf>("/what-if", input),
  undoPlan: (episode: string, signal?: AbortSignal) => get<UndoReport>(`/undo/${at(episode)}`, signal),
  /** Of one file alone, where what was edited since stands in the way: what becomes of it. */
  undo: ({ episode, ...settled }: UndoInput) => post<UndoReport>(`/undo/${at(episode)}`, settled),
};

/** As much of a digest as tells capsules apart; the hub finds a capsule by it. */
const shortLength = 12;
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/u, "").slice(0, shortLength);
