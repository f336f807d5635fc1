/** What can be seen of agents from outside, in the kernel's memory: what they hold, and where they have memory. */
import * as Views from "../host/views.generated.ts";
import { KernelViews, viewInRam } from "../host/views.ts";
import { KIND_ENDPOINT } from "../object/kinds.ts";
import { AGENT_DEAD, AGENT_DYING } from "../agent/states.ts";

/** As many of an agent's capabilities and mappings are looked at: the newest, and the lowest. */
const HANDLES_MAX = 48;
const RANGES_MAX = 32;

/** Where a capability has its scope's 32 bytes: its last field. */
const SCOPE_AT = Views.Capability.size - 32;

/** A capability that an agent holds. */
export interface Handle {
  readonly id: number;
  readonly kind: number;
  /** Identifier of the object that it names; 0 for a scope. */
  readonly object: number;
  readonly rights: number;
  /** Of an endpoint: ENDPOINT_…; else 0. */
  readonly type: number;
  /** Of a scope: its bytes and its mask. */
  readonly scope: Uint8Array;
  readonly scopeMask: number;
}

/** Addresses of an agent that something is mapped at. */
export interface Range {
  readonly start: number;
  readonly end: number;
  /** MAPPING_… and PROTECTION_… of kernel/mm/protection.ts. */
  readonly type: number;
  readonly protection: number;
}

/** An agent that can make a call. */
export interface Caller {
  readonly id: number;
  readonly handles: readonly Handle[];
  readonly ranges: readonly Range[];
}

export class Sight {
  private readonly data: DataView;
  readonly kernel: KernelViews;

  /** @param data the memory that the kernel is in; it is only read */
  constructor(data: DataView) {
    this.data = data;
    this.kernel = new KernelViews(data);
  }

  caller(id: number): Caller | null {
    const agent = this.agent(id);
    return agent === null ? null : { id, handles: this.handles(agent), ranges: this.ranges(agent) };
  }

  agent(id: number): Views.Agent | null {
    return this.kernel.agent(id)?.block ?? null;
  }

  lives(id: number): boolean {
    const agent = this.agent(id);
    return agent !== null && agent.state !== AGENT_DEAD && agent.state !== AGENT_DYING;
  }

  private handles(agent: Views.Agent): Handle[] {
    const found: Handle[] = [];
    for (let at = agent.capabilities; at !== 0 && found.length < HANDLES_MAX; ) {
      const view = viewInRam(Views.Capability, this.data, at);
      if (view === null) break;
      const { id, kind, object, rights, scopeMask } = view;
      const scope = new Uint8Array(this.data.buffer, at + SCOPE_AT, view.scopeBytes);
      const endpoint = kind === KIND_ENDPOINT ? viewInRam(Views.Endpoint, this.data, view.target) : null;
      const type = endpoint?.type ?? 0;
      found.push({ id: Number(id), kind, object: Number(object), rights, type, scope, scopeMask });
      at = view.next;
    }
    return found;
  }

  ranges(agent: Views.Agent): Range[] {
    const found: Range[] = [];
    for (let at = agent.mappings; at !== 0 && found.length < RANGES_MAX; ) {
      const view = viewInRam(Views.Mapping, this.data, at);
      if (view === null) break;
      const { start, end, type, protection } = view;
      found.push({ start: Number(start), end: Number(end), type, protection });
      at = view.next;
    }
    return found;
  }
}
