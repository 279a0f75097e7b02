/** Runs a program and keeps what it prints. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { stopSignals } from "../../bin/run-child.mjs";

/**
 * Runs a program without a terminal and answers what it printed. A signal ends the program first, then this process, so that
 * no half-finished installer goes on unseen.
 * @param {string} program @param {string[]} given @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ code: number, output: string }>}
 */
export function capture(program, given, options) {
  const outputCharsMax = 1_000_000;
  return new Promise((resolve) => {
    const child = spawn(program, given, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (text) => {
      output = (output + text).slice(-outputCharsMax);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", keep);
    let stoppedBy;
    const stop = (signal) => {
      stoppedBy = signal;
      child.kill(signal);
    };
    for (const signal of stopSignals) process.on(signal, stop);
    const end = (code) => {
      for (const signal of stopSignals) process.off(signal, stop);
      if (stoppedBy === undefined) resolve({ code, output });
      else process.exit(128 + constants.signals[stoppedBy]);
    };
    child.once("error", (error) => {
      keep(error.message);
      end(1);
    });
    child.once("close", (code) => end(code ?? 1));
  });
}
