import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Machine } from "../../../host/machine.ts";
import { configRead, configWrite } from "../../../host/testing/pci.ts";
import { requireFile } from "../../../host/testing/tools.ts";
import {
  BUFFERS,
  frame,
  MAC,
  NIC_FUNCTION,
  QUEUES,
  VirtioBench,
} from "../../../host/testing/virtio.ts";
import {
  FAULT_ERROR,
  FAULT_INTERRUPT_LOST,
  FAULT_INTERRUPT_SPURIOUS,
  FAULT_TIMEOUT,
} from "../../../spec/faults.ts";
import { PCI_MEMORY_BASE } from "../../../spec/platform.ts";
import * as Virtio from "../../../spec/virtio.ts";

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const NEEDS_RESET = 0x40;
const EVENT_IDX = 0x2001_0020;
const INDIRECT_DESC = 0x1001_0020;
const boot = async (...options: number[]) => (await VirtioBench.create()).start(...options);

/** Offers a frame on the transmit queue as header and body, and notifies. */
function send(bench: VirtioBench, body: Uint8Array, first = 0): void {
  bench.ram(BUFFERS, 12).fill(0);
  bench.ram(BUFFERS + 0x100, body.length).set(body);
  bench.descriptor(1, first, { address: BUFFERS, bytes: 12, flags: NEXT, next: first + 1 });
  bench.descriptor(1, first + 1, { address: BUFFERS + 0x100, bytes: body.length });
  bench.offer(1, first);
  bench.notify(1);
  bench.wait();
}

describe("the function (Virtio 1.2, 4.1)", () => {
  test("is a modern network device with its structures in BAR 4", async () => {
    const bench = await VirtioBench.create();
    expect(configRead(bench.machine, NIC_FUNCTION, 0, 4)).toBe(0x1041_1af4);
    expect(configRead(bench.machine, NIC_FUNCTION, 8, 4)).toBe(0x0200_0001);
    const structures = bench.structures();
    const place = (type: number) => {
      const { bar, offset, length } = structures.get(type) ?? {};
      return [bar, offset, length];
    };
    expect(place(1)).toEqual([4, 0x0000, 0x38]);
    expect(place(3)).toEqual([4, 0x1000, 1]);
    expect(place(4)).toEqual([4, 0x2000, 8]);
    expect(place(2)).toEqual([4, 0x3000, 8]);
  });

  test("is absent when the host gave no address", async () => {
    const machine = await Machine.create({ memory: 16 << 20, start: false });
    expect(configRead(machine, NIC_FUNCTION, 0, 4)).toBe(0xffff_ffff);
  });

  test("shows its MAC address and that the link is up", async () => {
    const bench = await VirtioBench.create();
    expect(MAC.map((_, n) => bench.read(0x2000 + n, 1))).toEqual(MAC);
    expect(bench.read(0x2006, 2)).toBe(1);
    bench.write(0x2000, 0);
    expect(bench.read(0x2000, 1)).toBe(0x52);
  });

  const headers = "/usr/include/linux";
  test("agrees with Linux's own constants", () => {
    const text = ["virtio_pci", "virtio_ring", "virtio_net", "virtio_config"]
      .map((name) => requireFile(`${headers}/${name}.h`))
      .join("\n");
    const linux = (name: string) => {
      const match = new RegExp(`^#define\\s+${name}\\s+(0x[0-9a-f]+|\\d+)`, "im").exec(text);
      return Number(match?.[1]);
    };
    const pairs: readonly (readonly [number, string])[] = [
      [Virtio.COMMON_DEVICE_FEATURE_SELECT, "VIRTIO_PCI_COMMON_DFSELECT"],
      [Virtio.COMMON_DEVICE_FEATURE, "VIRTIO_PCI_COMMON_DF"],
      [Virtio.COMMON_DRIVER_FEATURE_SELECT, "VIRTIO_PCI_COMMON_GFSELECT"],
      [Virtio.COMMON_DRIVER_FEATURE, "VIRTIO_PCI_COMMON_GF"],
      [Virtio.COMMON_CONFIG_VECTOR, "VIRTIO_PCI_COMMON_MSIX"],
      [Virtio.COMMON_QUEUES, "VIRTIO_PCI_COMMON_NUMQ"],
      [Virtio.COMMON_STATUS, "VIRTIO_PCI_COMMON_STATUS"],
      [Virtio.COMMON_GENERATION, "VIRTIO_PCI_COMMON_CFGGENERATION"],
      [Virtio.COMMON_QUEUE_SELECT, "VIRTIO_PCI_COMMON_Q_SELECT"],
      [Virtio.COMMON_QUEUE_SIZE, "VIRTIO_PCI_COMMON_Q_SIZE"],
      [Virtio.COMMON_QUEUE_VECTOR, "VIRTIO_PCI_COMMON_Q_MSIX"],
      [Virtio.COMMON_QUEUE_ENABLE, "VIRTIO_PCI_COMMON_Q_ENABLE"],
      [Virtio.COMMON_QUEUE_NOTIFY, "VIRTIO_PCI_COMMON_Q_NOFF"],
      [Virtio.COMMON_QUEUE_DESCRIPTORS, "VIRTIO_PCI_COMMON_Q_DESCLO"],
      [Virtio.COMMON_QUEUE_DRIVER, "VIRTIO_PCI_COMMON_Q_AVAILLO"],
      [Virtio.COMMON_QUEUE_DEVICE, "VIRTIO_PCI_COMMON_Q_USEDLO"],
      [Virtio.VIRTIO_CAP_COMMON, "VIRTIO_PCI_CAP_COMMON_CFG"],
      [Virtio.VIRTIO_CAP_NOTIFY, "VIRTIO_PCI_CAP_NOTIFY_CFG"],
      [Virtio.VIRTIO_CAP_ISR, "VIRTIO_PCI_CAP_ISR_CFG"],
      [Virtio.VIRTIO_CAP_DEVICE, "VIRTIO_PCI_CAP_DEVICE_CFG"],
      [Virtio.VIRTIO_CAP_PCI, "VIRTIO_PCI_CAP_PCI_CFG"],
      [Virtio.VIRTIO_CAP_MULTIPLIER, "VIRTIO_PCI_NOTIFY_CAP_MULT"],
      [Virtio.NO_VECTOR, "VIRTIO_MSI_NO_VECTOR"],
      [Virtio.ISR_CONFIG, "VIRTIO_PCI_ISR_CONFIG"],
      [Virtio.STATUS_DRIVER_OK, "VIRTIO_CONFIG_S_DRIVER_OK"],
      [Virtio.STATUS_FEATURES_OK, "VIRTIO_CONFIG_S_FEATURES_OK"],
      [Virtio.STATUS_NEEDS_RESET, "VIRTIO_CONFIG_S_NEEDS_RESET"],
      [Virtio.STATUS_FAILED, "VIRTIO_CONFIG_S_FAILED"],
      [Virtio.F_VERSION_1, "VIRTIO_F_VERSION_1"],
      [Virtio.F_ACCESS_PLATFORM, "VIRTIO_F_ACCESS_PLATFORM"],
      [Virtio.F_INDIRECT_DESC, "VIRTIO_RING_F_INDIRECT_DESC"],
      [Virtio.F_EVENT_IDX, "VIRTIO_RING_F_EVENT_IDX"],
      [Virtio.NET_F_MAC, "VIRTIO_NET_F_MAC"],
      [Virtio.NET_F_STATUS, "VIRTIO_NET_F_STATUS"],
      [Virtio.NET_STATUS_LINK_UP, "VIRTIO_NET_S_LINK_UP"],
      [Virtio.DESCRIPTOR_NEXT, "VRING_DESC_F_NEXT"],
      [Virtio.DESCRIPTOR_WRITE, "VRING_DESC_F_WRITE"],
      [Virtio.DESCRIPTOR_INDIRECT, "VRING_DESC_F_INDIRECT"],
      [Virtio.AVAIL_NO_INTERRUPT, "VRING_AVAIL_F_NO_INTERRUPT"],
    ];
    for (const [ours, name] of pairs) expect([name, ours]).toEqual([name, linux(name)]);
  });
});

describe("the window in configuration space (4.1.4.9)", () => {
  async function windowBench() {
    const bench = await VirtioBench.create();
    const at = bench.structures().get(5)?.at ?? 0;
    const config = (offset: number, bytes: number) =>
      configRead(bench.machine, NIC_FUNCTION, at + offset, bytes);
    const setConfig = (offset: number, bytes: number, value: number) =>
      configWrite(bench.machine, NIC_FUNCTION, at + offset, bytes, value);
    const aim = (bar: number, offset: number, length: number) => {
      setConfig(4, 1, bar);
      setConfig(8, 4, offset);
      setConfig(12, 4, length);
    };
    return { bench, config, setConfig, aim };
  }

  test("reads and writes the structures, even with the BARs switched off", async () => {
    const { bench, config, setConfig, aim } = await windowBench();
    expect(config(2, 1)).toBe(20);
    configWrite(bench.machine, NIC_FUNCTION, 4, 2, 0);
    aim(4, 0x2000, 4);
    expect(config(16, 4)).toBe(0x1200_5452);
    aim(4, 0x2004, 2);
    expect(config(16, 2)).toBe(0x5634);
    aim(4, 0x14, 1);
    setConfig(16, 1, 1);
    setConfig(16, 4, 0xffff_ff03);
    expect(config(16, 1)).toBe(3);
    aim(4, 0x00, 4);
    setConfig(16, 4, 1);
    aim(4, 0x04, 4);
    expect(config(16, 4)).toBe(3);
  });

  test("reaches the MSI-X table as well", async () => {
    const { bench, config, setConfig, aim } = await windowBench();
    aim(1, 8, 4);
    setConfig(16, 4, 0x41);
    expect(bench.machine.core.sim.physicalRead(BigInt(PCI_MEMORY_BASE + 0x10_0008), 4)).toBe(0x41n);
    aim(1, 12, 4);
    expect(config(16, 4)).toBe(1);
  });

  test.each([
    ["no length", 4, 0x2000, 0],
    ["a length of 3", 4, 0x2000, 3],
    ["a length of 8", 4, 0x2000, 8],
    ["a length of 4 GiB - 1", 4, 0x2000, 0xffff_ffff],
    ["an offset that is no multiple of the length", 4, 0x2002, 4],
    ["an offset behind the BAR", 4, 0x4000, 4],
    ["the last offset of all", 4, 0xffff_fffc, 4],
    ["a BAR that is not there", 0, 0, 4],
    ["the upper half of a BAR", 5, 0, 4],
    ["BAR 6", 6, 0, 4],
    ["BAR 255", 255, 0x2000, 4],
  ])("with %s nothing is accessed, and data stay what they were", async (_name, ...target) => {
    const { config, setConfig, aim } = await windowBench();
    aim(...target);
    setConfig(16, 4, 0x5a5a_1234);
    expect(config(16, 4)).toBe(0x5a5a_1234);
    aim(4, 0x2000, 4);
    expect(config(16, 4)).toBe(0x1200_5452);
  });

  test("reading the ISR through it clears the ISR", async () => {
    const { bench, config, aim } = await windowBench();
    send(bench.start(), frame(60));
    aim(4, 0x1000, 1);
    expect([config(16, 1), config(16, 1)]).toEqual([1, 0]);
  });

  test("any choice of BAR, offset and length and any data leave a device that works", async () => {
    const wild = fc.oneof(fc.nat(0x4010), fc.nat(0xffff_ffff));
    const choice = fc.tuple(fc.nat(255), wild, fc.oneof(fc.nat(8), wild), wild, fc.nat(3));
    await fc.assert(
      fc.asyncProperty(fc.array(choice, { maxLength: 60 }), async (choices) => {
        const { bench, config, setConfig, aim } = await windowBench();
        for (const [bar, offset, length, value, byte] of choices) {
          aim(bar % 7 === 0 ? bar : bar % 7, offset, length);
          setConfig(16 + byte, 1, value & 0xff);
          setConfig(16, 4, value);
          config(16 + byte, 1);
          config(12, 4);
        }
        bench.wait();
        bench.machine.framesSent.length = 0;
        send(bench.start(), frame(64));
        expect(bench.machine.framesSent).toEqual([frame(64)]);
      }),
      { numRuns: 50 },
    );
  });
});

describe("status and features (2.1, 2.2, 3.1)", () => {
  test("offers MAC, STATUS, indirect descriptors, event indices, VERSION_1 and the IOMMU", async () => {
    const bench = await VirtioBench.create();
    bench.write(0x00, 0);
    expect(bench.read(0x04)).toBe(0x3001_0020);
    bench.write(0x00, 1);
    expect(bench.read(0x04)).toBe(0x3);
    bench.write(0x00, 2);
    expect(bench.read(0x04)).toBe(0);
  });

  test.each([
    ["what is offered", 0x0001_0020, 3, 11],
    ["no VERSION_1", 0x20, 0, 3],
    ["a feature that isn't offered", 0x21, 1, 3],
  ])("FEATURES_OK after accepting %s", async (_name, low, high, status) => {
    const bench = await VirtioBench.create();
    bench.start(8, low, high);
    bench.write(0x14, 0, 1);
    bench.write(0x08, 0);
    bench.write(0x0c, low);
    bench.write(0x08, 1);
    bench.write(0x0c, high);
    bench.write(0x14, 11, 1);
    expect(bench.read(0x14, 1)).toBe(status);
  });

  test("features stay as they are after FEATURES_OK", async () => {
    const bench = await boot();
    bench.write(0x08, 0);
    bench.write(0x0c, 0);
    expect(bench.read(0x0c)).toBe(0x0001_0020);
  });

  test("zero resets everything; bits are never taken back", async () => {
    const bench = await boot();
    bench.write(0x14, 1, 1);
    expect(bench.read(0x14, 1)).toBe(15);
    bench.write(0x14, 0, 1);
    expect(bench.read(0x14, 1)).toBe(0);
    bench.write(0x16, 1, 2);
    expect([bench.read(0x18, 2), bench.read(0x1a, 2), bench.read(0x1c, 2)]).toEqual([
      256, 0xffff, 0,
    ]);
    expect(bench.read(0x20, 8)).toBe(0);
  });

  test("queues: sizes are powers of two up to 256, vectors exist, enabled ones are fixed", async () => {
    const bench = await VirtioBench.create();
    expect(bench.read(0x12, 2)).toBe(2);
    bench.write(0x16, 1, 2);
    expect(bench.read(0x1e, 2)).toBe(1);
    for (const size of [0, 3, 512, 255]) bench.write(0x18, size, 2);
    expect(bench.read(0x18, 2)).toBe(256);
    bench.write(0x18, 64, 2);
    bench.write(0x1a, 7, 2);
    expect([bench.read(0x18, 2), bench.read(0x1a, 2)]).toEqual([64, 0xffff]);
    bench.write(0x20, 0x1_2345_678f, 8);
    expect(bench.read(0x20, 8)).toBe(0x1_2345_6780);
    bench.write(0x1c, 1, 2);
    bench.write(0x18, 32, 2);
    bench.write(0x20, 0, 8);
    bench.write(0x1c, 0, 2);
    expect([bench.read(0x18, 2), bench.read(0x1c, 2)]).toEqual([64, 1]);
    expect(bench.read(0x20, 8)).toBe(0x1_2345_6780);
    bench.write(0x16, 2, 2);
    expect(bench.read(0x18, 2)).toBe(0);
  });
});

describe("frames", () => {
  test("a sent frame reaches the host without its header, and its chain comes back", async () => {
    const bench = await boot();
    bench.messages();
    send(bench, frame(1514));
    expect(bench.machine.framesSent).toEqual([frame(1514)]);
    expect([bench.usedIndex(1), bench.used(1, 0)]).toEqual([1, { id: 0, bytes: 0 }]);
    expect([bench.takeMessage(0), bench.takeMessage(1), bench.takeMessage(2)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("header and body may share or split descriptors anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 7 }),
        fc.integer({ min: 14, max: 1518 }),
        async (cuts, bytes) => {
          const bench = await boot();
          const whole = new Uint8Array(12 + bytes);
          whole.set(frame(bytes, 3), 12);
          bench.ram(BUFFERS, whole.length).set(whole);
          let at = 0;
          cuts.forEach((cut, n) => {
            const length = Math.min(cut, whole.length - at);
            bench.descriptor(1, n, {
              address: BUFFERS + at,
              bytes: length,
              flags: NEXT,
              next: n + 1,
            });
            at += length;
          });
          bench.descriptor(1, cuts.length, { address: BUFFERS + at, bytes: whole.length - at });
          bench.offer(1, 0);
          bench.notify(1);
          bench.wait();
          expect(bench.machine.framesSent).toEqual([frame(bytes, 3)]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("what is no frame is dropped, but its chain comes back", async () => {
    const bench = await boot();
    send(bench, frame(13));
    send(bench, frame(1519), 2);
    expect(bench.machine.framesSent).toEqual([]);
    expect([bench.usedIndex(1), bench.read(0x14, 1)]).toEqual([2, 15]);
  });

  test("a received frame has a header that says it fills one buffer", async () => {
    const bench = await boot();
    bench.messages();
    bench.descriptor(0, 5, { address: BUFFERS, bytes: 1526, flags: WRITE });
    bench.offer(0, 5);
    expect(bench.receive(frame(60))).toBe(true);
    expect([bench.usedIndex(0), bench.used(0, 0)]).toEqual([1, { id: 5, bytes: 72 }]);
    expect([...bench.ram(BUFFERS, 12)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(bench.ram(BUFFERS + 12, 60)).toEqual(frame(60));
    expect([bench.takeMessage(1), bench.takeMessage(2)]).toEqual([true, false]);
  });

  test("a frame is dropped without a driver, a buffer, or when it is no frame", async () => {
    const bench = await VirtioBench.create();
    expect(bench.receive(frame(60))).toBe(false);
    bench.start();
    expect(bench.receive(frame(60))).toBe(false);
    bench.descriptor(0, 0, { address: BUFFERS, bytes: 1530, flags: WRITE });
    bench.offer(0, 0);
    expect([bench.receive(frame(13)), bench.receive(frame(1519))]).toEqual([false, false]);
    expect(bench.receive(frame(60))).toBe(true);
    bench.descriptor(0, 0, { address: BUFFERS, bytes: 40, flags: WRITE });
    bench.offer(0, 0);
    expect(bench.receive(frame(60))).toBe(false);
    expect([bench.usedIndex(0), bench.used(0, 1).bytes]).toEqual([2, 0]);
  });

  test("an indirect table holds a chain", async () => {
    const bench = await boot(8, INDIRECT_DESC);
    const body = frame(100);
    bench.ram(BUFFERS + 0x100, 100).set(body);
    bench.describe(BUFFERS + 0x1000, 0, { address: BUFFERS, bytes: 12, flags: NEXT, next: 1 });
    bench.describe(BUFFERS + 0x1000, 1, { address: BUFFERS + 0x100, bytes: 100 });
    bench.descriptor(1, 6, { address: BUFFERS + 0x1000, bytes: 32, flags: INDIRECT });
    bench.offer(1, 6);
    bench.notify(1);
    bench.wait();
    expect(bench.machine.framesSent).toEqual([body]);
  });
});

describe("interrupts and notifications (2.7.7, 2.7.10)", () => {
  test("NO_INTERRUPT silences the queue", async () => {
    const bench = await boot();
    bench.messages();
    bench.driverRing(1).setUint16(0, 1, true);
    send(bench, frame(60));
    expect([bench.usedIndex(1), bench.takeMessage(2)]).toEqual([1, false]);
  });

  test("used_event asks for one interrupt, avail_event for one notification", async () => {
    const bench = await boot(8, EVENT_IDX);
    bench.messages();
    const usedEvent = (value: number) => bench.driverRing(1).setUint16(4 + 8 * 2, value, true);
    usedEvent(1);
    send(bench, frame(60));
    expect(bench.takeMessage(2)).toBe(false);
    send(bench, frame(60));
    expect(bench.takeMessage(2)).toBe(true);
    send(bench, frame(60));
    expect(bench.takeMessage(2)).toBe(false);
    expect(bench.deviceRing(1).getUint16(4 + 8 * 8, true)).toBe(3);
  });

  test("without MSI-X the ISR tells the cause once and reading it drops the line", async () => {
    const bench = await boot();
    send(bench, frame(60));
    expect(configRead(bench.machine, NIC_FUNCTION, 6, 2) & 8).toBe(8);
    expect([bench.read(0x1000, 1), bench.read(0x1000, 1)]).toEqual([1, 0]);
    expect(configRead(bench.machine, NIC_FUNCTION, 6, 2) & 8).toBe(0);
  });

  test("armed faults: lost, spurious, a frame that never returns, a device that gives up", async () => {
    const bench = await boot();
    const { sim } = bench.machine.core;
    bench.messages();
    sim.armFault(FAULT_INTERRUPT_LOST, NIC_FUNCTION, 0, 0n);
    send(bench, frame(60));
    expect([bench.usedIndex(1), bench.takeMessage(2)]).toEqual([1, false]);
    sim.armFault(FAULT_INTERRUPT_SPURIOUS, NIC_FUNCTION, 0, 0n);
    bench.notify(1);
    bench.wait();
    expect(bench.takeMessage(0)).toBe(true);
    sim.armFault(FAULT_TIMEOUT, NIC_FUNCTION, 0, 0n);
    send(bench, frame(60));
    expect([bench.usedIndex(1), bench.read(0x14, 1)]).toEqual([1, 15]);
    sim.armFault(FAULT_ERROR, NIC_FUNCTION, 0, 0n);
    send(bench, frame(60));
    expect(bench.read(0x14, 1)).toBe(15 | NEEDS_RESET);
    expect(bench.takeMessage(0)).toBe(true);
  });
});

describe("a driver that breaks the rules (2.7)", () => {
  const cases: readonly (readonly [string, (bench: VirtioBench) => void])[] = [
    ["a head outside the table", (b) => b.offer(1, 8)],
    [
      "a next outside the table",
      (b) => {
        b.descriptor(1, 0, { address: BUFFERS, bytes: 20, flags: NEXT, next: 8 });
        b.offer(1, 0);
      },
    ],
    [
      "a loop",
      (b) => {
        b.descriptor(1, 0, { address: BUFFERS, bytes: 20, flags: NEXT, next: 0 });
        b.offer(1, 0);
      },
    ],
    [
      "a buffer outside memory",
      (b) => {
        b.descriptor(1, 0, { address: 0x7000_0000, bytes: 100 });
        b.offer(1, 0);
      },
    ],
    [
      "a chain of 4 GiB",
      (b) => {
        b.descriptor(1, 0, { address: BUFFERS, bytes: 0xffff_ffff, flags: NEXT, next: 1 });
        b.descriptor(1, 1, { address: BUFFERS, bytes: 0xffff_ffff });
        b.offer(1, 0);
      },
    ],
    [
      "something to read behind something to write",
      (b) => {
        b.descriptor(1, 0, { address: BUFFERS, bytes: 20, flags: NEXT | WRITE, next: 1 });
        b.descriptor(1, 1, { address: BUFFERS, bytes: 20 });
        b.offer(1, 0);
      },
    ],
    [
      "an indirect table inside one",
      (b) => {
        b.describe(BUFFERS, 0, { address: BUFFERS, bytes: 16, flags: INDIRECT });
        b.descriptor(1, 0, { address: BUFFERS, bytes: 16, flags: INDIRECT });
        b.offer(1, 0);
      },
    ],
    [
      "half an indirect descriptor",
      (b) => {
        b.descriptor(1, 0, { address: BUFFERS, bytes: 24, flags: INDIRECT });
        b.offer(1, 0);
      },
    ],
    ["more chains than the queue has", (b) => b.driverRing(1).setUint16(2, 9, true)],
  ];
  test.each(cases)("%s: the device asks for a reset, and works after one", async (_name, spoil) => {
    const bench = await boot();
    bench.messages();
    spoil(bench);
    bench.notify(1);
    bench.wait();
    expect(bench.read(0x14, 1)).toBe(15 | NEEDS_RESET);
    expect(bench.takeMessage(0)).toBe(true);
    bench.start();
    send(bench, frame(60));
    expect(bench.machine.framesSent).toEqual([frame(60)]);
  });

  test("rings outside memory, and a queue without bus mastering, move nothing", async () => {
    const bench = await boot();
    configWrite(bench.machine, NIC_FUNCTION, 4, 2, 2);
    send(bench, frame(60));
    expect([bench.machine.framesSent.length, bench.read(0x14, 1)]).toEqual([0, 15]);
  });

  test("any bytes in rings and descriptors either move frames or ask for a reset", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            address: fc.oneof(fc.nat(0x100_0000), fc.constant(0xffff_ffff_f000)),
            bytes: fc.oneof(fc.nat(2000), fc.nat(0xffff_ffff)),
            flags: fc.nat(7),
            next: fc.nat(9),
          }),
          { minLength: 8, maxLength: 8 },
        ),
        fc.array(fc.tuple(fc.nat(1), fc.nat(9)), { maxLength: 12 }),
        async (descriptors, heads) => {
          const bench = await boot(8, INDIRECT_DESC | EVENT_IDX);
          descriptors.forEach((descriptor, n) => {
            bench.descriptor(0, n, descriptor);
            bench.descriptor(1, n, descriptor);
          });
          for (const [queue, head] of heads) {
            bench.offer(queue, head);
            if (queue === 0) bench.receive(frame(60));
            else bench.notify(1);
            bench.wait(5_000n);
          }
          bench.wait();
          const needsReset = bench.read(0x14, 1) === (15 | NEEDS_RESET);
          const offered = heads.filter(([queue]) => queue === 1).length;
          expect(needsReset || bench.usedIndex(1) === offered).toBe(true);
          for (const sent of bench.machine.framesSent) expect(sent.length).toBeLessThan(1519);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("any writes to the registers leave a device that a reset brings back", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            offset: fc.oneof(fc.nat(0x40), fc.nat(0x3ff8)),
            bytes: fc.constantFrom(1, 2, 4, 8),
            value: fc.oneof(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), fc.constant(15n)),
          }),
          { maxLength: 80 },
        ),
        async (writes) => {
          const bench = await boot();
          for (const { offset, bytes, value } of writes) {
            bench.machine.core.sim.physicalWrite(bench.base + BigInt(offset), bytes, value);
            bench.read(offset, bytes);
            bench.receive(frame(60));
          }
          bench.wait();
          bench.machine.framesSent.length = 0;
          bench.ram(QUEUES, 0x8000).fill(0);
          send(bench.start(), frame(64));
          expect(bench.machine.framesSent).toEqual([frame(64)]);
        },
      ),
      { numRuns: 100 },
    );
  });
});
