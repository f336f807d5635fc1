/** Clients that mean harm, and what others notice of it: nothing. Over real sockets, on a machine with all services. */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { TestSystem } from "../orchestrator/testing/system.ts";
import type { LimitedServer } from "./connections.ts";
import { gatewayServer, type ServerOptions } from "./listen.ts";

const folder = mkdtempSync(join(tmpdir(), "aios-hostile-"));
let system: TestSystem;
/** Of a client that means harm, and of one that doesn't. */
let hostile = "";
let honest = "";
const open = new Set<{ destroy(): void } | LimitedServer>();

beforeAll(async () => {
  system = await TestSystem.start({});
  const make = async () =>
    (await system.call("token.create", { name: "t", capabilities: ["PROC_READ"] })).token;
  [hostile, honest] = [await make(), await make()];
});
afterEach(() => {
  for (const it of open) {
    if (!("closeAllConnections" in it)) it.destroy();
    else {
      it.closeAllConnections();
      it.close();
    }
  }
  open.clear();
});
afterAll(async () => {
  await system.stop();
  rmSync(folder, { recursive: true });
});

/** More than the system's buffers on both sides of a connection take. */
const JOURNAL_BYTES = 32 * 1024 * 1024;

interface Gateway {
  readonly server: LimitedServer;
  readonly place: { readonly host: string; readonly port: number } | { readonly path: string };
}

/** Over the Unix socket if it is trusted. */
async function listen(options: ServerOptions = {}): Promise<Gateway> {
  const host = {
    putImage: () => Promise.reject(new Error("no images here")),
    journal: async () => new Uint8Array(JOURNAL_BYTES),
    version: "1.2.3",
  };
  const server = gatewayServer(host, system.access, options);
  open.add(server);
  const path = join(folder, `${open.size}-${performance.now()}`);
  const at = options.trusted ? { path } : { host: "127.0.0.1", port: 0 };
  await new Promise<void>((resolve) => server.listen(at, resolve));
  if (options.trusted) return { server, place: { path } };
  return { server, place: { host: "127.0.0.1", port: (server.address() as AddressInfo).port } };
}

/** What a client that is no other's is answered, on a connection of its own. */
function status({ place }: Gateway, token = honest): Promise<number> {
  const at = "path" in place ? { socketPath: place.path } : place;
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const asked = request({ ...at, path: "/v1/agents", headers, agent: false }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", reject).end();
  });
}

/** Characters that are looked at. */
const SAID_MAX = 4096;

class Raw {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  /** What it has been told first, and how many bytes in all. */
  said = "";
  bytes = 0;
  private heard = () => {};

  constructor({ place }: Gateway, text = "", half = false) {
    this.socket = createConnection({ ...place, allowHalfOpen: half }, () =>
      this.socket.write(text),
    );
    open.add(this.socket);
    this.socket
      .on("error", () => {})
      .on("data", (part) => {
        if (this.said.length < SAID_MAX) this.said += part.toString("latin1");
        this.bytes += part.length;
        this.heard();
      });
    this.closed = new Promise((resolve) => this.socket.on("close", () => resolve()));
  }

  /** Until it has been told this; it fails if there is no more. */
  async hears(text: string): Promise<void> {
    await this.until(() => this.said.includes(text));
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      const more = new Promise<boolean>((resolve) => {
        this.heard = () => resolve(true);
      });
      const goesOn = await Promise.race([more, this.closed.then(() => false)]);
      if (!goesOn && !done()) throw new Error(`it ended after ${this.bytes} bytes: ${this.said}`);
    }
  }
}

/** The server's end of the next connection, once that is closed. */
const nextClosed = ({ server }: Gateway): Promise<void> =>
  new Promise((resolve) =>
    server.once("connection", (socket: Socket) => socket.on("close", () => resolve())),
  );

const head = (first: string, token: string, ...more: string[]) =>
  [`${first} HTTP/1.1`, "Host: localhost", `Authorization: Bearer ${token}`, ...more, "", ""].join(
    "\r\n",
  );
const hostOf = ({ place }: Gateway) => ("port" in place ? `localhost:${place.port}` : "localhost");
/** As `head`; it is answered as soon as it is being dealt with. */
const told = (gateway: Gateway, first: string, ...more: string[]) =>
  head(first, hostile, "Expect: 100-continue", ...more).replace("localhost", hostOf(gateway));
const CONTINUE = "100 Continue";

describe("who holds as many connections as there are", () => {
  const HELD = 8;
  const kinds: Record<string, (gateway: Gateway) => Promise<unknown>> = {
    "and says nothing": async (gateway) => {
      const { server } = gateway;
      const accepted = new Promise((resolve) => server.once("connection", resolve));
      new Raw(gateway);
      await accepted;
    },
    "and says a head slowly": async (gateway) => {
      const accepted = new Promise<Socket>((resolve) => gateway.server.once("connection", resolve));
      new Raw(gateway, "GET /v1/agents HTTP/1.1\r\nX-Slow: ");
      const socket = await accepted;
      await new Promise((resolve) => socket.once("data", resolve));
    },
    "and stays after it was refused": (gateway) =>
      new Raw(gateway, head("GET /v1/nothing", "x").replace("localhost", hostOf(gateway))).hears(
        "}",
      ),
    "and doesn't send the body that it has announced": (gateway) =>
      new Raw(
        gateway,
        head("POST /v1/nothing", "x", "Content-Length: 1000").replace("localhost", hostOf(gateway)),
      ).hears("}"),
  };
  for (const trusted of [false, true])
    test.each(Object.keys(kinds))(
      `${trusted ? "of the Unix socket" : "of TCP"} %s shuts nobody out`,
      async (kind) => {
        const gateway = await listen({ trusted, connectionsMax: HELD });
        for (let n = 0; n < 3 * HELD; n++) await kinds[kind]?.(gateway);
        expect(await status(gateway)).toBe(200);
        const count = new Promise((resolve) =>
          gateway.server.getConnections((_, it) => resolve(it)),
        );
        expect(await count).toBeLessThanOrEqual(HELD + 1);
      },
    );

  test("and doesn't read its answers shuts nobody out", async () => {
    const gateway = await listen({ trusted: true, connectionsMax: 2 });
    for (let n = 0; n < 4; n++) {
      const raw = new Raw(gateway, head("GET /v1/journal", ""));
      await raw.hears("200 OK");
      raw.socket.pause();
    }
    expect(await status(gateway)).toBe(200);
  });

  test("and waits for answers on all of them leaves others a 503", async () => {
    const gateway = await listen({ connectionsMax: 2 });
    for (let n = 0; n < 2; n++)
      await new Raw(gateway, told(gateway, "GET /v1/events?from=1000000&wait=30")).hears(CONTINUE);
    const third = new Raw(gateway);
    await third.closed;
    expect(third.said).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\nRetry-After: 1\r\n/);
  });
});

describe("a request that doesn't come to an end", () => {
  const soon = { connectionsCheckingInterval: 20 };
  test("in its head is answered 408", async () => {
    const gateway = await listen({ headersTimeout: 100, ...soon });
    const raw = new Raw(gateway, "GET /v1/agents HTTP/1.1\r\nX-Slow: ");
    await raw.closed;
    expect(raw.said).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("in its body is answered 408", async () => {
    const gateway = await listen({ headersTimeout: 2000, requestTimeout: 2500, ...soon });
    const type = "Content-Type: application/json";
    const raw = new Raw(gateway, told(gateway, "POST /v1/agents", type, "Content-Length: 9"));
    await raw.closed;
    expect(raw.said).toMatch(/100 Continue\r\n\r\nHTTP\/1\.1 408 /);
  });

  test("in a head that is too large is answered 431", async () => {
    const raw = new Raw(await listen(), `GET / HTTP/1.1\r\nX-Large: ${"x".repeat(20_000)}`);
    await raw.closed;
    expect(raw.said).toMatch(/^HTTP\/1\.1 431 /);
  });

  const endless = (gateway: Gateway, verb: string) => {
    const type = "Content-Type: application/json";
    const first = told(gateway, `${verb} /v1/agents`, type, "Transfer-Encoding: chunked");
    return new Raw(gateway, first);
  };

  test("but goes on and on in its body is answered 413 and cut off", async () => {
    const raw = endless(await listen(), "POST");
    const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    const more = () => {
      while (!raw.socket.destroyed && raw.socket.write(chunk));
    };
    raw.socket.on("drain", more);
    await raw.hears(CONTINUE);
    more();
    await raw.closed;
    expect(raw.said).toContain(" 413 ");
  });

  test("and has a body that nobody reads is answered, and cut off in its time", async () => {
    const raw = endless(
      await listen({ headersTimeout: 2000, requestTimeout: 2500, ...soon }),
      "GET",
    );
    await raw.hears(" 200 ");
    await raw.closed;
  });
});

describe("a client with a token takes no more than its part", () => {
  test("of requests at once, however slowly it sends them", async () => {
    const gateway = await listen();
    const type = "Content-Type: application/json";
    const first = told(gateway, "POST /v1/agents", type, "Content-Length: 9");
    const slow = Array.from({ length: 256 }, () => new Raw(gateway, first).hears(CONTINUE));
    await Promise.all(slow);
    expect(await status(gateway, hostile)).toBe(429);
    expect(await status(gateway)).toBe(200);
  });

  test("of images that it brings, for each is in memory", async () => {
    const gateway = await listen();
    const image = told(gateway, "PUT /v1/images", "Content-Length: 17000000");
    for (let n = 0; n < 2; n++) await new Raw(gateway, image).hears(CONTINUE);
    const third = new Raw(gateway, image);
    await third.hears("}");
    expect(third.said).toContain(" 429 ");
    expect(third.said).toContain("2 images at once are the most of a client");
    const other = new Raw(gateway, image.replace(hostile, honest));
    await other.hears(CONTINUE);
    other.socket.write(Buffer.alloc(17_000_000));
    await other.hears("}");
    expect(other.said).toContain(" 403 ");
  });

  test("of streams", async () => {
    const gateway = await listen();
    const outcome = (token: string) => {
      const url = `ws://${hostOf(gateway)}/v1/stream`;
      const socket = new WebSocket(url, ["aios.v1", `aios.token.${token}`]);
      open.add({ destroy: () => socket.terminate() });
      return new Promise<string>((resolve) =>
        socket.on("open", () => resolve("open")).on("error", ({ message }) => resolve(message)),
      );
    };
    for (let n = 0; n < 32; n++) expect(await outcome(hostile)).toBe("open");
    expect(await outcome(hostile)).toContain("429");
    expect(await outcome(honest)).toBe("open");
  });

  test("of what it says on a stream, pings as well", async () => {
    const gateway = await listen({ rate: { perSecond: 1, burst: 20 } });
    const url = `ws://${hostOf(gateway)}/v1/stream`;
    for (const say of [
      (socket: WebSocket) => socket.ping(),
      (socket: WebSocket) => socket.send('{"unsubscribe":1}'),
    ]) {
      const socket = new WebSocket(url, ["aios.v1", `aios.token.${hostile}`]);
      open.add({ destroy: () => socket.terminate() });
      await new Promise((resolve) => socket.on("open", resolve));
      const closed = new Promise((resolve) =>
        socket.on("close", (code, reason) => resolve([code, String(reason)])),
      );
      for (let n = 0; n < 50; n++) say(socket);
      expect(await closed).toEqual([1008, "too many requests in a short time"]);
      expect(await status(gateway)).toBe(200);
    }
  });
});

describe("who takes nothing of an answer", () => {
  /** A client of the journal that has read its beginning. */
  async function unread(gateway: Gateway): Promise<Raw> {
    const raw = new Raw(gateway, head("GET /v1/journal", ""));
    await raw.hears("200 OK");
    raw.socket.pause();
    return raw;
  }

  test("is cut off after a time", async () => {
    const gateway = await listen({ trusted: true, patience: 1000 });
    const closed = nextClosed(gateway);
    await unread(gateway);
    await closed;
  });

  test("and asks for more meanwhile keeps no more in memory", async () => {
    const gateway = await listen({ trusted: true, unsentMax: 1 << 20 });
    const closed = nextClosed(gateway);
    const raw = new Raw(gateway, head("GET /v1/journal", "").repeat(2));
    await raw.hears("200 OK");
    raw.socket.pause();
    await unread(gateway);
    await closed;
    const asksOn = new Raw(gateway, head("GET /v1/nothing", "").repeat(20));
    await asksOn.closed;
    expect(asksOn.said.split("HTTP/1.1 404").length).toBeLessThanOrEqual(9);
  });

  test("is cut off when others' answers need the memory, and they get theirs", async () => {
    const gateway = await listen({ trusted: true, unsentMax: 1 << 20 });
    const closed = nextClosed(gateway);
    await unread(gateway);
    const second = await unread(gateway);
    await closed;
    second.socket.resume();
    await second.until(() => second.bytes > JOURNAL_BYTES);
  });
});

describe("a stream", () => {
  const upgrade = (gateway: Gateway, path: string, token: string) =>
    head(
      `GET ${path}`,
      token,
      ...["Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
      ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: aios.v1"],
    ).replace("localhost", hostOf(gateway));

  test.each([
    ["/v1/stream", "x", 401],
    ["/elsewhere", "x", 404],
    ["//", "x", 404],
  ])(
    "at %s that is refused has no connection any more, though its client doesn't hang up",
    async (path, token, code) => {
      const gateway = await listen();
      const closed = nextClosed(gateway);
      const raw = new Raw(gateway, upgrade(gateway, path, token), true);
      await closed;
      await raw.hears(` ${code} `);
    },
  );

  test("whose frame never ends is cut off", async () => {
    const gateway = await listen({ patience: 1000 });
    const raw = new Raw(gateway, upgrade(gateway, "/v1/stream", hostile));
    await raw.hears("101 ");
    // The beginning of a text of 4,096 bytes (RFC 6455, 5.2).
    raw.socket.write(Uint8Array.of(0x81, 0xfe, 0x10, 0x00, 0, 0, 0, 0, 0x7b));
    await raw.closed;
  });

  test("doesn't hold up the end of its server", async () => {
    const gateway = await listen();
    const url = `ws://${hostOf(gateway)}/v1/stream`;
    const polite = new WebSocket(url, ["aios.v1", `aios.token.${hostile}`]);
    await new Promise((resolve) => polite.on("open", resolve));
    const told = new Promise((resolve) => polite.on("close", (code) => resolve(code)));
    const deaf = new Raw(gateway, upgrade(gateway, "/v1/stream", hostile), true);
    await deaf.hears("101 ");
    const ended = new Promise((resolve) => gateway.server.close(resolve));
    expect(await told).toBe(1001);
    gateway.server.closeAllConnections();
    await ended;
  });
});
