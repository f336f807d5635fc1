import { beforeEach, describe, expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { configRead, configWrite, pciAddress } from "../../host/testing/pci.ts";

const HOST_BRIDGE = pciAddress(0, 0);
const LPC = pciAddress(0, 31);

let m: Machine;
beforeEach(async () => {
  m = await Machine.create({ start: false, memory: 16 * 1024 * 1024 });
});

function portConfigRead(address: number, offset: number, bytes: number): number {
  const select = 0x8000_0000 + address * 256 + (offset & 0xfc);
  m.core.sim.portWrite(0xcf8, 4, select);
  return m.core.sim.portRead(0xcfc + (offset & 3), bytes) >>> 0;
}

describe("configuration space", () => {
  test("a Q35 host bridge is 00:00.0 and an ICH9 LPC bridge is 00:1f.0", () => {
    expect(configRead(m, HOST_BRIDGE, 0, 4)).toBe(0x29c0_8086);
    expect(configRead(m, HOST_BRIDGE, 8, 4) >>> 8).toBe(0x060000);
    expect(configRead(m, LPC, 0, 4)).toBe(0x2918_8086);
    expect(configRead(m, LPC, 8, 4) >>> 8).toBe(0x060100);
  });

  test("an absent function reads as all ones in each width and ignores writes", () => {
    const absent = pciAddress(0, 9);
    expect(configRead(m, absent, 0, 4)).toBe(0xffff_ffff);
    expect(configRead(m, absent, 0, 2)).toBe(0xffff);
    expect(configRead(m, absent, 3, 1)).toBe(0xff);
    expect(configRead(m, pciAddress(77, 0), 0, 4)).toBe(0xffff_ffff);
    configWrite(m, absent, 4, 2, 7);
    expect(configRead(m, absent, 4, 2)).toBe(0xffff);
  });

  test("ports 0xCF8 and 0xCFC show the first 256 bytes that ECAM shows, in each width", () => {
    for (const address of [HOST_BRIDGE, LPC])
      for (let offset = 0; offset < 256; offset += 4) {
        expect(portConfigRead(address, offset, 4)).toBe(configRead(m, address, offset, 4));
        expect(portConfigRead(address, offset + 2, 2)).toBe(configRead(m, address, offset + 2, 2));
        expect(portConfigRead(address, offset + 3, 1)).toBe(configRead(m, address, offset + 3, 1));
      }
  });

  test("CONFIG_ADDRESS takes only dwords, and CONFIG_DATA answers only while enabled", () => {
    m.core.sim.portWrite(0xcf8, 4, 0x8000_f800);
    m.core.sim.portWrite(0xcf8, 1, 0x40);
    expect(m.core.sim.portRead(0xcf8, 4) >>> 0).toBe(0x8000_f800);
    m.core.sim.portWrite(0xcf8, 4, 0xf800);
    expect(m.core.sim.portRead(0xcfc, 4) >>> 0).toBe(0xffff_ffff);
  });

  test("only the writable bits of a register change", () => {
    configWrite(m, LPC, 0, 4, 0x1234_5678);
    expect(configRead(m, LPC, 0, 4)).toBe(0x2918_8086);
    configWrite(m, LPC, 4, 2, 0xffff);
    expect(configRead(m, LPC, 4, 2)).toBe(0x0547);
  });
});
