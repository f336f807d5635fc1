/**
 * Traces of requests for whoever runs the system (OpenTelemetry): a span for each request, below the
 * caller's if that has given one (W3C Trace Context), and one below that for each call into the machine.
 * They are on the host's side of the gateway and in the host's time; the machine knows nothing of them.
 *
 * This is the seam. What has the libraries in it, otel.ts, is loaded only when traces are wanted.
 */
import type { Asker } from "./clients.ts";

/** What a trace shows of a request: no parameters, bodies or tokens. */
export interface Requested {
  /** Of HTTP. */
  readonly method: string;
  readonly path: string;
  /** Over TCP: the port that it came to. Else it came through the Unix socket. */
  readonly port?: number | undefined;
  /** A header by its name, in small letters. */
  header(name: string): string | undefined;
}

export interface RequestTrace {
  /** A client whose calls are shown below the request. */
  asker(client: Asker): Asker;
  /** `route` is a path of the table of methods. Only the first end counts. */
  end(status: number, route?: string): void;
}

export interface Traces {
  begin(request: Requested): RequestTrace;
  /** Sends what there is still, for as long as the bound allows, and nothing more. Never fails. */
  close(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether traces are wanted, by the variables that OpenTelemetry's specification names. */
export const wantsTraces = (env: Environment): boolean =>
  Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT) &&
  env.OTEL_TRACES_EXPORTER !== "none" &&
  env.OTEL_SDK_DISABLED?.toLowerCase() !== "true";

/**
 * Begins to trace; where to, and how much, the libraries read in the environment of the process.
 * `report` is told what is wrong: with a variable, and when spans are lost.
 */
export async function openTraces(
  version: string,
  report: (problem: string) => void,
): Promise<Traces> {
  const { OpenTelemetry } = await import("./otel.ts");
  return new OpenTelemetry(version, report);
}
