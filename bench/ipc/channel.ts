/** Node's MessageChannel: 64 bytes forth and back, between two ports of one thread or of two. */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";

/** Answers each message with its bytes. */
const ECHO = `
const { workerData } = require("node:worker_threads");
workerData.on("message", (bytes) => workerData.postMessage(bytes));
`;

export class Channel {
  private readonly near: MessagePort;
  private readonly far: MessagePort;
  private readonly worker: Worker | null;

  constructor(where: "one thread" | "a worker") {
    const { port1, port2 } = new MessageChannel();
    this.near = port1;
    this.far = port2;
    this.worker =
      where === "a worker"
        ? new Worker(ECHO, { eval: true, workerData: port2, transferList: [port2] })
        : null;
    if (!this.worker) port2.on("message", (bytes) => port2.postMessage(bytes));
  }

  /** ns of a round trip. */
  trips(bytes: number, count: number): Promise<number> {
    const payload = new Uint8Array(bytes).fill(7);
    return new Promise((resolve, reject) => {
      let left = count;
      const start = performance.now();
      const answered = (answer: Uint8Array) => {
        if (answer.length !== bytes) reject(new Error("another answer than was sent"));
        left -= 1;
        if (left > 0) return this.near.postMessage(payload);
        this.near.off("message", answered);
        resolve(((performance.now() - start) * 1e6) / count);
      };
      this.near.on("message", answered);
      this.near.postMessage(payload);
    });
  }

  async stop(): Promise<void> {
    this.near.close();
    if (this.worker) await this.worker.terminate();
    else this.far.close();
  }
}
