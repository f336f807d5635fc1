import { describe, expect, test } from "vitest";
import {
  AHCI_FUNCTION,
  AhciBench,
  DATA,
  FRAMES,
  LIST,
  pattern,
} from "../../../host/testing/ahci.ts";
import { configRead } from "../../../host/testing/pci.ts";
import {
  FAULT_ERROR,
  FAULT_INTERRUPT_LOST,
  FAULT_INTERRUPT_SPURIOUS,
  FAULT_TIMEOUT,
} from "../../../spec/faults.ts";

const IMAGE = pattern(1 << 20);
const READ_DMA_EXT = 0x25;
const WRITE_DMA_EXT = 0x35;
const block = (address: number, bytes: number) => [{ address, bytes }];
const boot = async () => (await AhciBench.create({ data: IMAGE })).start();

describe("the function", () => {
  test("is an ICH9 SATA controller in AHCI mode with its registers in BAR 5", async () => {
    const bench = await AhciBench.create({ data: IMAGE });
    expect(configRead(bench.machine, AHCI_FUNCTION, 0, 4)).toBe(0x2922_8086);
    expect(configRead(bench.machine, AHCI_FUNCTION, 8, 4) >>> 8).toBe(0x010601);
  });

  test("is absent without a SATA drive", async () => {
    const bench = await AhciBench.create({ data: IMAGE, interface: "nvme" });
    expect(configRead(bench.machine, AHCI_FUNCTION, 0, 4)).toBe(0xffff_ffff);
  });
});

describe("registers (AHCI 1.3.1, 3)", () => {
  test("show their reset values", async () => {
    const bench = await AhciBench.create({ data: IMAGE }, { data: IMAGE });
    // CAP: S64A, SNCQ, SCLO, 6 Gbit/s, SAM, 32 slots, 6 ports.
    expect(bench.read(0x00)).toBe(0xc134_1f05);
    expect(bench.read(0x04)).toBe(0x8000_0000);
    expect(bench.read(0x0c)).toBe(0b11);
    expect(bench.read(0x10)).toBe(0x0001_0301);
    expect(bench.read(0x118)).toBe(0x6);
    expect(bench.read(0x120)).toBe(0x7f);
    expect(bench.read(0x124)).toBe(0xffff_ffff);
    expect(bench.read(0x128)).toBe(0);
    bench.wait();
    expect(bench.read(0x128)).toBe(0x133);
    expect(bench.read(0x124)).toBe(0x0000_0101);
    expect(bench.read(0x120)).toBe(0x0150);
  });

  test.each([
    ["CAP", 0x00, 0xc134_1f05],
    ["GHC, but for IE", 0x04, 0x8000_0002],
    ["PI", 0x0c, 1],
    ["VS", 0x10, 0x0001_0301],
    ["CAP2", 0x24, 0],
    ["PxCLB, 1 KiB aligned", 0x100, 0xffff_fc00],
    ["PxCLBU", 0x104, 0xffff_ffff],
    ["PxFB, 256 bytes aligned", 0x108, 0xffff_ff00],
    ["PxFBU", 0x10c, 0xffff_ffff],
    ["PxIE", 0x114, 0x7dc0_007f],
    ["PxTFD", 0x120, 0x0150],
    ["PxSIG", 0x124, 0x101],
    ["PxSSTS", 0x128, 0x133],
    ["PxSACT, while ST is clear", 0x134, 0],
    ["PxCI, while ST is clear", 0x138, 0],
    ["PxSNTF", 0x13c, 0],
    ["PxFBS", 0x140, 0],
    ["a port that isn't there", 0x180, 0],
  ])("all ones written to %s keep its read-only bits", async (_name, offset, expected) => {
    const bench = await AhciBench.create({ data: IMAGE });
    bench.wait();
    bench.write(offset, offset === 0x04 ? 0xffff_fffe : 0xffff_ffff);
    expect(bench.read(offset)).toBe(expected);
  });

  test("status bits are cleared by ones; those that mirror PxSERR by clearing it", async () => {
    const bench = await AhciBench.create({ data: IMAGE });
    bench.wait();
    expect(bench.read(0x130)).toBe(0x0401_0000);
    expect(bench.read(0x110) & 0x0040_0040).toBe(0x0040_0040);
    bench.write(0x110, 0xffff_ffff);
    expect(bench.read(0x110) & 0x0040_0040).toBe(0x0040_0040);
    bench.write(0x130, 0x0400_0000);
    expect(bench.read(0x130)).toBe(0x0001_0000);
    expect(bench.read(0x110)).toBe(0x0040_0000);
  });

  test("are reached by bytes, words and quadwords", async () => {
    const bench = await AhciBench.create({ data: IMAGE });
    expect(bench.read(0x01, 1)).toBe(0x1f);
    expect(bench.read(0x02, 2)).toBe(0xc134);
    bench.write(0x100, 0x11_2233_4400, 8);
    expect([bench.read(0x100), bench.read(0x104)]).toEqual([0x2233_4400, 0x11]);
    bench.write(0x105, 0xab, 1);
    expect(bench.read(0x104)).toBe(0xab11);
  });

  test("FR follows FRE and CR follows ST", async () => {
    const bench = await AhciBench.create({ data: IMAGE });
    bench.wait();
    bench.write(0x118, 0x10);
    expect(bench.read(0x118) & 0xc000).toBe(0);
    bench.wait(10_000n);
    expect(bench.read(0x118) & 0xc000).toBe(0x4000);
    bench.write(0x118, 0x11);
    bench.wait(10_000n);
    expect(bench.read(0x118) & 0xc000).toBe(0xc000);
  });

  test("GHC.HR brings back the reset values but keeps the base addresses", async () => {
    const bench = await boot();
    bench.write(0x04, 0x3);
    expect(bench.read(0x04) & 1).toBe(1);
    bench.wait();
    expect(bench.read(0x04)).toBe(0x8000_0000);
    expect([bench.read(0x100), bench.read(0x108)]).toEqual([LIST, FRAMES]);
    expect([bench.read(0x114), bench.read(0x118), bench.read(0x128)]).toEqual([0, 6, 0x133]);
  });
});

describe("links and resets (10.4)", () => {
  test("the signature FIS is stored once frames are received", async () => {
    const bench = await boot();
    expect([...bench.ram(FRAMES + 0x40, 20)]).toEqual([
      ...[0x34, 0, 0x50, 0x01, 1, 0, 0, 0],
      ...[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    ]);
  });

  test("COMRESET takes the link down and brings it up at the speed that software allows", async () => {
    const bench = await boot();
    bench.write(0x118, 0x10);
    bench.write(0x12c, 0x011);
    bench.wait();
    expect([bench.read(0x128), bench.read(0x120), bench.read(0x124)]).toEqual([
      0, 0x7f, 0xffff_ffff,
    ]);
    bench.write(0x12c, 0x010);
    bench.wait();
    expect([bench.read(0x128), bench.read(0x124)]).toEqual([0x113, 0x101]);
    expect(bench.read(0x130)).toBe(0x0401_0000);
  });

  test("DET 4 takes the link offline", async () => {
    const bench = await boot();
    bench.write(0x12c, 4);
    expect(bench.read(0x128)).toBe(4);
  });

  test("software reset: two control frames, then the signature", async () => {
    const bench = await boot();
    bench.prepare(0, { opcode: 0 });
    bench.ram(0x20_2000, 20).set([0x27, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4]);
    bench.setRam32(LIST, bench.ram32(LIST) | 0x500);
    bench.write(0x138, 1);
    bench.wait();
    expect(bench.read(0x138)).toBe(0);
    bench.prepare(1, { opcode: 0 });
    bench.ram(0x20_3000, 20).set([0x27, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bench.write(0x138, 2);
    bench.wait(10_000n);
    expect(bench.read(0x120) & 0x80).toBe(0x80);
    bench.wait();
    expect([bench.read(0x138), bench.read(0x120), bench.read(0x124)]).toEqual([0, 0x150, 0x101]);
  });
});

describe("errors", () => {
  test("an address past the end is IDNF, with TFES; nothing runs until ST is cleared", async () => {
    const bench = await boot();
    const sectors = IMAGE.length / 512;
    const read = { opcode: READ_DMA_EXT, count: 2, entries: block(DATA, 1024) };
    expect(bench.execute({ ...read, lba: sectors - 1 })).toEqual({ status: 0x51, error: 0x10 });
    expect(bench.read(0x110) & 0x4000_0001).toBe(0x4000_0001);
    expect(bench.read(0x138)).toBe(1);
    bench.prepare(1, read);
    bench.write(0x138, 2);
    bench.wait();
    expect(bench.read(0x138)).toBe(3);
    bench.restart();
    expect(bench.execute({ ...read, lba: sectors - 2 })).toEqual({ status: 0x50, error: 0 });
  });

  test.each([
    ["an unknown command", { opcode: 0x99 }],
    ["a CHS address", { opcode: READ_DMA_EXT, count: 1, device: 0, entries: block(DATA, 512) }],
    ["an unknown feature", { opcode: 0xef, features: 0x77 }],
    ["SMART without its key", { opcode: 0xb0, features: 0xda }],
    ["too many TRIM blocks", { opcode: 0x06, features: 1, count: 9, write: true }],
  ])("%s is aborted", async (_name, command) => {
    const bench = await boot();
    expect(bench.execute(command)).toEqual({ status: 0x51, error: 0x04 });
  });

  test("a medium that can't be read is UNC, a write to a read-only drive is aborted", async () => {
    const broken = {
      bytes: 1 << 20,
      read: () => {
        throw new Error("scratched");
      },
    };
    const bench = (await AhciBench.create({ backend: broken, readOnly: true })).start();
    const command = { count: 1, entries: block(DATA, 512) };
    expect(bench.execute({ ...command, opcode: READ_DMA_EXT }).error).toBe(0x40);
    bench.restart();
    expect(bench.execute({ ...command, opcode: WRITE_DMA_EXT, write: true }).error).toBe(0x04);
  });

  test("a PRDT that is too short is an overflow", async () => {
    const bench = await boot();
    bench.execute({ opcode: READ_DMA_EXT, count: 2, entries: block(DATA, 1022) });
    expect(bench.read(0x110) & 0x0100_0000).toBe(0x0100_0000);
    expect(bench.read(0x138)).toBe(1);
  });

  test.each([
    [
      "data",
      (b: AhciBench) => b.prepare(0, { opcode: 0x25, count: 1, entries: block(0x7000_0000, 512) }),
    ],
    ["the table", (b: AhciBench) => b.setRam32(LIST + 8, 0x7000_0000)],
    ["the list", (b: AhciBench) => b.write(0x104, 0x7000_0000)],
  ])("%s outside memory is a host bus fatal error", async (_name, spoil) => {
    const bench = await boot();
    bench.prepare(0, { opcode: READ_DMA_EXT, count: 1, entries: block(DATA, 512) });
    spoil(bench);
    bench.write(0x138, 1);
    bench.wait();
    expect(bench.read(0x110) & 0x2000_0000).toBe(0x2000_0000);
  });

  test("a frame that isn't a host's register FIS is an interface fatal error", async () => {
    const bench = await boot();
    bench.prepare(0, { opcode: READ_DMA_EXT });
    bench.ram(0x20_2000, 1).set([0x46]);
    bench.write(0x138, 1);
    bench.wait();
    expect(bench.read(0x110) & 0x0800_0000).toBe(0x0800_0000);
    expect(bench.read(0x130) & 0x400).toBe(0x400);
  });

  test("CLO clears a busy task file so that the port can be started again", async () => {
    const bench = await boot();
    bench.machine.core.sim.armFault(FAULT_TIMEOUT, AHCI_FUNCTION, 0, 0n);
    expect(bench.execute({ opcode: 0xec, entries: block(DATA, 512) }).status & 0x80).toBe(0x80);
    bench.write(0x118, 0x10);
    bench.wait(10_000n);
    bench.write(0x118, 0x18);
    expect(bench.read(0x120) & 0x88).toBe(0);
    expect(bench.read(0x118) & 8).toBe(0);
    bench.write(0x118, 0x11);
    bench.wait(10_000n);
    expect(bench.execute({ opcode: 0xec, entries: block(DATA, 512) }).status).toBe(0x50);
  });
});

describe("interrupts (10.7)", () => {
  const identify = { opcode: 0x25, count: 1, entries: block(DATA, 512) };

  test("a completion sends one message; what software leaves set is sent again", async () => {
    const bench = await boot();
    const take = bench.messages();
    bench.execute(identify);
    expect(bench.read(0x08)).toBe(1);
    expect(take()).toBe(0x1234);
    // IS can't be cleared while the port still asks.
    bench.write(0x08, 1);
    expect([bench.read(0x08), take()]).toEqual([1, 0x1234]);
    bench.write(0x110, 0xffff_ffff);
    bench.write(0x08, 1);
    expect([bench.read(0x08), take()]).toEqual([0, 0]);
  });

  test("neither a masked cause nor a cleared GHC.IE sends anything", async () => {
    const bench = await boot();
    const take = bench.messages();
    bench.write(0x114, 0);
    bench.execute(identify);
    expect([bench.read(0x08), take()]).toEqual([0, 0]);
    bench.write(0x04, 0);
    bench.write(0x114, 1);
    expect([bench.read(0x08), take()]).toEqual([1, 0]);
    bench.write(0x04, 2);
    expect(take()).toBe(0x1234);
  });

  test("a PRDT entry's I bit sets DPS", async () => {
    const bench = await boot();
    const entries = [{ address: DATA, bytes: 512, interrupt: true }];
    bench.execute({ ...identify, entries });
    expect(bench.read(0x110) & 0x20).toBe(0x20);
  });

  test("armed faults: a lost interrupt, one without a reason, an error, a timeout", async () => {
    const bench = await boot();
    const { sim } = bench.machine.core;
    const take = bench.messages();
    sim.armFault(FAULT_INTERRUPT_LOST, AHCI_FUNCTION, 0, 0n);
    expect(bench.execute(identify).status).toBe(0x50);
    expect(take()).toBe(0);
    bench.clearErrors();
    sim.armFault(FAULT_INTERRUPT_SPURIOUS, AHCI_FUNCTION, 0, 0n);
    bench.prepare(0, identify);
    bench.write(0x138, 1);
    bench.wait(5_000n);
    expect([bench.read(0x08), take()]).toEqual([0, 0x1234]);
    bench.wait();
    bench.clearErrors();
    sim.armFault(FAULT_ERROR, AHCI_FUNCTION, 0, 0x10n);
    expect(bench.execute(identify)).toEqual({ status: 0x51, error: 0x10 });
    bench.restart();
    sim.armFault(FAULT_TIMEOUT, AHCI_FUNCTION, 0, 0n);
    expect(bench.execute(identify).status & 0x80).toBe(0x80);
    expect(bench.read(0x138)).toBe(1);
  });
});
