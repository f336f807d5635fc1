/** HTTP of the gateway: routes from the table of methods, for any transport. */
import { createHash, randomUUID } from "node:crypto";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { ARCHIVE_BYTES_MAX } from "../../sdk/oci/media.ts";
import { API, type MethodName } from "../messages/api.ts";
import { ERRORS, RequestError } from "../messages/errors.ts";
import { problemLine } from "../messages/issues.ts";
import type { Asker, ClientSide } from "./clients.ts";
import { openApiDocument } from "./document.ts";
import { AtOnce, type Rates, requireLocal, TooOften } from "./guards.ts";
import type { Metrics } from "./metrics.ts";
import { readBody, readParams, requireDigest } from "./read.ts";
import type { RequestTrace, Traces } from "./traces.ts";

/** What the host does for clients beside the machine. */
export interface GatewayHostSide {
  /** Keeps an image of an agent (an OCI layout): its archive's digest. @throws RequestError bad-request */
  putImage(archive: Uint8Array): Promise<string>;
  /** What has come into the machine, as a file. */
  journal?(): Promise<Uint8Array>;
  /** Of this project. */
  readonly version: string;
}

export interface RouteOptions {
  /** Over TCP: the port that requests are for. Without, whoever can open the socket is local. */
  readonly port?: () => number;
  readonly rates: Rates;
  readonly metrics: Metrics;
  readonly traces?: Traces | undefined;
}

/** What routes know of a request: the method of the API that it is for, where it is shown, and how it ends. */
type Variables = { Variables: { method: string; trace?: RequestTrace; leave?: () => void } };

const REQUESTS = { all: 1024, each: 256 } as const;
/** Whose bytes are in memory until they are kept: 17 MiB each. */
const IMAGES = { all: 8, each: 2 } as const;
/** Of what is asked for all of them, as hono has it. */
const ALL_PATHS = "/*";

/** The routes; `clientOf` says whose request it is. @throws there RequestError bad-token */
export function gatewayRoutes(
  host: GatewayHostSide,
  clientOf: (authorization: string | undefined) => ClientSide,
  { port, rates, metrics, traces }: RouteOptions,
): Hono<Variables> {
  const app = new Hono<Variables>();
  const requests = new AtOnce("requests", REQUESTS);
  const images = new AtOnce("images", IMAGES);
  const asks = (context: Context<Variables>): Asker => {
    const client = clientOf(context.req.header("authorization"));
    rates.require(client.holder);
    context.set("leave", requests.enter(client));
    return context.get("trace")?.asker(client) ?? client;
  };
  if (traces) app.use(showing(traces, port));
  app.use(async (context, next) => {
    context.header("x-request-id", randomUUID());
    context.header("cache-control", "no-store");
    context.header("x-content-type-options", "nosniff");
    if (port) requireLocal(context.req.header("host"), context.req.header("origin"), port());
    const since = performance.now();
    try {
      await next();
    } finally {
      context.get("leave")?.();
    }
    const method = context.get("method") ?? "none";
    metrics.answered(method, context.res.status, (performance.now() - since) / 1000);
  });
  // It needs no token, so it is made once, and all answers are the same bytes.
  let document: Uint8Array<ArrayBuffer> | null = null;
  app.get("/openapi.json", (context) => {
    document ??= new TextEncoder().encode(JSON.stringify(openApiDocument(host.version)));
    return context.body(document, 200, { "content-type": "application/json" });
  });
  app.get("/metrics", async (context) =>
    context.body(await metrics.text(asks(context)), 200, { "content-type": metrics.contentType }),
  );
  app.put("/v1/images", async (context) => {
    context.set("method", "image.put");
    const client = asks(context);
    const leave = images.enter(client.holder);
    try {
      return await putImage(context, host, client);
    } finally {
      leave();
    }
  });
  app.get("/v1/journal", async (context) => {
    context.set("method", "journal");
    return context.body(await readJournal(host, asks(context)), 200, {
      "content-type": "application/octet-stream",
    });
  });
  for (const [name, { http }] of Object.entries(API)) {
    const [verb, path] = http;
    app.on(verb, path.replaceAll(/\{(\w+)\}/g, ":$1"), async (context) => {
      context.set("method", name);
      const client = asks(context);
      const params = checkedParams(name as MethodName, await readParams(context));
      return context.json((await client.call(name as MethodName, params)) as object);
    });
  }
  app.notFound((context) => refuse(context, notFound(context.req.path)));
  app.onError((error, context) => refuse(context, error));
  return app;
}

/** Each request is a span, whatever becomes of it. */
function showing(traces: Traces, port: RouteOptions["port"]): MiddlewareHandler<Variables> {
  return async (context, next) => {
    const { method, path } = context.req;
    const header = (name: string) => context.req.header(name);
    const trace = traces.begin({ method, path, port: port?.(), header });
    context.set("trace", trace);
    await next();
    const route = matchedRoutes(context).find((it) => it.path !== ALL_PATHS);
    trace.end(context.res.status, route?.path);
  };
}

const notFound = (path: string) => new RequestError("not-found", `there is nothing at ${path}`);

function refuse(context: Context, error: unknown): Response {
  const { plain } = RequestError.from(error);
  if (error instanceof TooOften) context.header("retry-after", String(error.after));
  if (plain.code === "bad-token") context.header("www-authenticate", 'Bearer realm="aios"');
  return context.json({ error: plain }, ERRORS[plain.code]);
}

/** What can't be meant doesn't get as far as the machine. @throws RequestError bad-request, with the place */
function checkedParams(name: MethodName, params: Record<string, unknown>): unknown {
  // A member that isn't known would be a wish that nobody has heard.
  const parsed = API[name].params.strict().safeParse(params);
  if (parsed.success) return parsed.data;
  throw new RequestError("bad-request", problemLine(parsed.error, params));
}

/** It has in it what all agents were given. @throws RequestError denied: to anybody but the owner */
async function readJournal(host: GatewayHostSide, { holder }: Asker) {
  if (holder.capabilities !== null)
    throw new RequestError("denied", "the journal is its owner's alone");
  if (!host.journal) throw new RequestError("not-found", "there is no journal");
  return Uint8Array.from(await host.journal());
}

/** Registered by its digest if it is there; else it is kept first, and only for who may. */
async function putImage(context: Context, host: GatewayHostSide, client: Asker): Promise<Response> {
  const bytes = await readBody(context, ARCHIVE_BYTES_MAX);
  requireDigest(context.req.header("content-digest"), bytes);
  const archive = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const query = Object.fromEntries(new URL(context.req.url).searchParams);
  const params = checkedParams("image.register", { ...query, archive });
  const register = () => client.call("image.register", params);
  const image = await register().catch(async (error) => {
    if (!(error instanceof RequestError) || error.code !== "not-found") throw error;
    await host.putImage(bytes);
    return await register();
  });
  return context.json(image as object, 201);
}
