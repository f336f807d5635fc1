/**
 * What clients may take of the host before it is known who they are: connections, time and memory. A new
 * connection finds room as long as there is one that nobody waits on, which goes for it; so whoever holds
 * as many as there are and says nothing, says it slowly, or doesn't read what was asked for, shuts nobody out.
 *
 * Node's own limits are for how long a head or a whole request may take (listen.ts).
 */
import { type IncomingMessage, Server, type ServerOptions, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface ConnectionLimits {
  /** Beside streams, of which there are few (stream.ts). */
  readonly connectionsMax: number;
  /** Bytes of answers that their clients haven't taken, of all of them. */
  readonly unsentMax: number;
  /** Milliseconds in which a client has to take something of its answer. */
  readonly patience: number;
}

/** Gives an answer; the promise is kept when that has been handed over to be sent. */
export type Answering = (request: IncomingMessage, response: ServerResponse) => Promise<unknown>;

/** Requests of a connection that are sent before the first of them is answered. */
const PIPELINED_MAX = 8;
const BUSY =
  "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/** What a server says when it takes no more connections. */
export const CLOSING = "closing";

export class LimitedServer extends Server {
  private readonly limits: ConnectionLimits;
  /** All, streams and what is being closed as well. */
  private readonly connected = new Set<Duplex>();
  /** Those for requests, with the answers that are owed; the one that has asked last is the last. */
  private readonly open = new Map<Duplex, Set<ServerResponse>>();
  /** To which something was written that may not have been taken; for the longest time the first. */
  private readonly unsent = new Set<Duplex>();

  /** `answer` is given the requests of those that are let in. */
  constructor(options: ServerOptions, limits: ConnectionLimits, answer: Answering) {
    super(options);
    this.limits = limits;
    this.on("connection", (socket: Socket) => this.admit(socket));
    this.on("request", (request, response) => {
      const { socket } = request;
      if (this.asked(request, response))
        answer(request, response).then(
          () => this.wrote(socket),
          // There is nobody else to be told, and nothing that could be said.
          () => socket.destroy(),
        );
    });
    this.on("upgrade", ({ socket }: IncomingMessage) => this.open.delete(socket));
    this.setTimeout(limits.patience, (socket: Socket) => this.stalled(socket));
  }

  /** Says first that it closes, so that streams can end. */
  override close(done?: (error?: Error) => void): this {
    this.emit(CLOSING);
    return super.close(done);
  }

  /** Streams as well, which Node counts among its connections, but doesn't close. */
  override closeAllConnections(): void {
    for (const socket of this.connected) socket.destroy();
  }

  private admit(socket: Socket): void {
    const { connected, open, limits } = this;
    connected.add(socket);
    socket.on("close", () => {
      connected.delete(socket);
      open.delete(socket);
    });
    if (open.size < limits.connectionsMax || this.makeRoom()) open.set(socket, new Set());
    else socket.end(BUSY, () => socket.destroy());
  }

  /** The one that nobody waits on for the longest time goes. Whether there was one. */
  private makeRoom(): boolean {
    for (const socket of this.open.keys()) {
      if (this.isAwaited(socket)) continue;
      this.open.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  }

  /** Whether its client waits for us, rather than we for it. */
  private isAwaited(socket: Duplex): boolean {
    const owed = this.open.get(socket) ?? [];
    return [...owed].some(({ writableEnded }) => !writableEnded);
  }

  /** Whether it is to be answered. */
  private asked({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const owed = this.open.get(socket);
    if (!owed || owed.size >= PIPELINED_MAX) {
      socket.destroy();
      return false;
    }
    this.open.delete(socket);
    this.open.set(socket, owed.add(response));
    response.on("close", () => owed.delete(response));
    return true;
  }

  /** For as long as there is patience neither side has said or taken anything. */
  private stalled(socket: Socket): void {
    if (!this.isAwaited(socket)) socket.destroy();
  }

  /** Something was written to a connection, also to a stream: what all of them don't take has a limit. */
  wrote(socket: Duplex): void {
    const { unsent, limits } = this;
    unsent.add(socket);
    let bytes = 0;
    for (const it of unsent) {
      const left = this.unsentOf(it);
      if (it.destroyed || left === 0) unsent.delete(it);
      else bytes += left;
    }
    for (const it of unsent) {
      if (bytes <= limits.unsentMax) break;
      // One answer alone may be as large as it is.
      if (it === socket) continue;
      bytes -= this.unsentOf(it);
      it.destroy();
    }
  }

  /** An answer that isn't the connection's turn yet is kept beside it. */
  private unsentOf(socket: Duplex): number {
    let bytes = socket.writableLength;
    for (const response of this.open.get(socket) ?? [])
      if (!response.socket) bytes += response.writableLength;
    return bytes;
  }
}
