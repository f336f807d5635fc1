/** Where clients come in: a Unix socket for the owner of the state directory, loopback TCP for tokens. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { type AddressInfo, createConnection } from "node:net";
import { join } from "node:path";
import type { Access } from "../gateway/access.ts";
import { gatewayServer } from "../gateway/listen.ts";
import { Metrics } from "../gateway/metrics.ts";
import type { GatewayHostSide } from "../gateway/server.ts";
import { makeSecret, TOKEN_PREFIX } from "../gateway/tokens.ts";
import type { Traces } from "../gateway/traces.ts";
import { RequestError } from "../messages/errors.ts";

export const SOCKET_FILE = "aios.sock";
export const TOKEN_FILE = "token";
const LOOPBACK = "127.0.0.1";
/** As `makeSecret` writes 256 bits. */
const SECRET = new RegExp(`^${TOKEN_PREFIX}[\\w-]{43}$`);
/** What a socket's address has room for (sockaddr_un), without the zero at the end. */
const PATH_BYTES_MAX = 107;
const PORT_TAKEN = "the port is taken; --port 0 takes a free one, --no-port does without";
/** Requests that are under way when the system stops get so long. */
const CLOSE_MS = 2000;

export interface Places {
  readonly socket: string;
  /** Port on loopback; 0 for any; null for none. */
  readonly port: number | null;
}

export class Sockets {
  readonly port: number | null;
  private readonly servers: readonly Server[];

  private constructor(servers: readonly Server[]) {
    this.servers = servers;
    const address = servers[1]?.address() as AddressInfo | undefined;
    this.port = address?.port ?? null;
  }

  /** @throws RequestError unavailable: an address is taken, or too long */
  static async open(
    places: Places,
    host: GatewayHostSide,
    access: Access,
    traces?: Traces,
  ): Promise<Sockets> {
    await removeStale(places.socket);
    const metrics = new Metrics();
    const local = gatewayServer(host, access, { trusted: true, metrics, traces });
    await withMask(0o177, () => listen(local, { path: places.socket }, places.socket));
    if (places.port === null) return new Sockets([local]);
    const tcp = gatewayServer(host, access, { metrics, traces });
    try {
      await listen(tcp, { host: LOOPBACK, port: places.port }, `${LOOPBACK}:${places.port}`);
    } catch (error) {
      local.close();
      throw error;
    }
    return new Sockets([local, tcp]);
  }

  /** Takes no more requests; those under way are answered if it doesn't take long. */
  async close(): Promise<void> {
    await Promise.all(
      this.servers.map((server) => {
        const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
        return new Promise<void>((resolve) => {
          server.close(() => {
            clearTimeout(timer);
            resolve();
          });
          server.closeIdleConnections();
        });
      }),
    );
  }
}

/** The owner's token for loopback: made once, readable by the owner only. One that was cut off is made anew. */
export function ownerToken(state: string): string {
  const file = join(state, TOKEN_FILE);
  try {
    const kept = readFileSync(file, "utf8").trim();
    if (SECRET.test(kept)) return kept;
  } catch {
    // There is none yet.
  }
  const token = makeSecret();
  writeFileSync(`${file}.new`, `${token}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return token;
}

/** A socket that nobody answers on was left by a process that is no more. */
async function removeStale(path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new RequestError(
      "unavailable",
      `${path}: a socket's path has ${PATH_BYTES_MAX} bytes at most; choose a shorter state directory`,
    );
  const answered = await new Promise<boolean>((resolve) => {
    const connection = createConnection(path);
    connection.on("connect", () => resolve(true)).on("error", () => resolve(false));
    connection.on("connect", () => connection.destroy());
  });
  if (answered) throw new RequestError("unavailable", `${path}: another process listens there`);
  rmSync(path, { force: true });
}

async function withMask(mask: number, work: () => Promise<void>): Promise<void> {
  const before = process.umask(mask);
  try {
    await work();
  } finally {
    process.umask(before);
  }
}

function listen(
  server: Server,
  place: { readonly path?: string; readonly host?: string; readonly port?: number },
  name: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", ({ code }: NodeJS.ErrnoException) =>
      reject(
        new RequestError(
          "unavailable",
          `${name}: ${code === "EADDRINUSE" ? PORT_TAKEN : `can't listen (${code})`}`,
        ),
      ),
    );
    server.listen(place, resolve);
  });
}
