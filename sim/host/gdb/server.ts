/** The gdb server's socket: loopback only, one gdb at a time. */
import { createServer, type Server, type Socket } from "node:net";
import { MachineError } from "../errors.ts";
import type { Machine } from "../machine.ts";
import type { StopReason } from "../reasons.ts";
import { PacketReader, packet } from "./packets.ts";
import { Session } from "./session.ts";

const HOST = "127.0.0.1";
/** Packets that a gdb may have sent before the first of them is answered. */
const WAITING_MAX = 1024;

export class GdbServer {
  private readonly machine: Machine;
  private readonly server: Server;
  private client: Client | null = null;
  /** A gdb has been there: until then the machine waits at power-on. */
  private begun = false;
  private wake: () => void = () => undefined;
  /** gdb wants the machine to end (`kill`). */
  killed = false;

  private constructor(machine: Machine, server: Server) {
    this.machine = machine;
    this.server = server;
    server.on("connection", (socket) => this.connect(socket));
  }

  /**
   * Listens on loopback; port 0 takes any that is free.
   * @throws MachineError bad-argument when the port can't be had
   */
  static listen(machine: Machine, port: number): Promise<GdbServer> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once("error", (cause) =>
        reject(new MachineError("bad-argument", `gdb: port ${port}: ${cause.message}`, { cause })),
      );
      server.listen(port, HOST, () => resolve(new GdbServer(machine, server)));
    });
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  private connect(socket: Socket): void {
    if (this.client) {
      socket.destroy();
      return;
    }
    this.begun = true;
    socket.setNoDelay(true);
    const client = new Client(socket, new Session(this.machine.debugger), () => this.wake());
    this.client = client;
    socket.on("close", () => {
      if (this.client === client) this.hangUp();
    });
    socket.on("error", () => socket.destroy());
  }

  private hangUp(): void {
    const { client } = this;
    this.client = null;
    this.wake();
    if (!client) return;
    if (client.session.left === null) client.session.leave("detached");
    if (client.session.left === "killed") this.killed = true;
    client.socket.end();
  }

  /**
   * Runs the machine as gdb wants it; "condition" when it is held. Without a gdb, or after it has gone,
   * it runs as it would.
   */
  async run(until: bigint, steps: number): Promise<StopReason> {
    const { client, machine } = this;
    if (!client) return this.begun ? machine.run({ until, steps }) : "condition";
    await client.settled;
    if (client.session.left !== null) {
      this.hangUp();
      return "condition";
    }
    if (!client.session.running) return "condition";
    const { answer, end } = await client.session.run(until, steps);
    if (answer === null) return end;
    client.send(answer);
    return answer.startsWith("W") ? end : "condition";
  }

  /** Waits for so many milliseconds, or until gdb lets the machine run or goes. */
  rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    this.client?.socket.destroy();
    this.client = null;
    this.server.close();
  }
}

/** A connected gdb. Packets are answered one after the other. */
class Client {
  readonly socket: Socket;
  readonly session: Session;
  /** All packets so far have been answered. */
  settled: Promise<void> = Promise.resolve();
  private readonly reader = new PacketReader();
  private acknowledges = true;
  private last: Uint8Array = new Uint8Array();
  private waiting = 0;

  private readonly wake: () => void;

  constructor(socket: Socket, session: Session, wake: () => void) {
    this.socket = socket;
    this.session = session;
    this.wake = wake;
    socket.on("data", (bytes) => this.take(bytes));
  }

  private take(bytes: Uint8Array): void {
    for (const item of this.reader.take(bytes)) {
      if (item.kind === "interrupt") this.session.interrupt();
      else if (item.kind === "nack") this.socket.write(this.last);
      else if (item.kind === "damaged") this.acknowledge("-");
      else if (item.kind === "packet") this.queue(item.data);
    }
  }

  private queue(data: Uint8Array): void {
    this.acknowledge("+");
    if (++this.waiting > WAITING_MAX) {
      this.socket.destroy();
      return;
    }
    this.settled = this.settled
      .then(() => this.answer(data))
      .catch(() => void this.socket.destroy());
  }

  private async answer(data: Uint8Array): Promise<void> {
    this.waiting -= 1;
    // While the machine runs, nothing but an interrupt is expected.
    if (this.session.running || this.session.left !== null) return;
    const answer = await this.session.handle(data);
    if (answer !== null) this.send(answer);
    if (this.session.running || this.session.left !== null) this.wake();
    if (String.fromCharCode(...data) === "QStartNoAckMode") this.acknowledges = false;
  }

  private acknowledge(sign: "+" | "-"): void {
    if (this.acknowledges) this.socket.write(sign);
  }

  send(answer: string): void {
    this.last = packet(answer);
    this.socket.write(this.last);
  }
}
