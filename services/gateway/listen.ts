/** A server of the gateway: its routes and streams, and what a client that is slow, or says too much, may take. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Access } from "./access.ts";
import { Metrics } from "./metrics.ts";
import { type GatewayHostSide, gatewayRoutes, type RouteOptions } from "./server.ts";
import { attachStream, type StreamOptions } from "./stream.ts";

/** Times in ms. */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
} as const;
const CONNECTIONS_MAX = 1024;

export interface ServerOptions
  extends Pick<RouteOptions, "rate" | "requestsMax" | "metrics" | "traces">,
    Pick<StreamOptions, "patience"> {
  /** Who can connect is the owner: for a socket that nobody else can open. Else each request has a token. */
  readonly trusted?: boolean;
  readonly headersTimeout?: number;
  readonly connectionsCheckingInterval?: number;
  readonly connectionsMax?: number;
}

/** A server that doesn't listen yet. */
export function gatewayServer(
  host: GatewayHostSide,
  access: Access,
  options: ServerOptions = {},
): Server {
  const {
    trusted,
    rate,
    requestsMax,
    patience,
    metrics = new Metrics(),
    traces,
    ...more
  } = options;
  const { connectionsMax = CONNECTIONS_MAX, ...limits } = more;
  const port = () => (server.address() as AddressInfo).port;
  const given = {
    ...(trusted ? {} : { port }),
    ...(rate ? { rate } : {}),
    ...(requestsMax ? { requestsMax } : {}),
    ...(patience ? { patience } : {}),
  };
  const routes = gatewayRoutes(
    host,
    trusted ? () => access.owner : (shown) => access.byHeader(shown),
    { ...given, metrics, traces },
  );
  const server = createServer({ ...LIMITS, ...limits }, getRequestListener(routes.fetch));
  server.maxConnections = connectionsMax;
  const clientOf = trusted
    ? () => access.owner
    : (token: string | undefined) => access.byTokenText(token ?? "");
  attachStream(server, { ...given, clientOf, traces });
  return server;
}
