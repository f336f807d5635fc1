import { describe, expect, test } from "vitest";
import { NvmeHost } from "../../../host/testing/nvme.ts";

const KIB = 1024;
const drives = () => [
  { data: new Uint8Array(64 * KIB) },
  { data: new Uint8Array(256 * KIB), blockBytes: 4096, readOnly: true },
];
const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

/** Runs an Identify and returns the page. */
function identify(host: NvmeHost, structure: number, nsid = 0) {
  const page = host.page();
  const completion = host.admin({ opcode: 6, nsid, cdw10: structure, prp1: page });
  return { completion, view: host.view(page, 4096), bytes: host.ram(page, 4096) };
}

function log(host: NvmeHost, page: number, bytes: number, extra: object = {}) {
  const at = host.page(Math.ceil(bytes / 4096) + 1);
  const cdw10 = page | ((bytes / 4 - 1) << 16);
  const completion = host.admin({ opcode: 2, nsid: 0xffff_ffff, cdw10, prp1: at, ...extra });
  return { completion, view: host.view(at, bytes) };
}

describe("Identify (NVMe 1.4, 5.15)", () => {
  test("the controller describes itself (figure 247)", async () => {
    const host = await NvmeHost.enabled(drives());
    const { completion, view, bytes } = identify(host, 1);
    expect(completion.status).toBe(0);
    expect(view.getUint16(0, true)).toBe(0x1b36);
    expect(text(bytes.subarray(4, 24))).toBe("AIOS0001            ");
    expect(text(bytes.subarray(24, 64))).toBe("AIOS NVMe Controller".padEnd(40));
    expect(text(bytes.subarray(64, 72))).toBe("1.0     ");
    expect([...bytes.subarray(73, 76)]).toEqual([0x00, 0x54, 0x52]);
    expect(view.getUint8(77)).toBe(8); // MDTS: 1 MiB
    expect(view.getUint32(80, true)).toBe(0x1_0400); // VER, the same as register VS
    expect(view.getUint8(111)).toBe(1); // CNTRLTYPE: I/O
    expect(view.getUint16(256, true)).toBe(0); // OACS: nothing optional
    expect([view.getUint8(258), view.getUint8(259)]).toEqual([3, 3]); // ACL, AERL
    expect(view.getUint8(261)).toBe(6); // LPA
    expect(view.getUint8(262)).toBe(63); // ELPE
    expect(view.getUint8(263)).toBe(0); // NPSS
    expect(view.getUint16(266, true)).toBeLessThan(view.getUint16(268, true)); // WCTEMP, CCTEMP
    expect([view.getUint8(512), view.getUint8(513)]).toEqual([0x66, 0x44]); // SQES, CQES
    expect(view.getUint32(516, true)).toBe(2); // NN
    expect(view.getUint16(520, true)).toBe(0b11101); // ONCS
    expect(view.getUint8(525)).toBe(7); // VWC
    expect(view.getUint32(536, true)).toBe(0); // SGLS
    expect(text(bytes.subarray(768, 1024)).replace(/\0+$/, "")).toMatch(
      /^nqn\.2014-08\.org\.nvmexpress:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    );
    expect(view.getUint16(2048, true)).toBeGreaterThan(0); // power state 0
  });

  test("a namespace describes its size and format (figure 245)", async () => {
    const host = await NvmeHost.enabled(drives());
    const small = identify(host, 0, 1).view;
    const large = identify(host, 0, 2).view;
    for (const offset of [0, 8, 16]) {
      expect(small.getBigUint64(offset, true)).toBe(128n);
      expect(large.getBigUint64(offset, true)).toBe(64n);
    }
    expect([small.getUint8(26), large.getUint8(26)]).toEqual([0, 1]);
    for (const view of [small, large]) {
      expect(view.getUint8(25)).toBe(1);
      expect(view.getUint32(128, true)).toBe(9 << 16);
      expect(view.getUint32(132, true)).toBe(12 << 16);
      expect(view.getUint8(33) & 7).toBe(1);
    }
    expect([small.getUint8(99), large.getUint8(99)]).toEqual([0, 1]);
    expect(large.getBigUint64(48, true)).toBe(256n * 1024n);
    expect(small.getBigUint64(104, true)).not.toBe(0n);
    expect(small.getBigUint64(120, false)).not.toBe(large.getBigUint64(120, false));
  });

  test("the active list begins after the given identifier", async () => {
    const host = await NvmeHost.enabled(drives());
    const list = (nsid: number) => {
      const { view } = identify(host, 2, nsid);
      return [0, 4, 8].map((offset) => view.getUint32(offset, true));
    };
    expect([list(0), list(1), list(2)]).toEqual([
      [1, 2, 0],
      [2, 0, 0],
      [0, 0, 0],
    ]);
    for (const nsid of [0xffff_fffe, 0xffff_ffff])
      expect(identify(host, 2, nsid).completion.status).toBe(0x0b);
  });

  test("the descriptor list repeats the namespace's identifiers", async () => {
    const host = await NvmeHost.enabled(drives());
    const space = identify(host, 0, 2).bytes;
    const { view, bytes } = identify(host, 3, 2);
    expect([view.getUint8(0), view.getUint8(1)]).toEqual([1, 8]);
    expect(bytes.slice(4, 12)).toEqual(space.slice(120, 128));
    expect([view.getUint8(12), view.getUint8(13)]).toEqual([2, 16]);
    expect(bytes.slice(16, 32)).toEqual(space.slice(104, 120));
    expect(view.getUint16(32, true)).toBe(0);
  });

  test.each([
    [0, 0, 0x0b],
    [0, 3, 0x0b],
    [0, 0xffff_ffff, 0x0b],
    [3, 0, 0x0b],
    [0x10, 0, 0x02],
    [0x13, 0, 0x02],
    [0xff, 0, 0x02],
  ])("CNS %i of namespace %i is status %i, do not retry", async (structure, nsid, status) => {
    const host = await NvmeHost.enabled(drives());
    const { completion } = identify(host, structure, nsid);
    expect(completion).toMatchObject({ status, doNotRetry: true, more: true });
  });
});

describe("creating and deleting I/O queues (5.3-5.6)", () => {
  const CREATE_CQ = 5;
  const CREATE_SQ = 1;
  const good = { prp1: 0x80_0000, cdw10: 0x003f_0001, cdw11: 1 };

  test.each([
    ["queue 0", { cdw10: 0x3f_0000 }, 0x101],
    ["a queue beyond the granted", { cdw10: 0x3f_0101 }, 0x101],
    ["one entry", { cdw10: 0x1 }, 0x102],
    ["more entries than MQES", { cdw10: 0x1000_0001 }, 0x102],
    ["memory not contiguous", { cdw11: 0 }, 0x02],
    ["an offset in PRP1", { prp1: 0x80_0008 }, 0x13],
    ["a vector that there is not", { cdw11: 0x101_0003 }, 0x108],
  ])("a completion queue with %s", async (_, change, status) => {
    const host = await NvmeHost.enabled(drives());
    const completion = host.admin({ opcode: CREATE_CQ, ...good, ...change });
    expect(completion).toMatchObject({ status, doNotRetry: true });
    expect(host.admin({ opcode: CREATE_CQ, ...good }).status).toBe(0);
    expect(host.admin({ opcode: CREATE_CQ, ...good }).status).toBe(0x101);
  });

  test.each([
    ["queue 0", { cdw10: 0x3f_0000 }, 0x101],
    ["a queue beyond the granted", { cdw10: 0x3f_0101 }, 0x101],
    ["one entry", { cdw10: 0x1 }, 0x102],
    ["more entries than MQES", { cdw10: 0x1000_0001 }, 0x102],
    ["memory not contiguous", { cdw11: 0x1_0000 }, 0x02],
    ["an offset in PRP1", { prp1: 0x80_0008 }, 0x13],
    ["completion queue 0", { cdw11: 1 }, 0x101],
    ["a completion queue out of range", { cdw11: 0x101_0001 }, 0x101],
    ["a completion queue that does not exist", { cdw11: 0x2_0001 }, 0x100],
  ])("a submission queue with %s", async (_, change, status) => {
    const host = await NvmeHost.enabled(drives());
    host.admin({ opcode: CREATE_CQ, ...good });
    const wanted = { ...good, prp1: 0x81_0000, cdw11: 0x1_0001 };
    const completion = host.admin({ opcode: CREATE_SQ, ...wanted, ...change });
    expect(completion).toMatchObject({ status, doNotRetry: true });
    expect(host.admin({ opcode: CREATE_SQ, ...wanted }).status).toBe(0);
    expect(host.admin({ opcode: CREATE_SQ, ...wanted }).status).toBe(0x101);
  });

  test("queues whose entry sizes CC does not have are refused (3.1.5)", async () => {
    const host = await NvmeHost.reset(drives());
    host.enable(64, 1);
    expect(host.admin({ opcode: CREATE_CQ, ...good }).status).toBe(0x102);
    host.write(0x14, 0x46_0001);
    expect(host.admin({ opcode: CREATE_CQ, ...good }).status).toBe(0);
  });

  test("a completion queue goes after its submission queues, and each only once", async () => {
    const host = await NvmeHost.enabled(drives());
    host.createQueues(1);
    expect(host.admin({ opcode: 4, cdw10: 1 })).toMatchObject({ status: 0x10c });
    expect(host.admin({ opcode: 0, cdw10: 1 }).status).toBe(0);
    expect(host.admin({ opcode: 0, cdw10: 1 }).status).toBe(0x101);
    expect(host.admin({ opcode: 4, cdw10: 1 }).status).toBe(0);
    expect(host.admin({ opcode: 4, cdw10: 1 }).status).toBe(0x101);
    for (const opcode of [0, 4])
      for (const cdw10 of [0, 300, 65535]) expect(host.admin({ opcode, cdw10 }).status).toBe(0x101);
  });

  test("deleting a submission queue completes its commands as aborted", async () => {
    const host = await NvmeHost.enabled(drives());
    host.createQueues(1);
    const ids = [1, 2, 3].map(() => host.put(1, { opcode: 0, nsid: 1 }));
    host.ring(1);
    expect(host.admin({ opcode: 0, cdw10: 1 }).status).toBe(0);
    const ends = host.take(1);
    expect(ends.map(({ id, status, queue }) => [id, status, queue])).toEqual(
      ids.map((id) => [id, 8, 1]),
    );
  });

  test("256 queue pairs work side by side", async () => {
    const host = await NvmeHost.enabled(drives());
    for (let number = 1; number <= 256; number++)
      expect(host.createQueues(number, 2).status).toBe(0);
    for (let number = 1; number <= 256; number++) host.put(number, { opcode: 0, nsid: 1 });
    for (let number = 1; number <= 256; number++) host.ring(number);
    host.settle();
    for (let number = 1; number <= 256; number++)
      expect(host.take(number)).toMatchObject([{ status: 0, queue: number, head: 1 }]);
  });
});

describe("features (5.13, 5.21)", () => {
  const get = (host: NvmeHost, id: number, select = 0, cdw11 = 0, nsid = 0) =>
    host.admin({ opcode: 10, nsid, cdw10: id | (select << 8), cdw11 });
  const set = (host: NvmeHost, id: number, cdw11: number, nsid = 0) =>
    host.admin({ opcode: 9, nsid, cdw10: id, cdw11 });

  test.each([
    ["Arbitration", 1, 0, 0xff_0307, 0xff_0307],
    ["Power Management", 2, 0, 0x20, 0x20],
    ["Temperature Threshold", 4, 343, 350, 350],
    ["Volatile Write Cache", 6, 1, 0, 0],
    ["Number of Queues", 7, 0xff_00ff, 0x3_0001, 0x3_0001],
    ["Interrupt Coalescing", 8, 0, 0x1_0203, 0x203],
    ["Write Atomicity", 10, 0, 1, 1],
    ["Asynchronous Event Configuration", 11, 0, 0x1f, 0x1f],
  ])("%s has a default, takes a value and loses it by reset", async (_, id, first, value, kept) => {
    const host = await NvmeHost.enabled(drives());
    expect(get(host, id).result).toBe(first);
    expect(set(host, id, value).status).toBe(0);
    expect(get(host, id).result).toBe(kept);
    expect(get(host, id, 1).result).toBe(first);
    expect(get(host, id, 2).result).toBe(first);
    expect(get(host, id, 3).result).toBe(4);
    host.write(0x14, 0);
    host.settle();
    host.enable();
    expect(get(host, id).result).toBe(first);
  });

  test.each([0, 3, 12, 15, 0x10, 0x80, 0xff])("feature %i is not there", async (id) => {
    const host = await NvmeHost.enabled(drives());
    expect(get(host, id)).toMatchObject({ status: 2, doNotRetry: true });
    expect(set(host, id, 0)).toMatchObject({ status: 2, doNotRetry: true });
  });

  test("Error Recovery is a value a namespace", async () => {
    const host = await NvmeHost.enabled(drives());
    expect(set(host, 5, 7, 2).status).toBe(0);
    expect([get(host, 5, 0, 0, 1).result, get(host, 5, 0, 0, 2).result]).toEqual([0, 7]);
    expect(set(host, 5, 9, 0xffff_ffff).status).toBe(0);
    expect([get(host, 5, 0, 0, 1).result, get(host, 5, 0, 0, 2).result]).toEqual([9, 9]);
    expect(set(host, 5, 9, 3).status).toBe(0x0b);
    expect(get(host, 5, 0, 0, 0).status).toBe(0x0b);
    expect(get(host, 5, 3).result).toBe(6);
  });

  test("Interrupt Vector Configuration is a value a vector", async () => {
    const host = await NvmeHost.enabled(drives());
    expect(set(host, 9, 0x1_0005).status).toBe(0);
    expect(get(host, 9, 0, 5).result).toBe(0x1_0005);
    expect(get(host, 9, 0, 6).result).toBe(6);
    expect(set(host, 9, 257).status).toBe(2);
  });

  test("nothing can be saved, power state 1 and other sensors do not exist", async () => {
    const host = await NvmeHost.enabled(drives());
    expect(host.admin({ opcode: 9, cdw10: 0x8000_0006 }).status).toBe(0x10d);
    expect(set(host, 2, 1).status).toBe(2);
    expect(set(host, 4, 0x1_0150).status).toBe(2);
    expect(set(host, 4, 0x20_0150).status).toBe(2);
    expect(get(host, 6, 4).status).toBe(2);
  });

  test("the number of queues: limits, 65535, and only before there are any", async () => {
    const host = await NvmeHost.enabled(drives());
    expect(set(host, 7, 0xffff_0001).status).toBe(2);
    expect(set(host, 7, 0xfffe_fffe).result).toBe(0xff_00ff);
    expect(set(host, 7, 0).result).toBe(0);
    expect(host.admin({ opcode: 5, prp1: 0x80_0000, cdw10: 0x3f_0002, cdw11: 1 }).status).toBe(
      0x101,
    );
    host.createQueues(1);
    expect(set(host, 7, 0x1_0001).status).toBe(0x0c);
  });
});

describe("log pages (5.14)", () => {
  test("failed commands are in the error log, newest first", async () => {
    const host = await NvmeHost.enabled(drives());
    host.createQueues(1);
    const bad = host.run(1, { opcode: 2, nsid: 1, cdw10: 1000, prp1: host.page() });
    expect(bad).toMatchObject({ status: 0x80, doNotRetry: true, more: true });
    const worse = host.admin({ opcode: 0x7f });
    const { view } = log(host, 1, 128);
    expect(view.getBigUint64(0, true)).toBe(2n);
    expect([view.getUint16(8, true), view.getUint16(10, true)]).toEqual([0, worse.id]);
    expect((view.getUint16(12, true) >> 1) & 0x7ff).toBe(1);
    expect(view.getUint16(14, true)).toBe(0);
    expect(view.getBigUint64(64, true)).toBe(1n);
    expect([view.getUint16(72, true), view.getUint16(74, true)]).toEqual([1, bad.id]);
    expect(view.getUint16(78, true)).toBe(40);
    expect(view.getBigUint64(80, true)).toBe(1000n);
    expect(view.getUint32(88, true)).toBe(1);
  });

  test("SMART counters count what was done", async () => {
    const host = await NvmeHost.enabled(drives());
    host.createQueues(1);
    const page = host.page(2);
    for (let n = 0; n < 3; n++) host.run(1, { opcode: 2, nsid: 1, cdw12: 7, prp1: page });
    host.run(1, { opcode: 1, nsid: 1, cdw12: 7, prp1: page });
    host.admin({ opcode: 0x7f });
    const { view } = log(host, 2, 512);
    expect(view.getUint8(0)).toBe(0);
    expect(view.getUint16(1, true)).toBe(310);
    expect(view.getUint8(3)).toBe(100);
    expect(view.getBigUint64(32, true)).toBe(1n); // thousands of 512 bytes, rounded up
    expect(view.getBigUint64(48, true)).toBe(1n);
    expect(view.getBigUint64(64, true)).toBe(3n);
    expect(view.getBigUint64(80, true)).toBe(1n);
    expect(view.getBigUint64(112, true)).toBe(1n);
    expect(view.getBigUint64(176, true)).toBe(1n);
  });

  test("firmware slot 1 is active, and every announced command is supported", async () => {
    const host = await NvmeHost.enabled(drives());
    const firmware = log(host, 3, 512).view;
    expect(firmware.getUint8(0)).toBe(1);
    const effects = log(host, 5, 4096).view;
    const present = (from: number) =>
      Array.from({ length: 256 }, (_, n) => n).filter((n) => effects.getUint32(from + n * 4, true));
    expect(present(0)).toEqual([0, 1, 2, 4, 5, 6, 8, 9, 10, 12]);
    expect(present(1024)).toEqual([0, 1, 2, 5, 8, 9]);
  });

  test("offsets and lengths: parts agree with the whole, and what is behind it is zero", async () => {
    const host = await NvmeHost.enabled(drives());
    const whole = log(host, 5, 4096).view;
    const part = log(host, 5, 64, { cdw12: 1000 }).view;
    for (let n = 0; n < 64; n += 4)
      expect(part.getUint32(n, true)).toBe(whole.getUint32(1000 + n, true));
    const beyond = log(host, 3, 1024, { cdw12: 256 }).view;
    for (let n = 256; n < 1024; n += 4) expect(beyond.getUint32(n, true)).toBe(0);
    expect(log(host, 3, 64, { cdw12: 516 }).completion.status).toBe(2);
    expect(log(host, 3, 64, { cdw13: 1 }).completion.status).toBe(2);
    expect(log(host, 3, 64, { cdw12: 2 }).completion.status).toBe(2);
    expect(log(host, 3, 64, { cdw11: 0xffff }).completion.status).toBe(2);
  });

  test.each([0, 4, 6, 0x0d, 0x80, 0xff])("log page %i does not exist", async (page) => {
    const host = await NvmeHost.enabled(drives());
    expect(log(host, page, 512).completion.status).toBe(0x109);
  });

  test("logs are the controller's, not a namespace's", async () => {
    const host = await NvmeHost.enabled(drives());
    expect(log(host, 2, 512, { nsid: 0 }).completion.status).toBe(0);
    expect(log(host, 2, 512, { nsid: 1 }).completion.status).toBe(2);
    expect(log(host, 2, 512, { nsid: 9 }).completion.status).toBe(0x0b);
  });
});

describe("Abort and asynchronous events (5.1, 5.2)", () => {
  test("an outstanding command is aborted, another is not found", async () => {
    const host = await NvmeHost.enabled(drives());
    host.createQueues(1);
    host.machine.core.sim.armFault(1, 0x100, 0, 0n);
    const id = host.put(1, { opcode: 0, nsid: 1 });
    host.ring(1);
    host.settle();
    expect(host.take(1)).toEqual([]);
    expect(host.admin({ opcode: 8, cdw10: ((id + 1) << 16) | 1 }).result).toBe(1);
    expect(host.admin({ opcode: 8, cdw10: (id << 16) | 1 }).result).toBe(0);
    expect(host.take(1)).toMatchObject([{ id, status: 7 }]);
    expect(host.admin({ opcode: 8, cdw10: (id << 16) | 1 }).result).toBe(1);
    expect(host.admin({ opcode: 8, cdw10: 0xffff_ffff }).result).toBe(1);
  });

  test("more Abort commands at once than ACL are refused", async () => {
    const host = await NvmeHost.enabled(drives());
    for (let n = 0; n < 5; n++) host.put(0, { opcode: 8, cdw10: 0xffff });
    host.ring(0);
    host.settle();
    const statuses = host.take(0).map((entry) => entry.status);
    expect(statuses).toEqual([0x103, 0, 0, 0, 0]);
  });

  test("event requests wait without a completion; the fifth is one too many", async () => {
    const host = await NvmeHost.enabled(drives());
    for (let n = 0; n < 5; n++) host.put(0, { opcode: 12 });
    host.ring(0);
    host.settle();
    expect(host.take(0)).toMatchObject([{ status: 0x105, doNotRetry: true }]);
  });

  test("waiting requests take no place in a small completion queue", async () => {
    const host = await NvmeHost.enabled(drives(), 2);
    for (let n = 0; n < 3; n++) {
      host.put(0, { opcode: 12 });
      host.ring(0);
      host.settle();
    }
    expect(host.admin({ opcode: 10, cdw10: 7 }).status).toBe(0);
  });

  test("bad doorbells are reported once, until the error log has been read", async () => {
    const host = await NvmeHost.enabled(drives());
    const event = () => {
      host.settle();
      return host.take(0).map((entry) => entry.result);
    };
    host.put(0, { opcode: 12 });
    host.put(0, { opcode: 12 });
    host.ring(0);
    host.settle();
    host.write(0x1000 + 8 * 9, 1);
    expect(event()).toEqual([0x1_0000]);
    host.write(0x1000, 64);
    expect(event()).toEqual([]);
    expect(log(host, 1, 64, { cdw10: 0x8001 | (15 << 16) }).completion.status).toBe(0);
    host.write(0x1004, 9);
    expect(event()).toEqual([]);
    const { view } = log(host, 1, 64);
    expect([view.getUint16(8, true), view.getUint16(10, true)]).toEqual([0, 0xffff]);
    host.write(0x1000, 0xffff);
    expect(event()).toEqual([0x1_0100]);
  });

  test("a temperature past its threshold is a health event when it is asked for", async () => {
    const host = await NvmeHost.enabled(drives());
    host.put(0, { opcode: 12 });
    host.ring(0);
    host.settle();
    host.admin({ opcode: 9, cdw10: 4, cdw11: 300 });
    host.settle();
    expect(host.take(0)).toEqual([]);
    expect(log(host, 2, 512).view.getUint8(0)).toBe(2);
    host.put(0, { opcode: 9, cdw10: 11, cdw11: 2 });
    host.ring(0);
    host.settle();
    expect(host.take(0).map((entry) => entry.result)).toEqual([0, 0x2_0101]);
  });

  test.each([0x03, 0x07, 0x0d, 0x10, 0x11, 0x14, 0x18, 0x80, 0xff])(
    "admin opcode %i is invalid",
    async (opcode) => {
      const host = await NvmeHost.enabled(drives());
      expect(host.admin({ opcode })).toMatchObject({ status: 1, doNotRetry: true });
    },
  );

  test("fused commands and scatter-gather lists are invalid fields", async () => {
    const host = await NvmeHost.enabled(drives());
    for (const flags of [1, 2, 0x40, 0x80, 0xc0])
      expect(host.admin({ opcode: 10, cdw10: 7, flags })).toMatchObject({ status: 2 });
  });
});
