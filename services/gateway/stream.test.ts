/** Streams, figures, and clients that are slow, over real sockets on a machine with all services. */
import type { Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { TestSystem } from "../orchestrator/testing/system.ts";
import { gatewayServer, type ServerOptions } from "./listen.ts";

let system: TestSystem;
let server: Server;
let port = 0;
const servers: Server[] = [];

async function listen(options: ServerOptions = {}): Promise<Server> {
  const host = { putImage: () => Promise.reject(new Error("no images here")), version: "1.2.3" };
  const it = gatewayServer(host, system.access, options);
  await new Promise<void>((resolve) => it.listen(0, "127.0.0.1", resolve));
  servers.push(it);
  return it;
}
const portOf = (it: Server) => (it.address() as AddressInfo).port;
const tokenFor = async (...capabilities: string[]) =>
  (await system.call("token.create", { name: "t", capabilities })).token;

beforeAll(async () => {
  system = await TestSystem.start({
    *writer(sys) {
      const birth = JSON.parse(new TextDecoder().decode((yield* sys.receive()).bytes));
      yield* sys.write(birth.streams[1], new TextEncoder().encode("one\ntwo\n"));
      yield* sys.exit(0);
    },
  });
  server = await listen();
  port = portOf(server);
});
afterAll(async () => {
  for (const it of servers) {
    it.closeAllConnections();
    it.close();
  }
  await system.stop();
});

interface Stream {
  readonly socket: WebSocket;
  readonly said: Record<string, unknown>[];
  readonly closed: Promise<[code: number, reason: string]>;
}

function open(token: string, at = port, options = {}): Promise<Stream> {
  const protocols = ["aios.v1", `aios.token.${token}`];
  const socket = new WebSocket(`ws://127.0.0.1:${at}/v1/stream`, protocols, options);
  const said: Record<string, unknown>[] = [];
  socket.on("message", (data) => said.push(JSON.parse(String(data))));
  const closed = new Promise<[number, string]>((resolve) =>
    socket.on("close", (code, reason) => resolve([code, String(reason)])),
  );
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve({ socket, said, closed })).on("error", reject);
  });
}

describe("a stream", () => {
  test("brings what an agent writes, as it comes, and says when there is no more", async () => {
    const { socket, said } = await open(await tokenFor("LOG_READ:s", "PROC_READ:s"));
    expect(socket.protocol).toBe("aios.v1");
    await system.call("agent.run", { image: "writer:1.0.0", project: "s", name: "w" });
    const params = { project: "s", name: "w", limit: 1 };
    socket.send(JSON.stringify({ subscribe: 1, method: "agent.logs", params }));
    await expect
      .poll(() => said.at(-1), { timeout: 20_000 })
      .toEqual({ subscription: 1, end: true });
    const lines = said.flatMap(({ result }) => (result as { lines?: object[] })?.lines ?? []);
    expect(lines).toMatchObject([{ text: "one" }, { text: "two" }]);
    socket.send(JSON.stringify({ subscribe: 2, method: "events.read", params: { project: "s" } }));
    await expect.poll(() => JSON.stringify(said), { timeout: 20_000 }).toContain("agent.started");
    socket.terminate();
  });

  test("is refused without a token, from another site, and elsewhere", async () => {
    const token = await tokenFor("LOG_READ:s");
    await expect(open("aios_wrong")).rejects.toThrow("401");
    await expect(open(token, port, { origin: "http://evil.example" })).rejects.toThrow("403");
    const elsewhere = new WebSocket(`ws://127.0.0.1:${port}/v1/agents`);
    const error = new Promise((resolve) => elsewhere.on("error", resolve));
    expect(String(await error)).toContain("404");
  });

  test("shows no more than its token may, and ends with it", async () => {
    const { id, token } = await system.call("token.create", {
      name: "t",
      capabilities: ["LOG_READ:s"],
    });
    const { socket, said, closed } = await open(token);
    const params = { project: "other", name: "w" };
    socket.send(JSON.stringify({ subscribe: 1, method: "agent.logs", params }));
    await expect.poll(() => said).toMatchObject([{ subscription: 1, error: { code: "denied" } }]);
    socket.send(
      JSON.stringify({
        subscribe: 2,
        method: "agent.logs",
        params: { project: "s", name: "w", from: 9, wait: 9 },
      }),
    );
    await system.call("token.revoke", { id });
    socket.send(JSON.stringify({ subscribe: 3, method: "agent.logs", params }));
    expect(await closed).toEqual([1001, "the token was revoked"]);
  });

  test("that isn't understood, or has too much, is closed with the reason", async () => {
    const token = await tokenFor("LOG_READ:s", "PROC_READ");
    const reasonFor = async (...messages: (string | Buffer)[]) => {
      const { socket, closed } = await open(token);
      for (const message of messages) socket.send(message);
      return await closed;
    };
    expect(await reasonFor("{")).toEqual([1008, "not understood"]);
    expect(await reasonFor(Buffer.from("{}"))).toEqual([1008, "text is meant"]);
    expect(await reasonFor('{"subscribe":1,"method":"agent.kill"}')).toEqual([
      1008,
      "not understood",
    ]);
    expect((await reasonFor(`"${"x".repeat(20_000)}"`))[0]).toBe(1009);
    const many = Array.from({ length: 17 }, (_, n) =>
      JSON.stringify({ subscribe: n, method: "events.read", params: { from: 1_000_000 } }),
    );
    expect(await reasonFor(...many)).toEqual([1008, "16 subscriptions are the most"]);
  });
});

test("figures are in Prometheus' format, for who may read what runs", async () => {
  const figures = (token: string) =>
    fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect((await figures(await tokenFor("LOG_READ"))).status).toBe(403);
  const token = await tokenFor("PROC_READ");
  await fetch(`http://127.0.0.1:${port}/v1/agents`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const answer = await figures(token);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  expect(text).toMatch(/^aios_http_requests_total\{method="agent.list",code="200"\} 1$/m);
  expect(text).toMatch(/^aios_http_request_duration_seconds_count\{method="agent.list"\} 1$/m);
  expect(text).toMatch(/^aios_agents\{state="exited"\} 1$/m);
  expect(text).toMatch(/^aios_memory_bytes\{kind="total"\} \d+$/m);
  expect(text).toMatch(/^aios_service_restarts_total\{service="gateway"\} 0$/m);
});

describe("a client that is slow", () => {
  const hangsUp = (at: number, text: string) =>
    new Promise<string>((resolve) => {
      let said = "";
      const socket = connect(at, "127.0.0.1", () => socket.write(text));
      socket.on("data", (part) => {
        said += part;
      });
      socket.on("error", () => {}).on("close", () => resolve(said));
    });

  test("with its head is hung up on", async () => {
    const narrow = await listen({ headersTimeout: 100, connectionsCheckingInterval: 50 });
    expect(await hangsUp(portOf(narrow), "GET /v1/agents HTTP/1.1\r\nHost: ")).toContain(" 408 ");
  });

  test("with answering is cut off", async () => {
    const narrow = await listen({ patience: 1000 });
    const stream = await open(await tokenFor("LOG_READ:s"), portOf(narrow), { autoPong: false });
    expect((await stream.closed)[0]).toBe(1006);
  });

  test("and not alone finds no more connections than there are to be", async () => {
    const narrow = await listen({ connectionsMax: 2 });
    const at = portOf(narrow);
    const held: Socket[] = [];
    for (let n = 0; n < 2; n++) {
      const socket = connect(at, "127.0.0.1");
      held.push(socket);
      await new Promise((resolve) => narrow.once("connection", resolve));
    }
    const oldest = new Promise((resolve) => held[0]?.resume().on("close", resolve));
    expect(await hangsUp(at, "x")).toContain(" 400 ");
    await oldest;
    for (const it of held) it.destroy();
  });
});
