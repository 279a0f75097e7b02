/** The hub's HTTP door as the benchmarks meet it: before a kernel, on a free port of this machine, with the table alone behind it. */
import { createSystemChance, systemClock } from "../../src/adapters/system/clock.ts";
import { createIds } from "../../src/base/ids.ts";
import { createHttpSurface, type HttpDeps, type HttpSurface } from "../../src/surfaces/http/surface.ts";

const nothing = (): undefined => undefined;

export interface Door {
  readonly surface: HttpSurface;
  readonly port: number;
}

export async function openDoor(
  kernel: HttpDeps["kernel"],
  more: Pick<Partial<HttpDeps>, "limits" | "newCorrId"> = {},
): Promise<Door> {
  const chance = createSystemChance();
  const surface = createHttpSurface({
    kernel,
    clock: systemClock,
    chance,
    log: { info: nothing, warn: nothing, error: nothing },
    newCorrId: createIds({ now: systemClock.nowMs, randomBytes: chance.randomBytes }).next,
    isReady: () => true,
    web: null,
    spec: null,
    ...more,
  });
  const { port } = await surface.listen({ port: 0, host: "127.0.0.1" });
  return { surface, port };
}
