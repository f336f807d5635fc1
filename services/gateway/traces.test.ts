/** Traces of requests, as a collector gets them, of a gateway on a machine with all services. */
import { mkdtempSync, rmSync } from "node:fs";
import { request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { TestSystem } from "../orchestrator/testing/system.ts";
import { gatewayServer } from "./listen.ts";
import { CLIENT, Collector, ERROR, SERVER, type Span, UNSET } from "./testing/collector.ts";
import { openTraces, wantsTraces } from "./traces.ts";

let system: TestSystem;
let token = "";
beforeAll(async () => {
  system = await TestSystem.start({});
  ({ token } = await system.call("token.create", { name: "t", capabilities: ["PROC_READ"] }));
});
afterAll(() => system.stop());
afterEach(() => vi.unstubAllEnvs());

/** A caller's span, as the examples of W3C Trace Context have it. */
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
}
interface Gateway {
  readonly port: number;
  /** Through the Unix socket. */
  readonly socket: string;
  /** The status of the answer. */
  ask(path: string, asked?: Asked): Promise<number>;
}

function status(options: object, { method = "GET", headers = {}, body }: Asked): Promise<number> {
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${token}`, ...headers };
    const asked = request({ ...options, method, headers: all }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", reject).end(body);
  });
}

async function listening(server: Server, place: object): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(place, resolve));
  return server;
}

const noImages = () => Promise.reject(new TypeError("a fault of the test"));

/** What `work` makes of a gateway whose spans go to `endpoint`, and what that complains of. */
async function traced(
  endpoint: string,
  work: (gateway: Gateway) => Promise<void>,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "aios-traces-"));
  const socket = join(folder, "s");
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
  const problems: string[] = [];
  const traces = await openTraces("1.2.3", (problem) => problems.push(problem));
  const host = { putImage: noImages, version: "1.2.3" };
  const of = (trusted: boolean) => gatewayServer(host, system.access, { trusted, traces });
  const servers = [
    await listening(of(false), { host: "127.0.0.1", port: 0 }),
    await listening(of(true), { path: socket }),
  ];
  const [{ port }] = servers.map((server) => server.address()) as [AddressInfo];
  const ask = (path: string, asked: Asked = {}) =>
    status({ host: "127.0.0.1", port, path, agent: false }, asked);
  await work({ port, socket, ask });
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await traces.close();
  rmSync(folder, { recursive: true });
  return problems;
}

/** The spans of what `work` does, the first ended first: a call before its request. */
async function spansOf(work: (gateway: Gateway) => Promise<void>): Promise<Span[]> {
  const collector = await Collector.start();
  expect(await traced(collector.endpoint, work)).toEqual([]);
  await collector.stop();
  return collector.spans;
}

describe("a request", () => {
  test("is a span below its caller's, with the call into the machine below it", async () => {
    vi.stubEnv("OTEL_SERVICE_NAME", "mine");
    const [called, asked, ...more] = await spansOf(async ({ ask }) => {
      const headers = { traceparent: TRACEPARENT, tracestate: "congo=t61rcWkgMzE" };
      expect(await ask("/v1/agents?project=p", { headers })).toBe(200);
    });
    expect(more).toEqual([]);
    expect(asked).toMatchObject({
      ...{ traceId: TRACE, parentSpanId: PARENT, traceState: "congo=t61rcWkgMzE" },
      ...{ name: "GET /v1/agents", kind: SERVER, status: { code: UNSET } },
      attributes: {
        "http.request.method": "GET",
        "http.route": "/v1/agents",
        "http.response.status_code": 200,
        "url.path": "/v1/agents",
        "url.scheme": "http",
        "network.transport": "tcp",
        "server.address": "127.0.0.1",
        "server.port": expect.any(Number),
      },
      resource: { "service.name": "mine", "service.version": "1.2.3" },
    });
    expect(called).toMatchObject({
      ...{ traceId: TRACE, parentSpanId: asked?.spanId, kind: CLIENT, name: "agent.list" },
      attributes: { "rpc.method": "agent.list", "rpc.system.name": "aios" },
    });
    for (const span of [asked, called])
      expect(Number(span?.endTimeUnixNano)).toBeGreaterThan(Number(span?.startTimeUnixNano));
  });

  test("shows no more of itself than a span has room for, whatever its path and its headers are", async () => {
    const long = "x".repeat(3000);
    const [span, ...more] = await spansOf(async ({ ask }) => {
      const state = Array.from({ length: 8 }, (_, n) => `k${n}=${"v".repeat(250)}`).join();
      const headers = { traceparent: TRACEPARENT, tracestate: state, baggage: `a=${long}` };
      expect(await ask(`/v1/${long}`, { headers })).toBe(404);
    });
    expect(more).toEqual([]);
    expect(span).toMatchObject({
      name: "GET",
      attributes: { "url.path": `/v1/${long}`.slice(0, 512) },
    });
    expect(JSON.stringify(span).length).toBeLessThan(4096);
  });

  test("is sent by OTLP over HTTP, in JSON, to where the specification says", async () => {
    const collector = await Collector.start();
    await traced(collector.endpoint, async ({ ask }) => void (await ask("/v1/agents")));
    await collector.stop();
    expect(collector.requests).toMatchObject([
      { method: "POST", url: "/v1/traces", headers: { "content-type": "application/json" } },
    ]);
  });

  test("has a path with the names of its parameters as its route, and what is at no path has none", async () => {
    const spans = await spansOf(async ({ ask }) => {
      expect(await ask("/v1/agents/p/nobody")).toBe(404);
      expect(await ask("/v1/nothing")).toBe(404);
      expect(await ask("/v1/nothing", { method: "PROPFIND" })).toBe(404);
    });
    expect(spans.map(({ name }) => name)).toEqual([
      ...["agent.inspect", "GET /v1/agents/:project/:name", "GET", "HTTP"],
    ]);
    expect(spans[3]?.attributes).toMatchObject({
      "http.request.method": "_OTHER",
      "http.request.method_original": "PROPFIND",
    });
  });

  test("that is refused shows its status, and is an error only if the server's", async () => {
    const spans = await spansOf(async ({ ask, socket }) => {
      expect(await ask("/v1/agents", { headers: { authorization: "" } })).toBe(401);
      expect(await ask("/v1/agents", { headers: { host: "evil.example" } })).toBe(403);
      const image = { socketPath: socket, path: "/v1/images" };
      expect(await status(image, { method: "PUT", body: "x" })).toBe(500);
    });
    const requests = spans.filter(({ kind }) => kind === SERVER);
    expect(
      requests.map(({ attributes, status: { code } }) => [
        attributes["http.response.status_code"],
        attributes["error.type"],
        code,
      ]),
    ).toEqual([
      [401, undefined, UNSET],
      [403, undefined, UNSET],
      [500, "500", ERROR],
    ]);
    const [call] = spans.filter(({ kind }) => kind === CLIENT);
    expect(call).toMatchObject({
      name: "image.register",
      status: { code: ERROR },
      attributes: { "error.type": "not-found" },
    });
  });

  test("leaves no token, parameter or body in its trace", async () => {
    const collector = await Collector.start();
    await traced(collector.endpoint, async ({ ask, port }) => {
      await ask("/v1/events?project=secret-query");
      const headers = { "content-type": "application/json", cookie: "secret-cookie" };
      const body = '{"image":"secret-body"}';
      await ask("/v1/agents", { method: "POST", headers, body });
      const protocols = ["aios.v1", `aios.token.${token}`];
      const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream?secret-query`, protocols);
      await new Promise((resolve) => socket.on("open", resolve));
      socket.terminate();
    });
    await collector.stop();
    expect(collector.spans.length).toBeGreaterThan(3);
    expect(collector.bodies.join()).not.toContain("secret");
    expect(collector.bodies.join()).not.toContain(token);
  });

  test("through the Unix socket is shown as one", async () => {
    const [, asked] = await spansOf(async ({ socket }) => {
      const headers = { traceparent: TRACEPARENT };
      expect(await status({ socketPath: socket, path: "/v1/agents" }, { headers })).toBe(200);
    });
    expect(asked).toMatchObject({ parentSpanId: PARENT, name: "GET /v1/agents" });
    expect(asked?.attributes).toMatchObject({ "network.transport": "unix" });
    expect(asked?.attributes).not.toHaveProperty("server.port");
  });
});

describe("a stream", () => {
  const open = (port: number, shown: string) => {
    const headers = { traceparent: TRACEPARENT };
    const protocols = ["aios.v1", `aios.token.${shown}`];
    return new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, protocols, { headers });
  };

  test("is the span of its handshake, and what it asks is below that", async () => {
    const spans = await spansOf(async ({ port }) => {
      const socket = open(port, token);
      await new Promise((resolve) => socket.on("open", resolve));
      socket.send(JSON.stringify({ subscribe: 1, method: "agent.logs", params: { name: "x" } }));
      await new Promise((resolve) => socket.on("message", resolve));
      socket.terminate();
    });
    const [handshake, asked] = spans;
    expect(handshake).toMatchObject({
      ...{ traceId: TRACE, parentSpanId: PARENT, name: "GET /v1/stream", kind: SERVER },
      attributes: { "http.response.status_code": 101, "http.route": "/v1/stream" },
    });
    expect(asked).toMatchObject({
      ...{ traceId: TRACE, parentSpanId: handshake?.spanId, name: "agent.logs" },
      attributes: { "error.type": "denied" },
    });
  });

  test("that is refused shows why", async () => {
    const spans = await spansOf(async ({ port, ask }) => {
      const socket = open(port, "aios_wrong");
      await new Promise((resolve) => socket.on("error", resolve));
      const headers = { connection: "upgrade", upgrade: "websocket" };
      expect(await ask("/v1/stream", { headers })).toBe(400);
    });
    expect(spans.map(({ attributes }) => attributes["http.response.status_code"])).toEqual([
      401, 400,
    ]);
  });
});

describe("what a caller says of its trace (W3C Trace Context, Level 1, 3.2)", () => {
  const tracesFor = async (...traceparents: (string | string[])[]) => {
    const spans = await spansOf(async ({ ask }) => {
      for (const traceparent of traceparents)
        await ask("/openapi.json", { headers: { traceparent } });
    });
    return spans.map(({ traceId }) => traceId);
  };

  test("is passed over if it isn't well formed", async () => {
    const wrong = [
      ["", "of nothing"],
      [`ff-${TRACE}-${PARENT}-01`, "of a version that is none"],
      [`00-${"0".repeat(32)}-${PARENT}-01`, "of no trace"],
      [`00-${TRACE}-${"0".repeat(16)}-01`, "of no parent"],
      [`00-${TRACE.toUpperCase()}-${PARENT}-01`, "in large letters"],
      [`00-${TRACE}-${PARENT}`, "without flags"],
      [`00-${TRACE}-${PARENT}-01-more`, "with more than this version has"],
      [`${TRACEPARENT}, ${TRACEPARENT}`, "twice"],
    ].map(([text = ""]) => text);
    const found = await tracesFor(...wrong, [TRACEPARENT, TRACEPARENT]);
    expect(found).toHaveLength(wrong.length + 1);
    expect(found).not.toContain(TRACE);
    expect(new Set(found).size).toBe(found.length);
  });

  test("is taken as far as it is known, if its version is a later one", async () => {
    expect(await tracesFor(`cc-${TRACE}-${PARENT}-01-what-will-be`)).toEqual([TRACE]);
  });

  test("decides whether it is recorded, where the sampler is the default one", async () => {
    expect(await tracesFor(`00-${TRACE}-${PARENT}-00`)).toEqual([]);
  });

  test.each([
    ["always_off", "", TRACEPARENT, 0],
    ["traceidratio", "0", TRACEPARENT, 0],
    ["traceidratio", "1", `00-${TRACE}-${PARENT}-00`, 1],
    ["parentbased_always_off", "", TRACEPARENT, 1],
  ])(
    "and not where OTEL_TRACES_SAMPLER is %s with %j for %s",
    async (sampler, argument, said, count) => {
      vi.stubEnv("OTEL_TRACES_SAMPLER", sampler);
      vi.stubEnv("OTEL_TRACES_SAMPLER_ARG", argument);
      expect(await tracesFor(said)).toHaveLength(count);
    },
  );
});

describe("a collector", () => {
  const answered = async ({ ask }: Gateway) => {
    for (let n = 0; n < 3; n++) expect(await ask("/v1/agents")).toBe(200);
  };
  /** Its endpoint was a moment ago; now nobody listens there. */
  const gone = async () => {
    const collector = await Collector.start();
    await collector.stop();
    return collector.endpoint;
  };

  test("that is down harms no request, and that it is down is said", async () => {
    // Less than what goes by before it would be tried again, ms.
    vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "500");
    expect(await traced(await gone(), answered)).toEqual([expect.stringMatching(/^traces: \w/)]);
  });

  test("that refuses harms no request, and that it refuses is said", async () => {
    const collector = await Collector.start((response) => response.writeHead(400).end("no"));
    expect(await traced(collector.endpoint, answered)).toEqual(["traces: Bad Request"]);
    expect(collector.spans).toHaveLength(6);
    await collector.stop();
  });

  test("that never answers is waited for only so long", async () => {
    vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000");
    vi.stubEnv("OTEL_BSP_EXPORT_TIMEOUT", "3600000");
    const collector = await Collector.start(() => {});
    expect(await traced(collector.endpoint, answered)).toEqual([
      "traces: the collector takes nothing; after 2000 ms what is left is lost",
    ]);
    expect(collector.spans).toHaveLength(6);
    await collector.stop();
  });
});

test("a protocol that isn't spoken is said", async () => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
  const collector = await Collector.start();
  expect(await traced(collector.endpoint, async () => {})).toEqual([
    "traces: OTEL_EXPORTER_OTLP_PROTOCOL: http/json is spoken, not grpc",
  ]);
  await collector.stop();
});

test.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://localhost:4318/v1/traces" }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318", OTEL_SDK_DISABLED: "True" }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318", OTEL_TRACES_EXPORTER: "none" }, false],
])("by the environment %j traces are wanted: %j", (env, wanted) => {
  expect(wantsTraces(env)).toBe(wanted);
});
