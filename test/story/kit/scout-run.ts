/** One run of Scout as a person sees it over HTTP: begun, followed, answered, ended. */
import assert from "node:assert/strict";
import type { Json, RunningHub } from "./hub-process.ts";
import { until } from "./until.ts";

export interface BriefRequest {
  readonly folder: string;
  readonly output?: string;
  readonly allowWrite?: boolean;
}

/** Goes on with an interrupted run; it is seen to run when this answers. */
export async function resume(hub: RunningHub, episode: string): Promise<void> {
  assert.deepEqual(await hub.post("/agents/resume", { episode }), { episode, status: "running" });
  assert.notEqual((await episodeRow(hub, episode))?.status, "interrupted");
}

const endedStatuses = new Set(["finished", "failed", "cancelled", "interrupted"]);

export async function beginBrief(hub: RunningHub, request: BriefRequest): Promise<{ episode: string; taskId: string }> {
  const answer = await hub.send("POST /scout/brief", request);
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  assert.deepEqual(Object.keys(answer.body).toSorted(), ["corrId", "href", "taskId"]);
  assert.equal(answer.headers.get("location"), answer.body.href);
  return { episode: answer.body.corrId, taskId: answer.body.taskId };
}

export async function briefToEnd(hub: RunningHub, request: BriefRequest, deadlineMs?: number): Promise<Json> {
  const { episode } = await beginBrief(hub, request);
  return episodeEnded(hub, episode, deadlineMs);
}

export const episodeRow = async (hub: RunningHub, episode: string): Promise<Json> => {
  const { status, body } = await hub.send(`GET /state/episodes/${episode}`);
  return status === 200 ? body : undefined;
};

export const episodeEnded = (hub: RunningHub, episode: string, deadlineMs?: number): Promise<Json> =>
  until(
    `episode ${episode} to end`,
    async () => {
      const row = await episodeRow(hub, episode);
      return endedStatuses.has(row?.status) ? row : undefined;
    },
    deadlineMs,
  );

export const episodeWaits = (hub: RunningHub, episode: string): Promise<Json> =>
  until(`episode ${episode} to ask`, async () => {
    const row = await episodeRow(hub, episode);
    const [approvalId] = row?.waitingApprovalIds ?? [];
    assert.ok(row === undefined || !endedStatuses.has(row.status), `the episode ended: ${row?.outcome}`);
    return approvalId === undefined ? undefined : hub.get(`/state/approvals/${approvalId}`);
  });

export const decide = (hub: RunningHub, approvalId: string, decision: "allow" | "deny"): Promise<Json> =>
  hub.post(`/approvals/${approvalId}/decide`, { decision });

export async function storyOf(hub: RunningHub, episode: string): Promise<{ episode: Json; story: Json[] }> {
  const story: Json[] = [];
  for (let afterSeq: number | null = 0; afterSeq !== null; ) {
    const page: Json = await hub.get(`/episodes/${episode}?afterSeq=${afterSeq}&limit=1000`);
    story.push(...page.story);
    afterSeq = page.nextAfterSeq;
    if (afterSeq === null) return { episode: page.episode, story };
  }
  throw new RangeError("a story has an end");
}

export const kindsOf = async (hub: RunningHub, episode: string): Promise<string[]> =>
  (await storyOf(hub, episode)).story.map((line) => line.kind as string);
