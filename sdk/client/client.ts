/** A client of a running system: its methods by name, over the Unix socket or loopback HTTP. */
import { Agent as Connections, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import {
  API,
  type Image,
  type MethodName,
  type Params,
  type Result,
} from "../../services/messages/api.ts";
import { type ErrorCode, RequestError } from "../../services/messages/errors.ts";
import { type Environment, type Place, SOCKET_FILE, stateDirectory } from "./place.ts";

export interface ClientOptions {
  /** Path of the socket; else host and port. */
  readonly socket?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly port?: number;
  readonly token?: string;
}

interface Sent {
  readonly body?: string | Uint8Array | undefined;
  readonly type?: string;
  readonly signal?: AbortSignal | undefined;
}

interface Answered {
  readonly status: number;
  readonly body: Buffer;
}

export class Client {
  private readonly options: ClientOptions;
  /** Connections are kept for the next request. */
  private readonly connections = new Connections({ keepAlive: true });

  constructor(options: ClientOptions) {
    this.options = options;
  }

  /** @throws RequestError bad-request: the host has no port */
  static at(place: Place, env: Environment): Client {
    const host = place.host ?? (place.state === undefined ? env.AIOS_HOST : undefined);
    const token = place.token ?? env.AIOS_TOKEN;
    const shown = token === undefined ? {} : { token };
    if (!host)
      return new Client({ ...shown, socket: join(stateDirectory(place.state, env), SOCKET_FILE) });
    const [, name = "", port = ""] =
      /^(?:http:\/\/)?([^:/]+|\[[0-9a-f:]+\]):(\d{1,5})\/?$/.exec(host) ?? [];
    if (name === "")
      throw new RequestError("bad-request", `host "${host}": an address and a port are meant`);
    return new Client({ ...shown, host: name, port: Number(port) });
  }

  /** Where it looks for the system. */
  get place(): string {
    const { socket, host = "127.0.0.1", port } = this.options;
    return socket ?? `${host}:${port}`;
  }

  /** @throws RequestError as the system refuses; "unavailable" when there is none */
  async call<M extends MethodName>(
    name: M,
    params: Params<M>,
    signal?: AbortSignal,
  ): Promise<Result<M>> {
    const [verb, path] = API[name].http;
    const rest = { ...(params as Record<string, unknown>) };
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
      const value = rest[key] ?? (key === "project" ? "default" : "");
      delete rest[key];
      return encodeURIComponent(String(value));
    });
    if (verb !== "GET")
      return (await this.send(verb, filled, { body: JSON.stringify(rest), signal })) as Result<M>;
    const query = new URLSearchParams(textOf(rest)).toString();
    return (await this.send(verb, query ? `${filled}?${query}` : filled, { signal })) as Result<M>;
  }

  /** Brings an image, an OCI layout in a tar archive. @throws RequestError bad-request, too-large */
  async putImage(archive: Uint8Array): Promise<Image> {
    const sent = { body: archive, type: "application/x-tar" };
    return (await this.send("PUT", "/v1/images", sent)) as Image;
  }

  /** What has come into the machine, as a file; for its owner. @throws RequestError denied, unavailable */
  async journal(signal?: AbortSignal): Promise<Uint8Array> {
    const { status, body } = await this.ask("GET", "/v1/journal", { signal });
    if (status !== 200) answerOf(status, body.toString());
    return body;
  }

  /** Lets its connections go. */
  close(): void {
    this.connections.destroy();
  }

  private async send(method: string, path: string, sent: Sent): Promise<unknown> {
    const { status, body } = await this.ask(method, path, sent);
    return answerOf(status, body.toString());
  }

  private async ask(method: string, path: string, sent: Sent): Promise<Answered> {
    const { socket, host = "127.0.0.1", port, token } = this.options;
    const headers: Record<string, string | number> = {};
    if (token) headers.authorization = `Bearer ${token}`;
    if (sent.body !== undefined) {
      headers["content-type"] = sent.type ?? "application/json";
      headers["content-length"] = Buffer.byteLength(sent.body);
    }
    const place = socket ? { socketPath: socket } : { host, port };
    const { signal } = sent;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { ...place, method, path, headers, agent: this.connections };
      const asked = request(signal ? { ...options, signal } : options, resolve);
      asked.on("error", (error) => reject(signal?.aborted ? error : this.unavailable(error)));
      asked.end(sent.body);
    });
    return { status: response.statusCode ?? 500, body: await bytesIn(response) };
  }

  private unavailable({ code, message }: NodeJS.ErrnoException): NoSystem {
    const why = WHY[code ?? ""] ?? message;
    return new NoSystem(
      "unavailable",
      `no system answers at ${this.place} (${why}): start one with "aios up"`,
    );
  }
}

/** Nobody answers where the system is said to be. */
export class NoSystem extends RequestError {}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "there is no such socket",
  ECONNREFUSED: "nobody listens",
  ECONNRESET: "it has hung up",
  EACCES: "it is another user's",
};

async function bytesIn(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function answerOf(status: number, text: string): unknown {
  let answer: { error?: { code: ErrorCode; message: string } };
  try {
    answer = JSON.parse(text);
  } catch {
    throw new RequestError("internal", `what answers is no system of ours: status ${status}`);
  }
  if (status >= 400)
    throw new RequestError(answer.error?.code ?? "internal", answer.error?.message ?? text);
  return answer;
}

function textOf(params: Record<string, unknown>): Record<string, string> {
  const texts = Object.entries(params).filter(([, value]) => value !== undefined);
  return Object.fromEntries(texts.map(([key, value]) => [key, String(value)]));
}
