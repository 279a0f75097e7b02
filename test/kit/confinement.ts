/** Whether children can be confined on this machine; tests that need it are skipped where they cannot. */
import { createConfinement } from "../../src/adapters/confine/confinement.ts";

export async function lackOfConfinement(): Promise<string | null> {
  const { env, execPath: nodePath, platform } = process;
  return (await createConfinement({ environment: env, own: [], platform, nodePath }).abilities()).lack;
}
