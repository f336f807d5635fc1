/** Traces as OpenTelemetry has them, sent by OTLP over HTTP in JSON. Names: its semantic conventions 1.45. */
import { randomUUID } from "node:crypto";
import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { setGlobalErrorHandler, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_TRANSPORT,
  ATTR_RPC_METHOD,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
  NETWORK_TRANSPORT_VALUE_TCP,
  NETWORK_TRANSPORT_VALUE_UNIX,
} from "@opentelemetry/semantic-conventions";
import type { MethodName } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import type { Asker } from "./clients.ts";
import type { Requested, RequestTrace, Traces } from "./traces.ts";

const NAME = "aios";
const LOOPBACK = "127.0.0.1";
/** Methods that the conventions have by name; others are one, so that names of spans are few. */
const METHODS: readonly string[] =
  "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE".split(" ");
const OTHER_METHOD = "_OTHER";
const SERVER_ERROR = 500;
/** Of a path that a span shows: spans are kept until they are sent, and anybody may ask for anything. */
const PATH_CHARACTERS_MAX = 512;
/** A collector has so long to take what there is when the system stops, ms. */
const CLOSE_MS = 2000;
/** What the exporter of this package speaks. */
const PROTOCOL = "http/json";

const HEADERS: TextMapGetter<Requested> = {
  get: (request, name) => request.header(name),
  keys: () => [],
};

export class OpenTelemetry implements Traces {
  private readonly propagator = new W3CTraceContextPropagator();
  private readonly provider: BasicTracerProvider;
  private readonly tracer: Tracer;
  private readonly problem: (problem: unknown) => void;

  constructor(version: string, report: (problem: string) => void) {
    this.problem = reportTo(report);
    const ours = { [ATTR_SERVICE_NAME]: NAME, [ATTR_SERVICE_VERSION]: version };
    const instance = { [ATTR_SERVICE_INSTANCE_ID]: randomUUID() };
    this.provider = new BasicTracerProvider({
      resource: defaultResource()
        .merge(resourceFromAttributes({ ...ours, ...instance }))
        .merge(detectResources({ detectors: [envDetector] })),
      // It keeps 2,048 spans, and drops what comes when a collector takes none.
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    });
    this.tracer = this.provider.getTracer(NAME, version);
  }

  begin(request: Requested): RequestTrace {
    const { method, path, port } = request;
    const known = METHODS.includes(method);
    const parent = this.propagator.extract(ROOT_CONTEXT, request, HEADERS);
    const span = this.tracer.startSpan(
      known ? method : "HTTP",
      {
        kind: SpanKind.SERVER,
        attributes: {
          [ATTR_HTTP_REQUEST_METHOD]: known ? method : OTHER_METHOD,
          ...(known ? {} : { [ATTR_HTTP_REQUEST_METHOD_ORIGINAL]: method }),
          [ATTR_URL_PATH]: path.slice(0, PATH_CHARACTERS_MAX),
          [ATTR_URL_SCHEME]: "http",
          ...placeOf(port),
        },
      },
      parent,
    );
    return new RequestSpan(this.tracer, span, known ? method : "HTTP");
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((_, reject) => {
      const why = `the collector takes nothing; after ${CLOSE_MS} ms what is left is lost`;
      timer = setTimeout(() => reject(new Error(why)), CLOSE_MS);
    });
    await Promise.race([this.provider.shutdown(), late]).catch(this.problem);
    clearTimeout(timer);
  }
}

function placeOf(port: number | undefined) {
  if (port === undefined) return { [ATTR_NETWORK_TRANSPORT]: NETWORK_TRANSPORT_VALUE_UNIX };
  return {
    [ATTR_NETWORK_TRANSPORT]: NETWORK_TRANSPORT_VALUE_TCP,
    [ATTR_SERVER_ADDRESS]: LOOPBACK,
    [ATTR_SERVER_PORT]: port,
  };
}

class RequestSpan implements RequestTrace {
  private readonly tracer: Tracer;
  private readonly span: Span;
  private readonly method: string;
  private readonly context: Context;

  constructor(tracer: Tracer, span: Span, method: string) {
    this.tracer = tracer;
    this.span = span;
    this.method = method;
    this.context = trace.setSpan(ROOT_CONTEXT, span);
  }

  asker(client: Asker): Asker {
    return {
      holder: client.holder,
      call: (method, params) => this.called(client, method, params),
    };
  }

  private async called(client: Asker, method: MethodName, params: unknown): Promise<unknown> {
    const attributes = { [ATTR_RPC_SYSTEM_NAME]: NAME, [ATTR_RPC_METHOD]: method };
    const span = this.tracer.startSpan(method, { kind: SpanKind.CLIENT, attributes }, this.context);
    try {
      return await client.call(method, params);
    } catch (error) {
      fail(span, RequestError.from(error).code);
      throw error;
    } finally {
      span.end();
    }
  }

  end(status: number, route?: string): void {
    const { span, method } = this;
    if (!span.isRecording()) return;
    if (route !== undefined)
      span.updateName(`${method} ${route}`).setAttribute(ATTR_HTTP_ROUTE, route);
    span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status);
    // What a client has done wrong is no error of the server's.
    if (status >= SERVER_ERROR) fail(span, String(status));
    span.end();
  }
}

function fail(span: Span, type: string): void {
  span.setAttribute(ATTR_ERROR_TYPE, type).setStatus({ code: SpanStatusCode.ERROR });
}

/**
 * Reports what the libraries complain of, each thing once in a row: a collector that is down is down for long.
 * They have one place for that in a process. What is returned reports as they do.
 */
function reportTo(report: (problem: string) => void): (problem: unknown) => void {
  let last = "";
  const say = (problem: unknown): void => {
    const text = textOf(problem);
    if (text !== last) report(`traces: ${text}`);
    last = text;
  };
  const nothing = () => {};
  const logger = { error: say, warn: say, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  setGlobalErrorHandler(say);
  for (const name of ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"])
    if ((process.env[name] || PROTOCOL) !== PROTOCOL)
      say(`${name}: ${PROTOCOL} is spoken, not ${process.env[name]}`);
  return say;
}

/** An error about several addresses has only a code. */
function textOf(problem: unknown): string {
  if (typeof problem !== "object" || problem === null) return String(problem);
  const { message, code } = problem as { message?: string; code?: unknown };
  return message || String(code);
}
