/** How the system is, for `top` and metrics. */
import type { Caller } from "../host/rpc.ts";
import type { Work } from "../host/tasks.ts";
import type { SystemState } from "../messages/system.ts";
import type { Parts } from "./agents.ts";
import { ASK_NS } from "./limits.ts";

export function* status({ ledger }: Parts, caller: Caller, epoch: number): Work<unknown> {
  const { result } = yield* caller.askService("init", "status", {}, ASK_NS);
  const { services, memory, cpu } = result as SystemState;
  const agents: Record<string, number> = {};
  for (const { view } of ledger.agents.values()) agents[view.state] = (agents[view.state] ?? 0) + 1;
  const time = yield* ledger.now();
  return { time, uptime: time - epoch, services, agents, memory, cpu };
}
