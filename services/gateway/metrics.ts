/**
 * Figures for Prometheus, by its conventions for names and units. Those of requests are the gateway's own;
 * those of the system it asks for as the client that wants them, so PROC_READ is needed for all.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Result } from "../messages/api.ts";
import type { Asker } from "./clients.ts";

type Status = Result<"system.status">;

const NS = 1e-9;
/** Seconds; around what a request takes on a computer that is idle, and one that isn't. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class Metrics {
  private readonly registry = new Registry();
  private readonly requests: Counter<"method" | "code">;
  private readonly seconds: Histogram<"method">;
  private readonly system: (status: Status) => void;

  constructor() {
    const registers = [this.registry];
    this.requests = new Counter({
      name: "aios_http_requests_total",
      help: "Requests that were answered, by method of the API and status",
      labelNames: ["method", "code"],
      registers,
    });
    this.seconds = new Histogram({
      name: "aios_http_request_duration_seconds",
      help: "Time from a request's head to its answer; long polls have theirs in it",
      labelNames: ["method"],
      buckets: BUCKETS,
      registers,
    });
    this.system = systemMetrics(registers);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  answered(method: string, code: number, seconds: number): void {
    this.requests.inc({ method, code: String(code) });
    this.seconds.observe({ method }, seconds);
  }

  /** @throws RequestError denied: PROC_READ is needed */
  async text(client: Asker): Promise<string> {
    this.system((await client.call("system.status", {})) as Status);
    return await this.registry.metrics();
  }
}

function systemMetrics(registers: Registry[]): (status: Status) => void {
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name: `aios_${name}`, help, labelNames, registers });
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name: `aios_${name}_total`, help, labelNames, registers });
  const uptime = gauge("uptime_seconds", "Time since the machine was turned on");
  const agents = gauge("agents", "Agents that are known, by state", "state");
  const memory = gauge(
    "memory_bytes",
    "Memory of the machine: total, used or reserved, free",
    "kind",
  );
  const processors = gauge("processors", "Processors of the machine");
  const busy = counter("cpu_busy_seconds", "Time that agents have run, on all processors together");
  const restarts = counter("service_restarts", "Times that a service was started again", "service");
  const used = gauge("service_memory_bytes", "Memory that a service uses", "service");
  return (status) => {
    uptime.set(status.uptime);
    agents.reset();
    for (const [state, count] of Object.entries(status.agents)) agents.set({ state }, count);
    for (const [kind, bytes] of Object.entries(status.memory)) memory.set({ kind }, bytes);
    processors.set(status.cpu.processors);
    busy.reset();
    busy.inc(status.cpu.busy * NS);
    restarts.reset();
    for (const { name: service, restarts: times, memory: bytes } of status.services) {
      restarts.inc({ service }, times);
      used.set({ service }, bytes);
    }
  };
}
