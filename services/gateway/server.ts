/** HTTP of the gateway: routes from the table of methods, for any transport. */
import { Hono } from "hono";
import { ARCHIVE_BYTES_MAX } from "../../sdk/oci/media.ts";
import { API, type MethodName } from "../messages/api.ts";
import { ERRORS, RequestError } from "../messages/errors.ts";
import type { ClientSide } from "./clients.ts";

/** What the host does for clients beside the machine. */
export interface GatewayHostSide {
  /** Keeps an image of an agent (an OCI layout): its archive's digest. @throws RequestError bad-request */
  putImage(archive: Uint8Array): Promise<string>;
}

/** The routes; `clientOf` says whose request it is. @throws there RequestError bad-token */
export function gatewayRoutes(
  host: GatewayHostSide,
  clientOf: (authorization: string | undefined) => ClientSide,
): Hono {
  const app = new Hono();
  app.put("/v1/images", async (context) => {
    const client = clientOf(context.req.header("authorization"));
    const length = Number(context.req.header("content-length") ?? Number.NaN);
    if (!(length <= ARCHIVE_BYTES_MAX))
      throw new RequestError("too-large", `an image has ${ARCHIVE_BYTES_MAX} bytes at most`);
    const archive = await host.putImage(new Uint8Array(await context.req.arrayBuffer()));
    const params = { archive, ...context.req.query() };
    return context.json((await client.call("image.register", params)) as object, 201);
  });
  for (const [name, { http }] of Object.entries(API)) {
    const [verb, path] = http;
    app.on(verb, path.replaceAll(/\{(\w+)\}/g, ":$1"), async (context) => {
      const client = clientOf(context.req.header("authorization"));
      const body = verb === "GET" ? {} : await context.req.json().catch(() => ({}));
      const params = { ...context.req.query(), ...body, ...context.req.param() };
      return context.json((await client.call(name as MethodName, params)) as object);
    });
  }
  app.notFound(({ req, json }) =>
    json({ error: { code: "not-found", message: `there is nothing at ${req.path}` } }, 404),
  );
  app.onError((error, context) => {
    const { plain } = RequestError.from(error);
    return context.json({ error: plain }, ERRORS[plain.code]);
  });
  return app;
}
