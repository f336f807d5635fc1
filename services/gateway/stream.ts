/**
 * What goes on, as it comes: logs and events over a WebSocket. A subscription asks for what is new again and
 * again, as its client's agent; so it ends when that agent may no more.
 *
 *   → {"subscribe": 1, "method": "agent.logs", "params": {"project": "demo", "name": "worker"}}
 *   ← {"subscription": 1, "result": {"lines": [...], "next": 12, "ended": false}}
 *   ← {"subscription": 1, "end": true}        or  {"subscription": 1, "error": {"code", "message"}}
 *   → {"unsubscribe": 1}
 *
 * The token is in the list of protocols, as `aios.v1, aios.token.<token>`; it is never part of an address.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { ERRORS, RequestError } from "../messages/errors.ts";
import type { Asker, ClientSide } from "./clients.ts";
import { CLOSING, type LimitedServer } from "./connections.ts";
import { AtOnce, type Rates, requireLocal } from "./guards.ts";
import type { RequestTrace, Traces } from "./traces.ts";

export const STREAM_PATH = "/v1/stream";
const PROTOCOL = "aios.v1";
const TOKEN_PROTOCOL = "aios.token.";
const MESSAGE_BYTES_MAX = 16 * 1024;
const SUBSCRIPTIONS_MAX = 16;
const STREAMS = { all: 128, each: 32 } as const;
const SOCKETS = {
  noServer: true,
  maxPayload: MESSAGE_BYTES_MAX,
  perMessageDeflate: false,
  /** A client has so long to agree to the end of a stream, ms. */
  closeTimeout: 2000,
} as const;
/** Status of a handshake that has led to a stream (RFC 6455, 4.2.2). */
const SWITCHED = 101;
/** Seconds for which one question waits for something new. */
const WAIT_S = 20;

const Said = z.union([
  z.strictObject({
    subscribe: z.int().min(0),
    method: z.enum(["agent.logs", "events.read"]),
    params: z.record(z.string(), z.unknown()).default({}),
  }),
  z.strictObject({ unsubscribe: z.int().min(0) }),
]);

export interface StreamOptions {
  /** Whose connection it is. @throws RequestError bad-token */
  clientOf(token: string | undefined): ClientSide;
  /** Over TCP: the port that requests are for. */
  readonly port?: () => number;
  /** Milliseconds in which a client has to take what it is sent, and to answer a ping. */
  readonly patience: number;
  /** For each client, of what it says on its streams as well. */
  readonly rates: Rates;
  readonly traces?: Traces | undefined;
}

export function attachStream(server: LimitedServer, options: StreamOptions): void {
  const sockets = new WebSocketServer({
    ...SOCKETS,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  const streams = new AtOnce("streams", STREAMS);
  server.on(CLOSING, () => {
    for (const socket of sockets.clients) socket.close(GOING_AWAY, "the system stops");
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const trace = options.traces && traceOf(options.traces, request, options.port?.());
    // What isn't understood as a handshake is answered by the library.
    socket.on("close", () => trace?.end(ERRORS["bad-request"], STREAM_PATH));
    try {
      if (pathOf(request) !== STREAM_PATH)
        throw new RequestError("not-found", "there is no stream here");
      const { host, origin } = request.headers;
      if (options.port) requireLocal(host, origin, options.port());
      const client = options.clientOf(tokenOf(request));
      socket.on("close", streams.enter(client));
      sockets.handleUpgrade(request, socket, head, (it) => {
        trace?.end(SWITCHED, STREAM_PATH);
        const wrote = () => server.wrote(socket);
        new Connection(it, trace?.asker(client) ?? client, { ...options, wrote });
      });
    } catch (error) {
      const { code } = RequestError.from(error);
      trace?.end(ERRORS[code]);
      const head = `HTTP/1.1 ${ERRORS[code]} ${code}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
      // Whoever doesn't hang up has no connection either.
      socket.end(head, () => socket.destroy());
    }
  });
}

const pathOf = ({ url = "" }: IncomingMessage): string => url.split("?")[0] ?? "";

/** The handshake is the span; what the stream asks later is below it. */
function traceOf(traces: Traces, request: IncomingMessage, port: number | undefined): RequestTrace {
  const { method = "GET", headers } = request;
  const path = pathOf(request);
  return traces.begin({ method, path, port, header: (name) => headers[name]?.toString() });
}

function tokenOf({ headers }: IncomingMessage): string | undefined {
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((it) => it.trim());
  const shown = offered.find((it) => it.startsWith(TOKEN_PROTOCOL));
  return shown?.slice(TOKEN_PROTOCOL.length) ?? headers.authorization?.replace(/^Bearer /i, "");
}

/** Codes with which a connection is closed (RFC 6455, 7.4). */
const GOING_AWAY = 1001;
const POLICY = 1008;

interface ConnectionOptions extends Pick<StreamOptions, "patience" | "rates"> {
  /** It was written to. */
  readonly wrote: () => void;
}

class Connection {
  private readonly socket: WebSocket;
  private readonly client: Asker;
  private readonly options: ConnectionOptions;
  private readonly open = new Map<number, symbol>();
  private alive = true;

  constructor(socket: WebSocket, client: Asker, options: ConnectionOptions) {
    this.socket = socket;
    this.client = client;
    this.options = options;
    const pulse = setInterval(() => this.ping(), options.patience);
    socket.on("ping", () => this.counted(() => {}));
    socket.on("pong", () => {
      this.alive = true;
    });
    socket.on("message", (data, binary) => this.counted(() => this.hear(data, binary)));
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      clearInterval(pulse);
      this.open.clear();
    });
  }

  private ping(): void {
    if (!this.alive) this.socket.terminate();
    this.alive = false;
    this.socket.ping();
  }

  private hear(data: RawData, binary: boolean): void {
    if (binary) throw new RequestError("bad-request", "text is meant");
    this.take(Said.parse(JSON.parse(data.toString())));
  }

  /** Does what was said, if that isn't too often. */
  private counted(work: () => void): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    try {
      this.options.rates.require(this.client.holder);
      work();
    } catch (error) {
      this.socket.close(POLICY, error instanceof RequestError ? error.message : "not understood");
    }
  }

  private take(said: z.infer<typeof Said>): void {
    const { open } = this;
    if ("unsubscribe" in said) {
      open.delete(said.unsubscribe);
      return;
    }
    const { subscribe: id } = said;
    if (open.has(id)) throw new RequestError("exists", `subscription ${id} is there already`);
    if (open.size >= SUBSCRIPTIONS_MAX)
      throw new RequestError(
        "too-many-requests",
        `${SUBSCRIPTIONS_MAX} subscriptions are the most`,
      );
    const mark = Symbol();
    open.set(id, mark);
    void this.follow(id, mark, said.method, said.params);
  }

  /** The next question is asked once the last answer is on its way: who reads slowly is asked for less. */
  private async follow(
    subscription: number,
    mark: symbol,
    method: "agent.logs" | "events.read",
    params: Record<string, unknown>,
  ): Promise<void> {
    const goesOn = () => this.open.get(subscription) === mark;
    let from = params.from ?? 0;
    try {
      while (goesOn()) {
        const asked = { ...params, from, wait: WAIT_S };
        const result = (await this.client.call(method, asked)) as Answer;
        if (!goesOn()) return;
        if ((result.lines ?? result.events ?? []).length > 0)
          await this.send({ subscription, result });
        from = result.next;
        if (!result.ended) continue;
        await this.send({ subscription, end: true });
        this.open.delete(subscription);
      }
    } catch (error) {
      if (!goesOn()) return;
      this.open.delete(subscription);
      const { plain } = RequestError.from(error);
      if (plain.code === "bad-token") this.socket.close(GOING_AWAY, plain.message);
      else await this.send({ subscription, error: plain }).catch(() => {});
    }
  }

  /** Kept once the system has taken it from us: not before there is room at the other end. */
  private send(what: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.socket.close(POLICY, "what is sent isn't taken");
        // Its place in the queue is behind what isn't taken.
        this.socket.terminate();
        reject(new RequestError("unavailable", "the client is too slow"));
      }, this.options.patience);
      this.socket.send(JSON.stringify(what), (error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      });
      this.options.wrote();
    });
  }
}

interface Answer {
  readonly lines?: readonly unknown[];
  readonly events?: readonly unknown[];
  readonly next: number;
  readonly ended?: boolean;
}
