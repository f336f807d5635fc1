/** Events over WebSockets: from the request that is the cause until all who listen have it. */
import { WebSocket } from "ws";
import type { Client } from "../../sdk/client/client.ts";
import { type Progress, plainRow, type Results } from "../measure.ts";

const RUNS = 40;
const WARM_RUNS = 10;
const LISTENERS = [1, 8, 64] as const;

export interface Where {
  readonly client: Client;
  readonly port: number;
  /** Name of an agent that is paused and resumed. */
  readonly agent: string;
}

interface Said {
  readonly result?: { readonly events: readonly { readonly id: number }[] };
}

/** A client that has been told of events; `next` is kept with the next one's coming. */
class Listener {
  private readonly socket: WebSocket;
  private heard: () => void = () => {};
  readonly open: Promise<void>;

  constructor(port: number, token: string, from: number) {
    const protocols = ["aios.v1", `aios.token.${token}`];
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, protocols);
    this.socket.on("message", (data) => {
      const { result } = JSON.parse(String(data)) as Said;
      if ((result?.events.length ?? 0) > 0) this.heard();
    });
    const asked = { subscribe: 1, method: "events.read", params: { from } };
    this.open = new Promise((resolve, reject) => {
      this.socket
        .on("open", () => this.socket.send(JSON.stringify(asked), () => resolve()))
        .on("error", reject);
    });
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.heard = resolve;
    });
  }

  close(): void {
    this.socket.terminate();
  }
}

/** One that may hear of everything. */
async function tokenOf(client: Client, name: string): Promise<string> {
  const { token } = await client.call("token.create", { name, capabilities: ["PROC_READ"] });
  return token;
}

export async function measureEvents(
  { rows }: Results,
  progress: Progress,
  where: Where,
): Promise<void> {
  const { client, port, agent } = where;
  // Each of them may listen to 32.
  const tokens = await Promise.all([0, 1].map((n) => tokenOf(client, `listener${n}`)));
  for (const count of LISTENERS) {
    progress(`gateway: events to ${count} listeners`);
    const { next } = await client.call("events.read", { from: 0, limit: 1000 });
    const listeners = Array.from(
      { length: count },
      (_, n) => new Listener(port, tokens[n % tokens.length] ?? "", next),
    );
    await Promise.all(listeners.map((it) => it.open));
    const samples: number[] = [];
    for (let run = -WARM_RUNS; run < RUNS; run++) {
      const start = performance.now();
      const all = Promise.all(listeners.map((it) => it.next()));
      const method = run % 2 === 0 ? "agent.pause" : "agent.resume";
      await Promise.all([client.call(method, { name: agent }), all]);
      if (run >= 0) samples.push(performance.now() - start);
    }
    for (const it of listeners) it.close();
    const name = `an event, from its cause to ${count} WebSocket${count > 1 ? "s" : ""}`;
    rows.push(plainRow({ group: "gateway", name, unit: "ms" }, samples));
  }
}
