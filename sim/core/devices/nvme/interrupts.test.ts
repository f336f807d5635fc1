import { expect, test } from "vitest";
import { NVME_ADDRESS, NvmeHost } from "../../../host/testing/nvme.ts";
import { configRead, configWrite, findCapability } from "../../../host/testing/pci.ts";

const MSIX_ENABLE = 0x8000;
const MICROSECOND = 1000n;
const WORDS = 0x30_0000;

/** Lets each vector write its number + 1 into a word of RAM. */
function routeMessages(host: NvmeHost, vectors: number): (vector: number) => number {
  const msix = findCapability(host.machine, NVME_ADDRESS, 0x11);
  for (let vector = 0; vector < vectors; vector++) {
    const entry = 0x4000 + vector * 16;
    host.write(entry, BigInt(WORDS + vector * 4), 8);
    host.write(entry + 8, vector + 1);
    host.write(entry + 12, 0);
  }
  configWrite(host.machine, NVME_ADDRESS, msix + 2, 2, MSIX_ENABLE);
  return (vector) => {
    const view = host.view(WORDS + vector * 4, 4);
    const value = view.getUint32(0, true);
    view.setUint32(0, 0, true);
    return value;
  };
}

const drive = () => ({ data: new Uint8Array(64 * 1024) });
const pass = (host: NvmeHost, microseconds: bigint) =>
  host.machine.run(host.machine.state.now + microseconds * MICROSECOND);

function flush(host: NvmeHost, count = 1): void {
  for (let n = 0; n < count; n++) host.put(1, { opcode: 0, nsid: 1 });
  host.ring(1);
}

test("the pin interrupt is up while completions wait, unless it is masked (7.5.1)", async () => {
  const host = await NvmeHost.enabled([drive()]);
  const up = () => (configRead(host.machine, NVME_ADDRESS, 6, 2) >> 3) & 1;
  expect(up()).toBe(0);
  host.put(0, { opcode: 10, cdw10: 7 });
  host.ring(0);
  host.settle();
  expect(up()).toBe(1);
  host.write(0x0c, 1);
  expect(up()).toBe(0);
  host.write(0x10, 1);
  expect(up()).toBe(1);
  host.take(0);
  expect(up()).toBe(0);
});

test("with MSI-X each completion queue signals its own vector, and INTMS does nothing", async () => {
  const host = await NvmeHost.enabled([drive()]);
  const message = routeMessages(host, 4);
  host.createQueues(1);
  host.createQueues(2);
  for (let vector = 0; vector < 4; vector++) message(vector);
  host.write(0x0c, 0xffff_ffff);
  expect(host.read(0x0c)).toBe(0n);
  host.run(2, { opcode: 0, nsid: 1 });
  expect([0, 1, 2, 3].map(message)).toEqual([0, 0, 3, 0]);
  host.run(1, { opcode: 0, nsid: 1 });
  expect([0, 1, 2, 3].map(message)).toEqual([0, 2, 0, 0]);
});

test("a queue created without interrupts raises none", async () => {
  const host = await NvmeHost.enabled([drive()]);
  const message = routeMessages(host, 2);
  const size = 0x3f_0001;
  host.admin({ opcode: 5, prp1: 0x80_0000, cdw10: size, cdw11: 0x1_0001 });
  host.admin({ opcode: 1, prp1: 0x81_0000, cdw10: size, cdw11: 0x1_0001 });
  host.view(0x81_0000, 64).setUint32(4, 1, true);
  host.write(0x1008, 1);
  host.settle();
  expect(host.view(0x80_0000, 16).getUint32(12, true) >>> 16).toBe(1);
  expect(message(1)).toBe(0);
});

test("coalescing waits for the threshold or the time, and never for the admin queue", async () => {
  const host = await NvmeHost.enabled([drive()]);
  const message = routeMessages(host, 2);
  host.createQueues(1);
  host.admin({ opcode: 9, cdw10: 8, cdw11: 0x103 }); // more than 3 completions, or 100 us
  expect(message(0)).toBe(1);
  message(1);
  flush(host, 1);
  pass(host, 100n);
  expect(message(1)).toBe(0);
  pass(host, 120n);
  expect(message(1)).toBe(2);
  flush(host, 4);
  pass(host, 60n);
  expect(message(1)).toBe(2);
  host.admin({ opcode: 9, cdw10: 9, cdw11: 0x1_0001 }); // Coalescing Disable for vector 1
  flush(host, 1);
  pass(host, 60n);
  expect(message(1)).toBe(2);
});

test("a function level reset takes the admin queue's registers as well (7.3.2)", async () => {
  const host = await NvmeHost.enabled([drive()]);
  host.createQueues(1);
  const express = findCapability(host.machine, NVME_ADDRESS, 0x10);
  configWrite(host.machine, NVME_ADDRESS, express + 8, 2, 0x8000);
  host.settle(1000n);
  expect(host.state.aqa).toBe(0);
  expect([host.state.asq, host.state.acq]).toEqual([0n, 0n]);
  expect([host.state.cc, host.state.csts]).toEqual([0, 0]);
  expect(host.state.submissionQueuesAt(1).entries).toBe(0);
});
