/** Streams behind proxies as they come out of the box: nothing is held back, nothing is cut. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "vitest";
import { freePort } from "../kit/free-port.ts";
import { readEvents } from "./kit/event-reader.ts";
import { cleanEnvironment, startHub } from "./kit/hub-process.ts";
import { findProgram } from "./kit/programs.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const host = "127.0.0.1";
/** An event that a proxy holds back for its buffer to fill would not come at all. */
const arriveMsMax = 15_000;

const answers = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(undefined));
  });

interface Proxy {
  readonly port: number;
  readonly hubPort: number;
  readonly room: Room;
}

/** Only what a proxy cannot do without: where to listen, where to send to, and a folder it may write in. */
const proxies = [
  {
    name: "nginx",
    package: "nginx-light",
    async flags({ port, hubPort, room }: Proxy): Promise<readonly string[]> {
      const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
      const paths = folders.map((each) => `${each}_temp_path ${room.path}/${each};`).join(" ");
      const site = `server { listen ${host}:${port}; location / { proxy_pass http://${host}:${hubPort}; } }`;
      const file = join(room.path, "nginx.conf");
      await writeFile(
        file,
        `pid ${room.path}/pid; error_log stderr; events {} http { access_log off; ${paths} ${site} }`,
      );
      return ["-c", file, "-p", room.path, "-e", "stderr", "-g", "daemon off;"];
    },
  },
  {
    name: "caddy",
    package: "caddy",
    async flags({ port, hubPort, room }: Proxy): Promise<readonly string[]> {
      const file = join(room.path, "Caddyfile");
      await writeFile(file, `{\n\tadmin off\n}\nhttp://${host}:${port} {\n\treverse_proxy ${host}:${hubPort}\n}\n`);
      return ["run", "--config", file, "--adapter", "caddyfile"];
    },
  },
];

async function startProxy(program: string, flags: readonly string[], room: Room): Promise<AsyncDisposable> {
  const env = cleanEnvironment({ HOME: room.path, XDG_DATA_HOME: room.path });
  const child = spawn(program, [...flags], { env, stdio: "ignore" });
  const ended = once(child, "exit");
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

test.for(proxies)("behind a stock $name each event is seen before the next is sent", async (proxy, context) => {
  const program = findProgram(proxy.name);
  context.skip(program === null, `optional: ${proxy.name} is not installed (Debian: ${proxy.package})`);
  await using room = await createRoom();
  const port = await freePort();
  await using hub = await startHub({ stateDir: room.stateDir, flags: ["--allowed-hosts", `${host}:${port}`] });
  const flags = await proxy.flags({ port, hubPort: Number(new URL(hub.url).port), room });
  await using _running = await startProxy(program ?? "", flags, room);
  await until(`${proxy.name} to answer`, () => answers(port));

  const throughProxy = { ...hub, url: `http://${host}:${port}` };
  await using reader = await readEvents(throughProxy, "?prefix=consumers.created");
  assert.equal(reader.status, 200);
  await reader.waitFor("the first frame", (events) => events.length === 1, arriveMsMax);
  for (const [index, name] of ["one", "two", "three", "four", "five"].entries()) {
    await hub.post(`/consumers/${name}`, {});
    const events = await reader.waitFor(name, (seen) => seen.length === index + 2, arriveMsMax);
    assert.equal(events.at(-1).data.name, name);
  }
});
