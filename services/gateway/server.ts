/** HTTP of the gateway: routes from the table of methods, for any transport. */
import { Hono } from "hono";
import { API, type MethodName } from "../messages/api.ts";
import { ERRORS, RequestError } from "../messages/errors.ts";
import type { ClientSide } from "./clients.ts";

/** The routes; `clientOf` says whose request it is. @throws there RequestError bad-token */
export function gatewayRoutes(clientOf: (authorization: string | undefined) => ClientSide): Hono {
  const app = new Hono();
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
