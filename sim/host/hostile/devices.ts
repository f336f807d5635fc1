/**
 * Drivers that misbehave: rings, descriptors, doorbells and registers of each device that reads and
 * writes memory itself hold whatever may hurt. No CPU runs, so that all of what happens is a device's.
 */
import { NVME_CC } from "../../spec/nvme.ts";
import * as P from "../../spec/platform.ts";
import * as Vtd from "../../spec/vtd.ts";
import { RAM_BASE } from "../core.ts";
import { Machine } from "../machine.ts";
import type { MachineOptions } from "../options.ts";
import { AhciBench, LIST, TABLES } from "../testing/ahci.ts";
import { advance } from "../testing/clock.ts";
import type { Random } from "../testing/isa-draw.ts";
import { NvmeHost } from "../testing/nvme.ts";
import { configWrite, pciAddress } from "../testing/pci.ts";
import { randomFrom } from "../testing/random.ts";
import { frame, QUEUES, VirtioBench } from "../testing/virtio.ts";
import { Nic, NvmeController } from "../views.generated.ts";
import { Guard } from "./guard.ts";

export const DEVICES = ["nvme", "ahci", "nic", "platform"] as const;
export type Device = (typeof DEVICES)[number];

const RAM = 16 << 20;
const DRIVE_BYTES = 256 * 1024;
const MAC = "52:54:00:12:34:56";
const ACTIONS = 60;
/** Longest time of the host that one action may take: some thousand times what the longest does. */
const ACTION_MS = 5_000;

const OPTIONS: Readonly<Record<Device, MachineOptions>> = {
  nvme: { drives: [{ data: new Uint8Array(DRIVE_BYTES) }] },
  ahci: { drives: [{ data: new Uint8Array(DRIVE_BYTES), interface: "ahci" }] },
  nic: { nic: MAC },
  platform: {},
};
const REGIONS = [
  P.IOAPIC_BASE,
  P.HPET_BASE,
  P.IOMMU_BASE,
  P.PCI_MEMORY_BASE,
  P.PCI_MEMORY_BASE + 0x10_0000,
];
const FUNCTIONS = [
  pciAddress(0, 0),
  pciAddress(0, 2),
  pciAddress(0, 3),
  pciAddress(0, 31),
  pciAddress(0, 31, 2),
  pciAddress(1, 0),
];

/** Where a device may be sent: RAM and its ends, rings, tables, other devices, interrupts, nothing. */
function drawAddress(random: Random): number {
  const near = (at: number) => at + (random(2) ? random(0x1000) & ~7 : -(1 << random(13)));
  const places = [
    0,
    0xa_0000,
    RAM,
    RAM,
    QUEUES,
    LIST,
    TABLES,
    P.LAPIC_BASE,
    2 ** 32,
    2 ** 40,
    2 ** 52,
    ...REGIONS,
  ];
  switch (random(4)) {
    case 0:
      return random(RAM / 4096) * 4096;
    case 1:
      return random(RAM);
    default:
      return Math.max(0, near(places[random(places.length)] ?? 0));
  }
}

const word = (random: Random) => (random(3) === 0 ? random(2 ** 32) : random(300));

/** Flag of a descriptor that the device writes to. */
const WRITE = 2;

/** What one action does to the device; null: the platform's registers alone. */
type Attack = (random: Random) => void;

/** PRP lists that loop or lead away, wrong lengths, queues of any size anywhere, doorbells out of range. */
function nvmeAttack(machine: Machine): Attack {
  const host = NvmeHost.on(machine);
  const start = () => {
    host.enable(16);
    try {
      host.createQueues(1, 16);
    } catch {
      // What was done to the bus before may keep the controller from answering.
    }
  };
  start();
  const opcodes = [
    [1, 5, 0, 4, 2, 6, 9, 0xa, 8, 0xc, 0x80, 0xff],
    [0, 1, 2, 5, 8, 9, 0x7f],
  ];
  return (random) => {
    // The admin queue can take the others away, so it comes less often.
    const queue = random(6) === 0 ? 0 : 1;
    const page = () => (random(2) ? random(RAM / 4096) * 4096 : drawAddress(random));
    for (let n = 1 + random(4); n > 0; n--)
      host.put(queue, {
        opcode: opcodes[queue]?.[random(12)] ?? random(256),
        flags: random(8) === 0 ? random(256) : 0,
        nsid: random(8) ? 1 : word(random),
        prp1: page(),
        prp2: page(),
        cdw10: random(8) ? random(512) : word(random),
        cdw11: random(8) ? 0 : word(random),
        cdw12: random(random(2) ? 16 : 600),
        cdw13: word(random),
      });
    if (random(12) === 0) host.write(0x1000 + random(80) * 4, random(0x1_0000));
    else host.ring(queue);
    host.take(queue);
    if (random(10) !== 0) return;
    host.write(NVME_CC, 0);
    start();
  };
}

/** Command headers, tables and PRDTs anywhere, of any length, in each other. */
function ahciAttack(machine: Machine): Attack {
  const host = new AhciBench(machine).start();
  const opcodes = [0x25, 0x35, 0x60, 0x61, 0xc8, 0xca, 0xec, 0x06, 0x2f, 0x42, 0xea, 0xa1];
  return (random) => {
    const slot = random(32);
    host.prepare(slot, {
      opcode: random(12) ? (opcodes[random(opcodes.length)] ?? 0) : random(256),
      lba: random(3) ? random(512) : word(random),
      count: random(2) ? random(16) : random(0x1_0000),
      features: random(256),
      write: random(2) === 0,
      entries: Array.from({ length: random(8) }, () => ({
        address: drawAddress(random) % 2 ** 32,
        bytes: 1 + random(random(2) ? 0x1000 : 0x40_0000),
        interrupt: random(2) === 0,
      })),
    });
    if (random(3) === 0) host.setRam32(LIST + slot * 32 + 4 * random(4), word(random));
    if (random(6) === 0) host.write(0x100 + 4 * random(4), drawAddress(random) % 2 ** 32);
    if (random(2)) host.write(0x134, 2 ** slot);
    host.write(0x138, 2 ** slot);
    if (random(10) === 0) {
      host.write(0x118, 0);
      host.start();
    }
  };
}

/** Chains that loop, overlap, leave RAM, are longer than the queue, in indirect tables of themselves. */
function nicAttack(machine: Machine): Attack {
  const host = new VirtioBench(machine).start();
  return (random) => {
    const queue = random(2);
    for (let index = 0; index < 8; index++)
      host.descriptor(queue, index, {
        address: random(3) ? random(RAM) : drawAddress(random),
        bytes: random(4) ? random(64) * 16 : word(random),
        // What is received is written, what is sent is read; a few are anything.
        flags: random(8) ? (queue === 0 ? WRITE : 0) | random(2) : random(8),
        next: random(random(8) ? 8 : 0x1_0000),
      });
    for (let n = random(5); n > 0; n--)
      host.offer(queue, random(16) ? random(8) : random(0x1_0000));
    if (random(16) === 0) host.driverRing(queue).setUint16(2, random(0x1_0000), true);
    host.notify(random(8) ? queue : random(64));
    host.receive(frame(1 + random(1514), random(256)));
    if (random(4) === 0) host.start(random(4) ? 8 : 2 ** random(9));
  };
}

const ATTACKS: Readonly<Record<Device, ((machine: Machine) => Attack) | null>> = {
  nvme: nvmeAttack,
  ahci: ahciAttack,
  nic: nicAttack,
  platform: null,
};

/** A table for interrupt requests: entries of any contents, mostly present, in RAM or not, in either mode. */
function remapInterrupts(machine: Machine, random: Random): void {
  const { sim, data } = machine.core;
  const write = (register: number, bytes: number, value: bigint) =>
    sim.physicalWrite(BigInt(P.IOMMU_BASE + register), bytes, value);
  const table = random(4) ? random(RAM / 4096) * 4096 : drawAddress(random);
  const extended = random(2) * Vtd.VTD_IRTA_EIME;
  write(Vtd.VTD_IRTA, 8, BigInt(table) | BigInt(extended | random(16)));
  for (let n = 0; n < 16 && table < RAM; n++) {
    // Vector, modes and flags; a destination in the bits of both modes.
    const low =
      (random(256) << 16) | (random(random(4) ? 256 : 0x1_0000) & ~2) | (random(8) ? 1 : 0);
    const entry = RAM_BASE + Math.floor(table / 4096) * 4096 + n * 16;
    data.setBigUint64(entry, BigInt(low) | (BigInt(random(4) << (8 * random(2))) << 32n), true);
    data.setBigUint64(entry + 8, BigInt(random(4) ? 0 : random(2 ** 20)), true);
  }
  const commands = (1 << Vtd.VTD_SIRTP_BIT) | (random(4) ? 1 << Vtd.VTD_IRE_BIT : 0);
  write(Vtd.VTD_GCMD, 4, BigInt(commands | (random(2) << Vtd.VTD_CFI_BIT)));
  // Entries of the I/O APIC in remappable format.
  for (let pin = 0; pin < 24; pin++) {
    const words = [random(0x1_0000) & ~0x700, (random(16) << 17) | 0x1_0000];
    for (const [half, word] of words.entries()) {
      sim.physicalWrite(BigInt(P.IOAPIC_BASE), 4, BigInt(0x10 + 2 * pin + half));
      sim.physicalWrite(BigInt(P.IOAPIC_BASE + 0x10), 4, BigInt(word));
    }
  }
}

/** Registers of everything, at any width, with anything; configuration space; ports; messages. */
function strike(machine: Machine, random: Random): void {
  const { sim } = machine.core;
  const value = (BigInt(random(2 ** 32)) << 32n) | BigInt(word(random));
  const width = 1 << random(4);
  switch (random(8)) {
    case 0:
    case 1: {
      const base = REGIONS[random(REGIONS.length)] ?? 0;
      const at = BigInt(base + random(random(2) ? 0x200 : 0x4000));
      sim.physicalWrite(at, width, value);
      sim.physicalRead(at, width);
      return;
    }
    case 2:
      // What ends the machine, or would read the host's clock, is left out: ports up to the chipset's.
      sim.portWrite(random(0x500), 1 << random(3), word(random));
      sim.portRead(random(0x1_0000), 1 << random(3));
      return;
    case 3: {
      const fn = FUNCTIONS[random(FUNCTIONS.length)] ?? 0;
      if (random(4) === 0)
        configWrite(machine, fn, random(0x1000), 1 << random(3), random(2 ** 32));
      return;
    }
    case 4:
      sim.deliverMessage(
        BigInt(random(3) ? P.LAPIC_BASE + random(0x10_0000) : drawAddress(random)),
        word(random) | 0,
      );
      return;
    case 5: {
      const bytes = machine.core.data;
      for (let n = random(8); n > 0; n--)
        bytes.setBigUint64(RAM_BASE + (random(RAM / 8) - 1) * 8 + 8, value, true);
      return;
    }
    case 6:
      remapInterrupts(machine, random);
      return;
    default:
      sim.driveLine(random(24), random(2) === 0);
  }
}

/**
 * Lets the driver of a device misbehave, as the seed says.
 * @returns hash of the state that the machine is in afterwards, and how much the device has done
 * @throws Error what isn't as it must be
 */
export async function runDriver(
  device: Device,
  seed: number,
): Promise<{ readonly hash: string; readonly work: number }> {
  const random = randomFrom(seed);
  const machine = await Machine.create({ ...OPTIONS[device], memory: RAM, start: false });
  const attack = ATTACKS[device]?.(machine);
  const guard = new Guard(machine);
  for (let n = 0; n < ACTIONS; n++) {
    const started = performance.now();
    if (attack && random(4) !== 0) attack(random);
    else strike(machine, random);
    if (random(3) === 0) advance(machine, BigInt(random(200_000)));
    const took = performance.now() - started;
    if (took > ACTION_MS) throw new Error(`action ${n} has taken ${took} ms of the host's time`);
    if (machine.crash) throw machine.crash;
  }
  advance(machine, 10_000_000n);
  guard.check();
  return { hash: machine.stateHash(), work: workOf(machine, device) };
}

/** Commands that have moved data, or frames. */
function workOf({ core, state }: Machine, device: Device): number {
  if (device === "nvme") {
    const { readCommands, writeCommands } = new NvmeController(core.data, state.nvme);
    return Number(readCommands + writeCommands);
  }
  if (device === "nic") return Number(new Nic(core.data, state.nic).framesSent);
  // Bytes moved by the command of a slot (PRDBC).
  const moved = (slot: number) => core.data.getUint32(RAM_BASE + LIST + slot * 32 + 4, true);
  return device === "ahci"
    ? Array.from({ length: 32 }, (_, n) => moved(n)).filter(Boolean).length
    : 0;
}
