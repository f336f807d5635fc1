/** A client of a running system: its methods by name, over the Unix socket or loopback HTTP. */
import { request } from "node:http";
import { API, type MethodName, type Params, type Result } from "../../services/messages/api.ts";
import { type ErrorCode, RequestError } from "../../services/messages/errors.ts";

export interface ClientOptions {
  /** Path of the socket; else host and port. */
  readonly socket?: string;
  readonly port?: number;
  readonly token?: string;
}

export class Client {
  private readonly options: ClientOptions;

  constructor(options: ClientOptions) {
    this.options = options;
  }

  /** @throws RequestError as the system refuses; "unavailable" when there is none */
  async call<M extends MethodName>(name: M, params: Params<M>): Promise<Result<M>> {
    const { http } = API[name];
    const [verb, path] = http;
    const rest = { ...(params as Record<string, unknown>) };
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
      const value = rest[key] ?? (key === "project" ? "default" : "");
      delete rest[key];
      return encodeURIComponent(String(value));
    });
    const query = verb === "GET" ? `?${new URLSearchParams(textOf(rest))}` : "";
    const body = verb === "GET" ? undefined : JSON.stringify(rest);
    const { status, text } = await this.send(verb, filled + query, body);
    const answer = JSON.parse(text) as { error?: { code: ErrorCode; message: string } };
    if (status >= 400)
      throw new RequestError(answer.error?.code ?? "internal", answer.error?.message ?? text);
    return answer as Result<M>;
  }

  private send(
    method: string,
    path: string,
    body: string | undefined,
  ): Promise<{ status: number; text: string }> {
    const { socket, port, token } = this.options;
    const place = socket ? { socketPath: socket } : { host: "127.0.0.1", port };
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    return new Promise((resolve, reject) => {
      const sent = request({ ...place, method, path, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => {
          const text = Buffer.concat(parts).toString();
          resolve({ status: response.statusCode ?? 500, text });
        });
      });
      sent.on("error", ({ message }) =>
        reject(new RequestError("unavailable", `no system answers: ${message}`)),
      );
      sent.end(body);
    });
  }
}

function textOf(params: Record<string, unknown>): Record<string, string> {
  const texts = Object.entries(params).filter(([, value]) => value !== undefined);
  return Object.fromEntries(texts.map(([key, value]) => [key, String(value)]));
}
