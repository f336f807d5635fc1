/** A server of the gateway: its routes and streams, and what a client that is slow, or says too much, may take. */
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Access } from "./access.ts";
import { type ConnectionLimits, LimitedServer } from "./connections.ts";
import { type Rate, Rates } from "./guards.ts";
import { Metrics } from "./metrics.ts";
import { type GatewayHostSide, gatewayRoutes, type RouteOptions } from "./server.ts";
import { attachStream } from "./stream.ts";

/** Of heads and whole requests. Times in ms. */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
} as const;
const CONNECTIONS: ConnectionLimits = {
  connectionsMax: 1024,
  unsentMax: 64 * 1024 * 1024,
  patience: 30_000,
};
const RATE: Rate = { perSecond: 1000, burst: 2000 };

export interface ServerOptions
  extends Partial<Pick<RouteOptions, "metrics" | "traces">>,
    Partial<ConnectionLimits>,
    Partial<Record<"headersTimeout" | "requestTimeout" | "connectionsCheckingInterval", number>> {
  /** Who can connect is the owner: for a socket that nobody else can open. Else each request has a token. */
  readonly trusted?: boolean;
  /** For each client: of requests, and of what it says on its streams. */
  readonly rate?: Rate;
}

/** A server that doesn't listen yet. */
export function gatewayServer(
  host: GatewayHostSide,
  access: Access,
  options: ServerOptions = {},
): LimitedServer {
  const { trusted, rate = RATE, metrics = new Metrics(), traces, ...limits } = options;
  const rates = new Rates(rate);
  const common = { rates, traces, ...(trusted ? {} : { port: () => portOf(server) }) };
  const routes = gatewayRoutes(
    host,
    trusted ? () => access.owner : (shown) => access.byHeader(shown),
    { ...common, metrics },
  );
  const { connectionsMax, unsentMax, patience, ...times } = { ...CONNECTIONS, ...limits };
  const server = new LimitedServer(
    { ...LIMITS, ...times },
    { connectionsMax, unsentMax, patience },
    getRequestListener(routes.fetch),
  );
  const clientOf = trusted
    ? () => access.owner
    : (token: string | undefined) => access.byTokenText(token ?? "");
  attachStream(server, { ...common, clientOf, patience });
  return server;
}

const portOf = (server: LimitedServer): number => (server.address() as AddressInfo).port;
