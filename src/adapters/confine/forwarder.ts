/**
 * Runs inside a confinement, before the command and as long as it: listens on the loopback there, which is the child's own, and
 * leads every connection to the socket of the hub's proxy. Its text is given to a `node` that has nothing but itself, so that it
 * imports nothing and names nothing outside itself.
 *
 * `node -e TEXT -- SOCKET PORT COMMAND ARGS…`
 */
function forward(): void {
  const net = process.getBuiltinModule("node:net");
  const { spawn } = process.getBuiltinModule("node:child_process");
  const { constants } = process.getBuiltinModule("node:os");
  const [socketPath = "", port = "", command = "", ...args] = process.argv.slice(1);
  const fail = (text: string, code: number): void => {
    process.exitCode = code;
    process.stderr.write(`${text}\n`, () => process.exit(code));
  };
  const server = net.createServer({ allowHalfOpen: true }, (near) => {
    const far = net.connect({ path: socketPath, allowHalfOpen: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroySoon());
    }
  });
  server.on("error", (error) => fail(`the way to the proxy could not be opened: ${error.message}`, 125));
  // The whole group is told to end; the command decides how, and this one goes with it.
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => undefined);
  server.listen(Number(port), "127.0.0.1", () => {
    const child = spawn(command, args, { stdio: "inherit" });
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") fail(`${command}: there is no such command in the confinement`, 127);
      else fail(`${command}: ${error.message}`, 126);
    });
    child.on("exit", (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
  });
}

export const forwarderText = `(${String(forward)})()`;
