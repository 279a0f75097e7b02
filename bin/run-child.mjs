/** A child process that takes over the terminal. Shared by the `arw` command and the bootstrap; depends on nothing. */
import { spawn } from "node:child_process";
import { constants } from "node:os";

// A terminal sends these to every process in front of it, the child included. Passed on, they would arrive twice.
const isAtTerminal = process.stdin.isTTY;
const sentByTerminal = new Set(["SIGINT", "SIGHUP"]);

// npm runs a script through a shell, and a shell that is told to end does not tell its child. So a lost parent counts as a
// wish to end. Read at the start: set-up may take minutes, and the parent may be gone after it.
const parentPid = process.ppid;
const parentPollMs = 500;

/** @type {NodeJS.Signals[]} */
export const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a program to its end with the terminal attached, passes on signals and the loss of the parent, and answers its exit
 * code.
 * @param {string} program @param {string[]} given @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>}
 */
export function runChild(program, given, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, given, { ...options, stdio: "inherit" });
    const pass = (signal) => {
      if (!(isAtTerminal && sentByTerminal.has(signal))) child.kill(signal);
    };
    for (const signal of stopSignals) process.on(signal, pass);
    const watch = setInterval(() => {
      if (process.ppid === parentPid) return;
      clearInterval(watch);
      child.kill("SIGTERM");
    }, parentPollMs);
    const release = () => {
      clearInterval(watch);
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
