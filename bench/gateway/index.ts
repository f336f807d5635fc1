/**
 * Requests to the gateway of `aios up`, by a second process, beside servers that answer the same bytes without
 * doing anything for them: node:http by itself, and the library of the gateway's routes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "../../sdk/client/client.ts";
import { waitingImage } from "../agents/system.ts";
import { type Progress, pairedRow, quantile, type Results } from "../measure.ts";
import { cpuOf, stop, up } from "../up/process.ts";
import { measureEvents } from "./events.ts";
import type { Load, Loaded } from "./loads.ts";

const RUNS = 5;
/** The gateway lets a client have 1,000 requests a second (services/gateway/server.ts). */
const requestsOf = ({ clients }: Case): number => (clients === 1 ? 250 : 1_000);
const AGENTS = 100;
const LIMITS = { memory: 256 * 1024 };
const PEERS = ["node:http", "hono"] as const;
const TARGETS = { "system.status": "/v1/status", "agent.list": "/v1/agents" } as const;
type Target = keyof typeof TARGETS;
type Transport = "Unix socket" | "loopback";

interface Case {
  readonly over: Transport;
  readonly target: Target;
  readonly clients: number;
  readonly keep: boolean;
}
const CASES: readonly Case[] = [
  ...(["Unix socket", "loopback"] as const).flatMap((over) =>
    [1, 8, 64].map((clients) => ({ over, clients, target: "system.status", keep: true }) as const),
  ),
  { over: "Unix socket", clients: 64, target: "agent.list", keep: true },
  { over: "Unix socket", clients: 64, target: "system.status", keep: false },
  { over: "loopback", clients: 64, target: "system.status", keep: false },
];

/** A server, and where it is reached. */
interface Server {
  readonly child: ChildProcess;
  readonly path: string;
  readonly port: number;
}

/** One run of a case against one of the servers. */
interface Sample {
  readonly perSecond: number;
  /** Of the server, ms a request. */
  readonly cpu: number;
  readonly latencies: readonly number[];
}

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const message = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    child.once("message", (it) => resolve(it as T));
    child.once("exit", () => reject(new Error("a process of the benchmark has ended")));
  });

/** Requests of the loader's process, with pauses in which the gateway's limit recovers. */
class Loader {
  private readonly child = fork(program("loader.ts"), { execArgv: ["--import", "tsx"] });
  private readonly token: string;
  private free = 0;

  constructor(token: string) {
    this.token = token;
  }

  async load(server: Server, it: Case): Promise<Sample> {
    const now = performance.now();
    if (now < this.free) await new Promise((resolve) => setTimeout(resolve, this.free - now));
    const { over, target, clients, keep } = it;
    const { path, port } = server;
    const requests = requestsOf(it);
    const load: Load = {
      ...(over === "loopback" ? { place: { port }, token: this.token } : { place: { path } }),
      ...{ target: TARGETS[target], clients, keep, requests },
    };
    const cpu = cpuOf(server.child);
    const loaded = message<Loaded>(this.child);
    this.child.send(load);
    const { ms, latencies } = await loaded;
    this.child.removeAllListeners("exit");
    this.free = performance.now() + Math.max(0, requests - ms);
    const perSecond = (requests * 1000) / ms;
    return { perSecond, latencies, cpu: (cpuOf(server.child) - cpu) / requests };
  }

  stop(): void {
    this.child.kill();
  }
}

/** A peer for a target, which answers as the gateway has answered. */
async function startPeer(kind: string, folder: string, body: string): Promise<Server> {
  const [path, file] = [join(folder, `${Math.random()}.sock`), join(folder, "body.json")];
  writeFileSync(file, body);
  const child = fork(program("peer.ts"), [kind, path, file], { execArgv: ["--import", "tsx"] });
  return { child, path, port: await message<number>(child) };
}

type Sides = Readonly<Record<"ours" | (typeof PEERS)[number], Server>>;

async function measureCase(
  { rows }: Results,
  it: Case,
  loader: Loader,
  servers: Sides,
): Promise<void> {
  const samples: Record<keyof Sides, Sample[]> = { ours: [], "node:http": [], hono: [] };
  const sides = Object.keys(samples) as (keyof Sides)[];
  for (let run = -1; run < RUNS; run++)
    for (const side of sides) {
      const sample = await loader.load(servers[side], it);
      if (run >= 0) samples[side].push(sample);
    }
  const { over, target, clients, keep } = it;
  const connections = keep ? "" : ", a connection each";
  const name = `${target}, ${over}, ${clients} client${clients > 1 ? "s" : ""}${connections}`;
  const row = (
    what: string,
    unit: "/s" | "ms",
    peerName: (typeof PEERS)[number],
    of: (sample: Sample) => number,
  ) => {
    const paired = { ours: samples.ours.map(of), peer: samples[peerName].map(of) };
    rows.push(pairedRow({ group: "gateway", name: `${name}${what}`, unit, peerName }, paired));
  };
  for (const peerName of PEERS) row("", "/s", peerName, ({ perSecond }) => perSecond);
  for (const part of [0.5, 0.99])
    row(`, p${part * 100}`, "ms", "node:http", ({ latencies }) => quantile(latencies, part));
  row(", CPU time of the server", "ms", "node:http", ({ cpu }) => cpu);
}

async function measureAll(
  results: Results,
  progress: Progress,
  {
    folder,
    ours,
    client,
    loader,
  }: { folder: string; ours: Server; client: Client; loader: Loader },
): Promise<void> {
  for (const target of Object.keys(TARGETS) as Target[]) {
    const body = JSON.stringify(await client.call(target, {}));
    const [http, hono] = await Promise.all(PEERS.map((kind) => startPeer(kind, folder, body)));
    if (!http || !hono) continue;
    for (const it of CASES.filter((one) => one.target === target)) {
      progress(`gateway: ${it.target}, ${it.over}, ${it.clients} clients`);
      await measureCase(results, it, loader, { ours, "node:http": http, hono });
    }
    for (const { child } of [http, hono]) {
      child.removeAllListeners("exit");
      child.kill();
    }
  }
}

export async function measureGateway(results: Results, progress: Progress): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-"));
  const system = await up(folder, "--port", "0");
  const path = join(folder, "aios.sock");
  const { port } = JSON.parse(readFileSync(join(folder, "instance.json"), "utf8"));
  const token = readFileSync(join(folder, "token"), "utf8").trim();
  const client = new Client({ socket: path });
  const loader = new Loader(token);
  try {
    const { digest } = await client.putImage(await waitingImage());
    for (let n = 0; n < AGENTS; n++)
      await client.call("agent.run", { image: digest, name: `a${n}`, limits: LIMITS });
    const ours = { child: system.child, path, port };
    await measureAll(results, progress, { folder, ours, client, loader });
    await measureEvents(results, progress, { client, port, agent: "a0" });
  } finally {
    loader.stop();
    client.close();
    await stop(system);
    rmSync(folder, { recursive: true });
  }
}
