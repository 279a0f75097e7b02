/** `arw`: the command line of a hub. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createPen } from "../surfaces/cli/pen.ts";
import type { Globals } from "../surfaces/cli/port.ts";
import { runCli } from "../surfaces/cli/run.ts";
import { capsuleCommands } from "./cli-capsule.ts";
import { chatCommand, readQuestion } from "./cli-chat.ts";
import { configOf, connect } from "./cli-connection.ts";
import { importCommand } from "./cli-run-capsule.ts";
import { mcpCommands } from "./cli-mcp.ts";
import { connectCommand } from "./cli-connect.ts";
import { ownCommands } from "./cli-own.ts";
import { encryptCommands } from "./cli-encrypt.ts";
import { proveOffers, solverCommand } from "./cli-prove.ts";
import { cliPresentation, eventText, follow } from "./cli-presentation.ts";
import { readSecretFromInput, secretCommand } from "./cli-secret.ts";
import { tailCommand } from "./cli-tail.ts";
import { createTerminal, readInput } from "./cli-terminal.ts";
import type { LoadedConfig } from "./config/load.ts";
import { platformOf } from "./config/places.ts";
import { contractTable } from "./domains.ts";
import { programRoot } from "./state-dir.ts";
import { faultDocument } from "./system-faults.ts";

export async function cli(words: readonly string[]): Promise<number> {
  const table = contractTable();
  const programDir = programRoot();
  let address = "";
  const connection = {
    table,
    env: process.env,
    workDir: process.cwd(),
    programDir,
    // Opening a hub loads the store and its adapters: paid for only by who asks for it.
    openHub: openLocalHub,
    onAddress: (found: string) => void (address = found),
  };
  // What broke off may have been done or said: it is never sent a second time.
  const connectOnce = (globals: Globals) => connect({ ...connection, streamTriesMax: 1 }, globals);
  const terminal = createTerminal();
  const { version } = JSON.parse(readFileSync(join(programDir, "package.json"), "utf8")) as { version: string };
  const presentation = cliPresentation(() => address);
  const stateDirOf = (globals: Globals): string => configOf(connection, globals).values.state.dir;
  return runCli(
    {
      table,
      terminal,
      own: [
        ...ownCommands({ terminal, version, workDir: connection.workDir, stateDirOf, ...machine() }),
        ...capsuleCommands({ terminal, connect: (globals) => connect(connection, globals), nowMs: Date.now }),
        importCommand({ terminal, connect: connectOnce, follow, readInput }),
        solverCommand({ terminal, stateDirOf }),
        chatCommand({ terminal, connect: connectOnce, follow, readInput: readQuestion }),
        ...mcpCommands({ terminal, table, version, stateDirOf, env: connection.env, connect: connectOnce }),
        connectCommand({
          terminal,
          connect: connectOnce,
          address: () => address,
          machine: {
            platform: platformOf(process.platform),
            env: connection.env,
            home: homedir(),
            workDir: connection.workDir,
          },
          stateDirOf,
          program: [process.execPath, join(programDir, "bin", "arw.mjs")],
          nowMs: Date.now,
        }),
        secretCommand({
          terminal,
          connect: (globals) => connect(connection, globals),
          readSecret: readSecretFromInput,
        }),
        ...encryptCommands({ terminal, ...machine(), valuesOf: (globals) => configOf(connection, globals).values }),
        tailCommand({
          terminal,
          connect: connectOnce,
          wait: (delayMs, signal) => pause(delayMs, undefined, { signal }),
          lineOf: (event) => eventText(event, createPen(terminal)),
        }),
      ],
      presentation: { ...presentation, offers: proveOffers({ terminal, stateDirOf }) },
      version,
      connect: (globals) => connect(connection, globals),
      wait: (delayMs, signal) => pause(delayMs, undefined, { signal }),
      faultDocument,
      startHub: async (flags) => (await import("./main.ts")).main(flags),
    },
    words,
  );
}

const machine = () => ({
  env: process.env,
  pid: process.pid,
  nowMs: Date.now,
  readSecret: readSecretFromInput,
  unlocking: { env: process.env, ask: process.stdin.isTTY ? readSecretFromInput : null },
});

async function openLocalHub(config: LoadedConfig) {
  const { openHub } = await import("./hub.ts");
  return openHub({
    config,
    givenToken: process.env["ARW_ADMIN_TOKEN"] || undefined,
    pid: process.pid,
    unlocking: machine().unlocking,
  });
}

if (import.meta.main) process.exitCode = await cli(process.argv.slice(2));
