import { describe, expect, test } from "vitest";
import { NvmeHost } from "../../../host/testing/nvme.ts";

const MIB = 1024 * 1024;

/** An image whose bytes tell where they are. */
export function pattern(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => (index * 7 + (index >> 9)) & 0xff);
}

const drive = () => ({ data: pattern(MIB) });

describe("controller registers (NVMe 1.4, 3.1)", () => {
  test("come out of reset with the values that the specification and the design give", async () => {
    const host = await NvmeHost.reset([drive()]);
    const cap = host.read(0, 8);
    expect(cap & 0xffffn).toBe(4095n); // MQES
    expect((cap >> 16n) & 1n).toBe(1n); // CQR
    expect((cap >> 17n) & 3n).toBe(0n); // AMS: round robin only
    expect((cap >> 24n) & 0xffn).toBe(2n); // TO: 1 s
    expect((cap >> 32n) & 15n).toBe(0n); // DSTRD: 4 bytes
    expect((cap >> 36n) & 1n).toBe(0n); // NSSRS
    expect((cap >> 37n) & 0xffn).toBe(1n); // CSS: NVM
    expect((cap >> 48n) & 15n).toBe(0n); // MPSMIN: 4 KiB
    expect((cap >> 52n) & 15n).toBe(4n); // MPSMAX: 64 KiB
    expect(host.read(0x08)).toBe(0x1_0400n);
    for (const offset of [0x0c, 0x10, 0x14, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34])
      expect(host.read(offset)).toBe(0n);
  });

  test("parts of a register can be read, but only whole dwords written", async () => {
    const host = await NvmeHost.reset([drive()]);
    expect(host.read(0x0a, 1)).toBe(1n);
    expect(host.read(0x09, 2)).toBe(0x104n);
    host.write(0x24, 0x001f_001f);
    host.write(0x24, 0xff, 1);
    host.write(0x26, 0xffff, 2);
    expect(host.read(0x24)).toBe(0x001f_001fn);
  });

  test("reserved bits of AQA, ASQ, ACQ and CC stay zero", async () => {
    const host = await NvmeHost.reset([drive()]);
    host.write(0x24, 0xffff_ffff);
    expect(host.read(0x24)).toBe(0x0fff_0fffn);
    host.write(0x28, 0xffff_ffff_ffff_ffffn, 8);
    host.write(0x30, 0xffff_ffff_ffff_ffffn, 8);
    expect(host.read(0x28, 8)).toBe(0xffff_ffff_ffff_f000n);
    expect(host.read(0x30, 8)).toBe(0xffff_ffff_ffff_f000n);
    host.write(0x14, 0xff00_000en);
    expect(host.read(0x14)).toBe(0n);
  });

  test("CAP, VS and CSTS are read-only, and NSSR does not reset what announces no NSSR", async () => {
    const host = await NvmeHost.enabled([drive()]);
    const before = host.read(0, 8);
    for (const offset of [0, 4, 8, 0x1c]) host.write(offset, 0);
    host.write(0x20, 0x4e56_4d65);
    expect(host.read(0, 8)).toBe(before);
    expect(host.read(0x1c)).toBe(1n);
  });

  test("the admin queue registers cannot change while the controller is enabled", async () => {
    const host = await NvmeHost.enabled([drive()]);
    const before = host.read(0x28, 8);
    host.write(0x28, 0, 8);
    host.write(0x24, 0);
    expect(host.read(0x28, 8)).toBe(before);
    expect(host.read(0x24)).toBe(0x3f_003fn);
  });

  test("INTMS sets and INTMC clears mask bits of the pin interrupt", async () => {
    const host = await NvmeHost.reset([drive()]);
    host.write(0x0c, 0b1010);
    host.write(0x0c, 0b0001);
    host.write(0x10, 0b0010);
    expect(host.read(0x0c)).toBe(0b1001n);
    expect(host.read(0x10)).toBe(0b1001n);
  });
});

describe("enable, disable, shutdown (3.1.5, 3.1.6, 7.6)", () => {
  test("RDY follows EN after a delay within CAP.TO", async () => {
    const host = await NvmeHost.reset([drive()]);
    host.write(0x24, 0x1f_001f);
    host.write(0x28, 0x10_0000, 8);
    host.write(0x30, 0x11_0000, 8);
    host.write(0x14, 0x46_0001);
    expect(host.read(0x1c)).toBe(0n);
    host.settle(1000n);
    expect(host.read(0x1c)).toBe(1n);
    host.write(0x14, 0);
    expect(host.read(0x1c)).toBe(1n);
    host.settle(1000n);
    expect(host.read(0x1c)).toBe(0n);
  });

  test("a reset keeps AQA, ASQ and ACQ and clears the rest", async () => {
    const host = await NvmeHost.enabled([drive()]);
    const queues = [host.read(0x24), host.read(0x28, 8), host.read(0x30, 8)];
    host.createQueues(1);
    host.write(0x14, 0);
    host.settle();
    expect([host.read(0x24), host.read(0x28, 8), host.read(0x30, 8)]).toEqual(queues);
    expect(host.read(0x14)).toBe(0n);
    expect(host.state.submissionQueuesAt(1).entries).toBe(0);
    expect(host.state.completionQueuesAt(1).entries).toBe(0);
  });

  test.each([
    ["CSS other than NVM", 0x46_0011, 0x1f_001f, 0x10_0000],
    ["weighted round robin", 0x46_0801, 0x1f_001f, 0x10_0000],
    ["pages of 128 KiB", 0x46_0281, 0x1f_001f, 0x10_0000],
    ["an admin submission queue of one entry", 0x46_0001, 0x1f_0000, 0x10_0000],
    ["an admin completion queue of one entry", 0x46_0001, 0x00_001f, 0x10_0000],
    ["an admin queue not aligned to the page", 0x46_0081, 0x1f_001f, 0x10_1000],
  ])("enabling with %s is a fatal status, until a reset", async (_, cc, aqa, asq) => {
    const host = await NvmeHost.reset([drive()]);
    host.write(0x24, aqa);
    host.write(0x28, asq, 8);
    host.write(0x30, 0x12_0000, 8);
    host.write(0x14, cc);
    host.settle(1000n);
    expect(host.read(0x1c) & 3n).toBe(2n);
    host.write(0x14, 0);
    host.settle();
    host.enable();
    expect(host.read(0x1c)).toBe(1n);
  });

  test.each([
    ["normal", 0x4000],
    ["abrupt", 0x8000],
  ])("a %s shutdown is reported as occurring, then complete; commands stop", async (_, shn) => {
    const host = await NvmeHost.enabled([drive()]);
    host.write(0x14, 0x46_0001 | shn);
    expect(host.read(0x1c)).toBe(0x5n);
    host.settle(1000n);
    expect(host.read(0x1c)).toBe(0x9n);
    host.put(0, { opcode: 6, cdw10: 1, prp1: host.page() });
    host.ring(0);
    host.settle();
    expect(host.take(0)).toEqual([]);
    host.write(0x14, 0);
    host.settle();
    host.enable();
    expect(host.admin({ opcode: 6, cdw10: 1, prp1: host.page() }).status).toBe(0);
  });

  test("a queue outside memory is a fatal status, not a hang", async () => {
    const host = await NvmeHost.reset([drive()]);
    host.write(0x24, 0x1f_001f);
    host.write(0x28, 0xffff_ffff_ffff_f000n, 8);
    host.write(0x30, 0x11_0000, 8);
    host.write(0x14, 0x46_0001);
    host.settle();
    host.write(0x1000, 1);
    host.settle();
    expect(host.read(0x1c) & 2n).toBe(2n);
  });
});
