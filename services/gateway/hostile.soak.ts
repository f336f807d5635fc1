/** Thousands of connections of a process that means harm, against the limits that the gateway really has. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client } from "../../sdk/client/client.ts";
import { TestSystem } from "../orchestrator/testing/system.ts";
import { gatewayServer } from "./listen.ts";

const CONNECTIONS = 5000;
const CONNECTIONS_MAX = 1024;
const OPENED = 5000;
const MIB = 1024 * 1024;
/** What the gateway may take more than without. */
const MEMORY_MAX = 256 * MIB;
const ATTACKER = new URL("testing/attacker.ts", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "aios-hostile-"));

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start({});
});
afterAll(async () => {
  await system.stop();
  rmSync(folder, { recursive: true });
});

const tokenOf = async () =>
  (await system.call("token.create", { name: "t", capabilities: ["PROC_READ"] })).token;

const KINDS = ["silent", "slow-head", "slow-body", "endless-body", "unread", "bad-upgrade"];

describe.each(["TCP", "the Unix socket"])("over %s", (over) => {
  test.each(KINDS)("%s connections by the thousand shut nobody out", async (kind) => {
    const trusted = over !== "TCP";
    const host = { putImage: () => Promise.reject(new Error("none")), version: "1.2.3" };
    const server = gatewayServer(host, system.access, { trusted });
    const path = join(folder, kind);
    server.listen(trusted ? { path } : { host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    const port = trusted ? 0 : (server.address() as AddressInfo).port;
    const [hostile, honest] = [await tokenOf(), await tokenOf()];
    const before = process.memoryUsage().rss;
    const args = [trusted ? path : String(port), kind, String(CONNECTIONS), `Bearer ${hostile}`];
    const attacker = spawn("node", ["--import", "tsx", ATTACKER, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const answered: string[] = [];
    const asks = async () => {
      const client = new Client(trusted ? { socket: path } : { port, token: honest });
      const outcome = client.call("agent.list", {}).then(
        () => "well",
        ({ code }) => String(code),
      );
      const said = await outcome;
      client.close();
      return said;
    };
    let [most, memory] = [0, 0];
    for await (const line of createInterface(attacker.stdout)) {
      answered.push(await asks());
      server.getConnections((_, count) => {
        most = Math.max(most, count);
      });
      memory = Math.max(memory, process.memoryUsage().rss - before);
      if (Number(line) >= OPENED) attacker.kill();
    }
    const refused = answered.filter((it) => it !== "well");
    console.log(
      `${over}, ${kind}: ${most} connections, ${Math.round(memory / MIB)} MiB, ${refused.length} refused of ${answered.length}`,
    );
    expect(answered.length).toBeGreaterThanOrEqual(OPENED / 1000);
    // Through the socket all are one client, the owner, and take each other's part.
    if (!trusted) expect(refused).toEqual([]);
    expect(most).toBeLessThan(2 * CONNECTIONS_MAX);
    expect(memory).toBeLessThan(MEMORY_MAX);
    await expect.poll(asks, { timeout: 10_000 }).toBe("well");
    const ended = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await ended;
  });
});
