/**
 * A process that puts load on an HTTP server, on plain sockets: a client takes its next request when it has
 * its last answer. So little of the measured time is the loader's own.
 */
import { connect, type Socket } from "node:net";
import type { Load, Loaded } from "./loads.ts";

const HEAD_END = Buffer.from("\r\n\r\n");

/** Bytes of the answer that begins there; 0 while that isn't known. @throws Error for another status than 200 */
function answerBytes(bytes: Buffer): number {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return 0;
  const head = bytes.toString("latin1", 0, end);
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(head) ?? [];
  const [, length] = /\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (status !== "200" || length === undefined) throw new Error(`another answer: ${head}`);
  return end + HEAD_END.length + Number(length);
}

class Client {
  private readonly load: Load;
  private readonly request: string;
  private readonly take: () => boolean;
  private readonly latencies: number[];
  private socket: Socket | null = null;
  private received: Buffer = Buffer.alloc(0);
  private began = 0;
  private done: () => void = () => {};
  private failed: (error: unknown) => void = () => {};

  /** `take`: whether there is another request to be made. */
  constructor(load: Load, take: () => boolean, latencies: number[]) {
    const { target, token, keep } = load;
    this.load = load;
    this.take = take;
    this.latencies = latencies;
    const shown = token ? `Authorization: Bearer ${token}\r\n` : "";
    const host = "port" in load.place ? `127.0.0.1:${load.place.port}` : "localhost";
    this.request = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${shown}Connection: ${keep ? "keep-alive" : "close"}\r\n\r\n`;
  }

  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.done = resolve;
      this.failed = reject;
      this.next();
    });
  }

  private next(): void {
    if (!this.take()) {
      this.socket?.destroy();
      this.done();
      return;
    }
    this.began = performance.now();
    this.received = Buffer.alloc(0);
    this.socket ??= this.open();
    this.socket.write(this.request);
  }

  private open(): Socket {
    const { place } = this.load;
    const socket = "path" in place ? connect(place.path) : connect(place.port, "127.0.0.1");
    return socket
      .setNoDelay(true)
      .on("data", (bytes) => this.hear(bytes))
      .on("error", (error) => this.failed(error));
  }

  private hear(bytes: Buffer): void {
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
    try {
      const length = answerBytes(this.received);
      if (length === 0 || this.received.length < length) return;
    } catch (error) {
      this.failed(error);
      return;
    }
    this.latencies.push(performance.now() - this.began);
    if (!this.load.keep) {
      this.socket?.destroy();
      this.socket = null;
    }
    this.next();
  }
}

async function run(load: Load): Promise<Loaded> {
  const latencies: number[] = [];
  let left = load.requests;
  const take = () => left-- > 0;
  const clients = Array.from({ length: load.clients }, () => new Client(load, take, latencies));
  const start = performance.now();
  await Promise.all(clients.map((client) => client.run()));
  return { ms: performance.now() - start, latencies };
}

process.on("message", (load: Load) => {
  run(load).then(
    (loaded) => process.send?.(loaded),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
