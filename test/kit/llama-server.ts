/** A real llama-server with the tiny model, where this machine has one: named by `ARW_LLAMA_SERVER`, or on PATH. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { findProgram } from "../story/kit/programs.ts";
import { until } from "../story/kit/until.ts";
import { tinyModel } from "./tiny-model.ts";

export interface LlamaServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** How many requests it is working on. */
  busy(): Promise<number>;
}

export const llamaProgram = (): string | null => process.env["ARW_LLAMA_SERVER"] ?? findProgram("llama-server");

export const noLlama = "optional: there is no llama-server here (on PATH, or named by ARW_LLAMA_SERVER)";

/** More of them would only wait for each other on a small machine. */
const threads = 1;
const slots = 2;
/** Of both slots together. */
const contextTokens = 4096;
const startMsMax = 60_000;

/** `work` is one thing: a server of llama.cpp that makes vectors does not chat. */
export async function startLlama(program: string, work: "chat" | "vectors"): Promise<LlamaServer> {
  const folder = await mkdtemp(join(tmpdir(), "arw-llama-"));
  const model = join(folder, "tiny.gguf");
  await writeFile(model, tinyModel());
  const port = await freePort();
  const child = spawn(program, [...flagsOf(model, port), ...(work === "vectors" ? vectorFlags : [])], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said = `${said}${String(chunk)}`.slice(-10_000);
    });
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until(
      "llama-server to be well",
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) throw new RangeError(`llama-server ended: ${said}`);
        const answer = await fetch(`${url}/health`).catch(() => null);
        return answer?.ok === true ? true : undefined;
      },
      startMsMax,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    url: `${url}/v1`,
    async busy() {
      const list = (await (await fetch(`${url}/slots`)).json()) as readonly { readonly is_processing: boolean }[];
      return list.filter((each) => each.is_processing).length;
    },
    [Symbol.asyncDispose]: stop,
  };
}

const vectorFlags = ["--embeddings", "--pooling", "mean"];

const flagsOf = (model: string, port: number): readonly string[] =>
  [
    `--model ${model} --alias tiny --jinja --slots --no-warmup`,
    `--host 127.0.0.1 --port ${port} --threads-http 2`,
    `--threads ${threads} --parallel ${slots} --ctx-size ${contextTokens}`,
  ].flatMap((line) => line.split(" "));
