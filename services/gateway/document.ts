/** The OpenAPI 3.1 document, from the table of methods: it can't say anything else than what is checked. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { API } from "../messages/api.ts";
import { ERRORS } from "../messages/errors.ts";
import type { Method } from "../messages/method.ts";
import { STREAM_PATH } from "./stream.ts";

type Registry = OpenAPIHono["openAPIRegistry"];

const Failure = z
  .object({
    error: z.object({
      code: z.enum(Object.keys(ERRORS) as [keyof typeof ERRORS]),
      /** Begins with the place of what is wrong, where there is one. */
      message: z.string(),
    }),
  })
  .openapi("Error");

const json = (schema: z.ZodType) => ({ "application/json": { schema } });
const FAILURES = Object.fromEntries(
  [...new Set(Object.values(ERRORS))].map((status) => [
    status,
    { description: codesOf(status).join(", "), content: json(Failure) },
  ]),
);

function codesOf(status: number): string[] {
  return Object.entries(ERRORS).flatMap(([code, its]) => (its === status ? [code] : []));
}

/** Where a parameter is: in the path, else in the query or the body. */
export const pathKeys = (path: string): string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, key = ""]) => key);

/** A path has all of its parameters, so what would hold without one says nothing. */
const required = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema;

function register(registry: Registry, name: string, row: Method): void {
  const [verb, path] = row.http;
  const shape: Record<string, z.ZodType> = row.params.shape;
  const inPath = pathKeys(path);
  const part = (keys: string[], as = (schema: z.ZodType) => schema) =>
    z.strictObject(Object.fromEntries(keys.map((key) => [key, as(shape[key] as z.ZodType)])));
  const rest = part(Object.keys(shape).filter((key) => !inPath.includes(key)));
  const inBody = verb === "POST" || verb === "PUT";
  registry.registerPath({
    method: verb.toLowerCase() as "get",
    path,
    operationId: name.replace(".", "_"),
    summary: row.summary,
    tags: [name.split(".")[0] ?? ""],
    security: [{ token: [] }],
    request: {
      params: part(inPath, required),
      ...(inBody ? { body: { content: json(rest), required: true } } : { query: rest }),
    },
    responses: { 200: { description: row.summary, content: json(row.result) }, ...FAILURES },
  });
}

function registerImage(registry: Registry): void {
  registry.registerPath({
    method: "put",
    path: "/v1/images",
    operationId: "image_put",
    summary: "Brings an image: an OCI image layout in a tar archive; it is verified and registered",
    tags: ["image"],
    security: [{ token: [] }],
    request: {
      query: z.object({ reference: API["image.register"].params.shape.reference }),
      headers: z.object({
        "content-digest": z.string().optional().openapi({ example: "sha-256=:base64:" }),
      }),
      body: {
        required: true,
        content: { "application/x-tar": { schema: { type: "string", format: "binary" } } },
      },
    },
    responses: {
      201: { description: "The image", content: json(API["image.register"].result) },
      ...FAILURES,
    },
  });
}

function registerMetrics(registry: Registry): void {
  registry.registerPath({
    method: "get",
    path: "/metrics",
    operationId: "metrics",
    summary: "Figures in Prometheus' text format; PROC_READ is needed",
    tags: ["system"],
    security: [{ token: [] }],
    responses: {
      200: { description: "Figures", content: { "text/plain": { schema: { type: "string" } } } },
      ...FAILURES,
    },
  });
}

function registerJournal(registry: Registry): void {
  registry.registerPath({
    method: "get",
    path: "/v1/journal",
    operationId: "journal",
    summary: "What has come into the machine, for a bug report; for its owner alone",
    tags: ["system"],
    security: [{ token: [] }],
    responses: {
      200: {
        description: "The journal",
        content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
      },
      ...FAILURES,
    },
  });
}

const STREAM = `Logs and events as they come. Protocols of the WebSocket: aios.v1 and aios.token.<token>.
Each message is JSON. A client sends {"subscribe": 1, "method": "agent.logs" or "events.read", "params": …}, with a number \
of its own and the parameters of that method, and {"unsubscribe": 1}. It is sent {"subscription": 1, "result": …} for each \
answer, and at the end {"subscription": 1, "end": true} or {"subscription": 1, "error": {code, message}}.`;

/** The specification has no words for a WebSocket: what is said on it is in the description. */
function registerStream(registry: Registry): void {
  registry.registerPath({
    method: "get",
    path: STREAM_PATH,
    operationId: "stream",
    summary: "Logs and events over a WebSocket",
    description: STREAM,
    tags: ["system"],
    security: [{ token: [] }],
    responses: { 101: { description: "The WebSocket is open" }, ...FAILURES },
  });
}

/** Makes the document for these servers. */
export function openApiDocument(version: string, urls: readonly string[] = []): object {
  const app = new OpenAPIHono();
  const registry = app.openAPIRegistry;
  registry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
  for (const [name, row] of Object.entries(API)) register(registry, name, row as Method);
  registerImage(registry);
  registerMetrics(registry);
  registerJournal(registry);
  registerStream(registry);
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "AIOS",
      version,
      description:
        "Agents of a running system. What a client may is what its token stands for; the kernel says so. " +
        "Errors are {error: {code, message}}, where the message begins with the place of what is wrong.",
      license: { name: "MIT OR Apache-2.0" },
    },
    servers: urls.length > 0 ? urls.map((url) => ({ url })) : [{ url: "/" }],
  });
}
