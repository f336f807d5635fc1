/**
 * A receiver of traces: OTLP 1.x over HTTP in JSON, by the field names of the published protocol
 * (opentelemetry/proto/collector/trace/v1, and the JSON Protobuf encoding of OTLP).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** `SpanKind` of trace.proto. */
export const SERVER = 2;
export const CLIENT = 3;
/** `Status.StatusCode` of trace.proto. */
export const UNSET = 0;
export const ERROR = 2;

type Value = { readonly stringValue?: string; readonly intValue?: number | string };
interface Attribute {
  readonly key: string;
  readonly value: Value;
}
interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: number };
}
interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

export interface Span extends Omit<SentSpan, "attributes"> {
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly resource: Readonly<Record<string, string | number>>;
}

const plain = (attributes: readonly Attribute[]): Record<string, string | number> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );

type Answer = (response: ServerResponse) => void;

const taken: Answer = (response) =>
  void response.writeHead(200, { "content-type": "application/json" }).end("{}");

export class Collector {
  /** What has come, as it came. */
  readonly bodies: string[] = [];
  readonly requests: Pick<IncomingMessage, "method" | "url" | "headers">[] = [];
  readonly endpoint: string;
  private readonly server: Server;

  private constructor(server: Server, answer: Answer) {
    this.server = server;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", async (request, response) => {
      const { method, url, headers } = request;
      this.requests.push({ method, url, headers });
      this.bodies.push(await text(request));
      answer(response);
    });
  }

  /** `answer` is what it does with each request; by default it takes it. */
  static async start(answer = taken): Promise<Collector> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Collector(server, answer);
  }

  get spans(): Span[] {
    return this.bodies
      .flatMap((body) => (JSON.parse(body) as Sent).resourceSpans)
      .flatMap(({ resource, scopeSpans }) =>
        scopeSpans
          .flatMap(({ spans }) => spans)
          .map((span) => ({
            ...span,
            attributes: plain(span.attributes),
            resource: plain(resource.attributes),
          })),
      );
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
