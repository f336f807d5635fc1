/** The world of kernel/testing/world.ts, as tests hold it. */
import { KernelViews } from "../host/views.ts";
import * as numbers from "../syscall/numbers.ts";
import * as statuses from "../syscall/status.ts";
import { loadKernelTesting } from "./module.ts";

type Stripped<K, P extends string> = K extends `${P}${infer Rest}` ? Rest : never;
export type CallName = Stripped<keyof typeof numbers, "SYSCALL_">;
export type StatusName = Stripped<keyof typeof statuses, "STATUS_">;

const STATUS_NAMES = new Map(
  Object.entries(statuses).map(([name, code]) => [code, name.slice(7) as StatusName]),
);

/** Name of a status as a test writes it: "OK", "RIGHTS_MISSING". */
export function statusName(code: number): StatusName {
  const name = STATUS_NAMES.get(code);
  if (name === undefined) throw new Error(`no status has the number ${code}`);
  return name;
}

export interface Result {
  readonly status: StatusName;
  readonly value: number;
}

export interface WorldOptions {
  readonly cpus?: number;
  readonly ramBytes?: number;
  /** Bytes of linear memory behind RAM, for the test's own use. */
  readonly spareBytes?: number;
}

/** No deadline, no expiry, no end. */
export const NEVER = 0xffff_ffff_ffff_ffffn;

const RAM_DEFAULT = 32 << 20;

export class World {
  readonly exports: Awaited<ReturnType<typeof loadKernelTesting>>["exports"];
  readonly data: DataView;
  readonly kernel: KernelViews;
  /** Identifier of the first agent, which has a capability to itself and one to all memory. */
  readonly init: number;

  private constructor(loaded: Awaited<ReturnType<typeof loadKernelTesting>>, init: bigint) {
    this.exports = loaded.exports;
    this.data = loaded.data;
    this.kernel = new KernelViews(loaded.data);
    this.init = Number(init);
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const { cpus = 1, ramBytes = RAM_DEFAULT, spareBytes = 0 } = options;
    const loaded = await loadKernelTesting(ramBytes + spareBytes);
    const init = loaded.exports.worldCreate(cpus, ramBytes);
    if (init === 0n) throw new Error(`no world fits into ${ramBytes} bytes`);
    return new World(loaded, init);
  }

  set time(ns: bigint) {
    this.exports.worldTime(ns);
  }

  /** Makes a system call as `agent`. */
  call(
    agent: number,
    name: CallName,
    capability: number,
    ...args: readonly (number | bigint)[]
  ): Result {
    const [a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0] = args;
    const cpu = 0;
    const status = this.exports.worldCall(
      cpu,
      BigInt(agent),
      numbers[`SYSCALL_${name}`],
      BigInt(capability),
      BigInt(a1),
      BigInt(a2),
      BigInt(a3),
      BigInt(a4),
      BigInt(a5),
    );
    return { status: statusName(status), value: Number(this.exports.worldValue(cpu)) };
  }

  /** Lets CPU `cpu` choose; the agent that it runs now, 0 when it idles. */
  schedule(cpu = 0): number {
    return Number(this.exports.worldSchedule(cpu));
  }
}
