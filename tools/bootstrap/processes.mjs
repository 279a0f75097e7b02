/** Child processes: one that is watched, and one that takes over the terminal. */
import { spawn } from "node:child_process";
import { constants } from "node:os";

// A terminal sends its interrupt to every process of the group, and npm passes on its own copy: one key press is one signal.
const sameSignalMs = 500;
/** @type {NodeJS.Signals[]} */
const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a program to its end with the terminal attached, passes signals on, and answers its exit code.
 * @param {string} program @param {string[]} given @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>}
 */
export function runChild(program, given, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, given, { ...options, stdio: "inherit" });
    let lastAt = -sameSignalMs;
    const pass = (signal) => {
      const now = performance.now();
      if (now - lastAt < sameSignalMs) return;
      lastAt = now;
      child.kill(signal);
    };
    for (const signal of stopSignals) process.on(signal, pass);
    const release = () => {
      for (const signal of stopSignals) process.off(signal, pass);
    };
    child.once("error", (error) => {
      release();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      release();
      resolve(code ?? 128 + constants.signals[signal ?? "SIGTERM"]);
    });
  });
}

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
