/** A test's hands on the IOMMU: its registers, memory, fault records and queue. */
import { IOMMU_BASE } from "../../spec/platform.ts";
import * as Vtd from "../../spec/vtd.ts";
import { RAM_BASE } from "../core.ts";
import type { Machine } from "../machine.ts";

export interface FaultRecord {
  readonly reason: number;
  readonly source: number;
  /** Type: 1 for a read. */
  readonly isRead: bigint;
  /** Page of an access, or an interrupt's index in bits 63-48. */
  readonly page: bigint;
}

export class VtdBench {
  readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  read(offset: number, bytes = 4): bigint {
    return this.machine.core.sim.physicalRead(BigInt(IOMMU_BASE + offset), bytes);
  }

  write(offset: number, value: bigint, bytes = 4): void {
    this.machine.core.sim.physicalWrite(BigInt(IOMMU_BASE + offset), bytes, value);
  }

  /** 64 bits of RAM. */
  peek(at: number): bigint {
    return this.machine.core.data.getBigUint64(RAM_BASE + at, true);
  }

  poke(at: number, value: bigint): void {
    this.machine.core.data.setBigUint64(RAM_BASE + at, value, true);
  }

  /** The first pending fault record, cleared by reading it here. */
  takeRecord(): FaultRecord | undefined {
    for (let n = 0; n < Vtd.VTD_FRCD_COUNT; n++) {
      const at = Vtd.VTD_FRCD + n * 16;
      const high = this.read(at + 8, 8);
      if (high >> 63n === 0n) continue;
      const record = {
        reason: Number((high >> 32n) & 0xffn),
        source: Number(high & 0xffffn),
        isRead: (high >> 62n) & 1n,
        page: this.read(at, 8),
      };
      this.write(at + 12, 0x8000_0000n);
      return record;
    }
    return undefined;
  }

  /** Writes descriptors to a queue of 4 KiB at `queue` and lets the unit execute them, QIE alone set. */
  submit(queue: number, descriptors: readonly (readonly [bigint, bigint])[], commands = 0n): void {
    this.write(Vtd.VTD_GCMD, commands);
    this.write(Vtd.VTD_IQT, 0n, 8);
    this.write(Vtd.VTD_IQA, BigInt(queue), 8);
    this.write(Vtd.VTD_GCMD, commands | (1n << 26n));
    for (const [n, [low, high]] of descriptors.entries()) {
      this.poke(queue + n * 16, low);
      this.poke(queue + n * 16 + 8, high);
    }
    this.write(Vtd.VTD_IQT, BigInt(descriptors.length * 16), 8);
  }
}
