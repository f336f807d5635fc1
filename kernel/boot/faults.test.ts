import { beforeAll, describe, expect, test } from "vitest";
import { FAULTS, type FaultName } from "../../sim/host/inputs.ts";
import { Machine } from "../../sim/host/machine.ts";
import { type BootViews, type Outcome, pressButton, runBoot } from "../host/testing/boot.ts";
import { CONTROLLERS, type Interface, sweep } from "../host/testing/faults.ts";
import { smallImage } from "../host/testing/images.ts";

const SWEEP_BOOTS = 300;
/** Status code of an internal error (NVMe 1.4, figure 124). */
const INTERNAL_ERROR_STATUS = 6;

let image: Uint8Array;
beforeAll(async () => {
  image = await smallImage();
});

interface Armed {
  readonly fault: FaultName;
  readonly skip?: number;
  readonly argument?: bigint;
}

async function machineWith(kind: Interface, ...faults: readonly Armed[]): Promise<Machine> {
  const drives = [{ data: image, interface: kind }];
  const machine = await Machine.create({ memory: 64 << 20, cpus: 2, drives });
  for (const armed of faults) arm(machine, kind, armed);
  return machine;
}

function arm(machine: Machine, kind: Interface, { fault, ...options }: Armed): void {
  machine.input.fault(fault, CONTROLLERS[kind], options);
}

async function bootWithFault(kind: Interface, ...faults: readonly Armed[]): Promise<Outcome> {
  return runBoot(await machineWith(kind, ...faults));
}

const controllerOf = ({ kernel }: { kernel: BootViews }) => {
  const [controller] = kernel.controllers;
  if (!controller) throw new Error("the kernel drives no controller");
  return controller;
};

describe.each(["nvme", "ahci"] as const)("with a faulty %s controller", (kind) => {
  test("a boot without a fault reports no trouble", async () => {
    const outcome = await bootWithFault(kind);
    expect(outcome.result).toBe("booted");
    expect(outcome.console).not.toMatch(/so far|given up|refused/);
    const { lostInterrupts, spuriousInterrupts, timeouts, resets } = controllerOf(outcome);
    expect([lostInterrupts, spuriousInterrupts, timeouts, resets]).toEqual([0, 0, 0, 0]);
  });

  test.each([0, 1, 2, 3, 4])(
    "lost interrupt %i costs time, is counted and reported",
    async (skip) => {
      const outcome = await bootWithFault(kind, { fault: "interrupt-lost", skip });
      expect(outcome.result).toBe("booted");
      expect(controllerOf(outcome).lostInterrupts).toBe(1);
      expect(outcome.console).toMatch(/interrupt lost \(1 so far\)/);
    },
  );

  test.each([0, 1, 2, 3, 4])("spurious interrupt %i costs nothing", async (skip) => {
    const outcome = await bootWithFault(kind, { fault: "interrupt-spurious", skip });
    expect(outcome.result).toBe("booted");
    expect(controllerOf(outcome).timeouts).toBe(0);
  });

  test("a command of the start that times out ends in a reset or a named error", async () => {
    const outcome = await bootWithFault(kind, { fault: "timeout", skip: 0 });
    expect(outcome.console).toContain("command timed out (1 so far)");
    expect(["booted", "timeout", "no-drive"]).toContain(outcome.result);
  });

  test("a read that times out is the error timeout, with the block in the panic", async () => {
    // The first read: behind NVMe's Identify and queue commands, behind AHCI's IDENTIFY DEVICE.
    const skip = kind === "nvme" ? 8 : 1;
    const outcome = await bootWithFault(kind, { fault: "timeout", skip });
    expect(outcome.result).toBe("timeout");
    expect(outcome.kernel.panic.place).toBe(0n);
    expect(outcome.console).toContain("drive 0: a read was not completed in time");
  });

  test("an error status of a read is the error read, with the device's own code", async () => {
    const skip = kind === "nvme" ? 8 : 1;
    const outcome = await bootWithFault(kind, { fault: "error", skip });
    expect(outcome.result).toBe("read");
    if (kind === "nvme") expect(outcome.kernel.panic.detail & 0xff).toBe(INTERNAL_ERROR_STATUS);
  });

  test("DMA outside of the device's mapping is refused, and named with its address", async () => {
    const names = new Set<string>();
    for (let skip = 0; skip < 60; skip += 3) {
      const stray = { fault: "dma-stray", skip, argument: 0x18_0000n } as const;
      const outcome = await bootWithFault(kind, stray);
      names.add(outcome.result);
      if (outcome.machine.state.faultCount === 0)
        expect(outcome.console).toMatch(
          /iommu: function 0[01][0-9a-f]{2} \w+ \w+ 0x180000, refused/,
        );
    }
    expect(names).toContain("dma-fault");
    for (const name of names) expect(["booted", "dma-fault"]).toContain(name);
  });

  test("DMA astray can't reach the driver's own structures", async () => {
    const clean = await bootWithFault(kind);
    const { memory } = controllerOf(clean);
    for (let skip = 0; skip < 60; skip += 4) {
      const outcome = await bootWithFault(kind, {
        fault: "dma-stray",
        skip,
        argument: memory + 64n,
      });
      if (outcome.machine.state.faultCount > 0) continue;
      expect(outcome.result).toMatch(/^(booted|dma-fault)$/);
      expect(outcome.console).toContain(`0x${memory.toString(16)}, refused`);
    }
  });

  test("DMA astray inside of the device's own memory ends in a boot or a named error", async () => {
    const { memory } = controllerOf(await bootWithFault(kind));
    for (let page = 4n; page < 9n; page++)
      for (let skip = 0; skip < 60; skip += 7) {
        const argument = memory + page * 4096n;
        const { result } = await bootWithFault(kind, { fault: "dma-stray", skip, argument });
        expect(result).toMatch(/^(booted|dma-fault|read|timeout|no-drive|not-gpt|bundle-\w+)$/);
      }
  });

  test("a medium that can't be flushed does not hold up the shutdown", async () => {
    const backend = {
      bytes: image.length,
      read: (at: number, into: Uint8Array) => into.set(image.subarray(at, at + into.length)),
      write: () => undefined,
      flush: () => {
        throw new Error("the cache is stuck");
      },
    };
    const machine = await Machine.create({
      memory: 64 << 20,
      drives: [{ backend, interface: kind }],
    });
    expect(runBoot(machine).result).toBe("booted");
    expect(pressButton(machine)).toBe("power-off");
    if (kind === "ahci") expect(machine.consoleText).toContain("drive 0: not stopped in order");
  });

  test("a device that vanishes while it is busy is named, at whatever moment", async () => {
    const names = new Set<string>();
    for (let skip = 0; skip < 180; skip += 6)
      names.add((await bootWithFault(kind, { fault: "vanish", skip })).result);
    expect(names).toContain("vanished");
    for (const name of names)
      expect(["vanished", "no-drive", "controller", "booted"]).toContain(name);
  });

  test.each(["timeout", "error", "interrupt-lost", "vanish"] as const)(
    "a shutdown with the fault %s still ends in power-off",
    async (fault) => {
      const machine = await machineWith(kind);
      expect(runBoot(machine).result).toBe("booted");
      arm(machine, kind, { fault });
      expect(pressButton(machine)).toBe("power-off");
    },
  );
});

test("a drive that can't be read is reported, and the next one boots", async () => {
  for (const [broken, skip] of [
    ["nvme", 8],
    ["ahci", 1],
  ] as const) {
    const kinds = broken === "nvme" ? (["nvme", "ahci"] as const) : (["ahci", "nvme"] as const);
    const drives = kinds.map((kind) => ({ data: image, interface: kind }));
    const machine = await Machine.create({ memory: 64 << 20, cpus: 2, drives });
    machine.input.fault("error", CONTROLLERS[broken], { skip });
    const outcome = runBoot(machine);
    expect(outcome.result).toBe("booted");
    expect(outcome.console).toContain("can't be read");
  }
});

test(`${SWEEP_BOOTS} boots with random faults each end in a boot or a named error`, async () => {
  const results = await sweep(0, SWEEP_BOOTS, image, "npx vitest run kernel/boot/faults.test.ts");
  // A sweep in which nothing goes wrong, or nothing goes right, shows nothing.
  for (const name of ["booted", "read", "timeout", "vanished", "dma-fault", "controller"])
    expect(results.get(name) ?? 0).toBeGreaterThan(0);
  expect(Object.keys(FAULTS).length).toBe(6);
});
