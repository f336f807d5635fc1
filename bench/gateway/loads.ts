/** What a loader is told and says: both are messages between two processes. */

export interface Load {
  /** A path of a Unix socket, or a port on 127.0.0.1. */
  readonly place: { readonly path: string } | { readonly port: number };
  /** The whole request, without `connection`. */
  readonly target: string;
  readonly token?: string;
  readonly clients: number;
  /** In all, shared by the clients. */
  readonly requests: number;
  /** Whether a connection is kept for the next request. */
  readonly keep: boolean;
}

export interface Loaded {
  /** Milliseconds from the first request to the last answer. */
  readonly ms: number;
  /** Of each request, ms; with the making of the connection if it isn't kept. */
  readonly latencies: readonly number[];
}
