import { describe, expect, test } from "vitest";
import { Machine } from "./machine.ts";
import type { MachineOptions } from "./options.ts";

const MIB = 1024 * 1024;

describe("Machine.create refuses by name, and says what would be right", () => {
  test.each<[string, MachineOptions, string, string]>([
    ["no CPU", { cpus: 0 }, "bad-cpus", "1 to 64"],
    ["a CPU too many", { cpus: 65 }, "bad-cpus", "the platform has at most 64"],
    ["half a CPU", { cpus: 1.5 }, "bad-cpus", "1.5"],
    ["too little memory", { memory: MIB }, "bad-memory", "at least 2 MiB"],
    ["too much memory", { memory: 4096 * MIB }, "bad-memory", "at most 3.5 GiB"],
    ["memory in odd units", { memory: 4 * MIB + 4096 }, "bad-memory", "64 KiB"],
    ["memory that is no number", { memory: Number.NaN }, "bad-memory", "whole number"],
    ["a drive without an image", { drives: [{}] }, "bad-drive", "drive 0"],
    ["an empty image", { drives: [{ data: new Uint8Array() }] }, "bad-drive", "0 bytes"],
    [
      "blocks of 1000 bytes",
      { drives: [{ data: new Uint8Array(4096), blockBytes: 1000 }] },
      "bad-drive",
      "512 or 4096",
    ],
    [
      "33 drives",
      { drives: Array.from({ length: 33 }, () => ({ data: new Uint8Array(512) })) },
      "bad-drive",
      "at most 32",
    ],
    ["a short MAC address", { nic: [1, 2, 3] }, "bad-nic", "six bytes"],
    ["a MAC address of letters", { nic: "zz:54:00:12:34:56" }, "bad-nic", "six bytes"],
    ["a group address", { nic: "01:00:5e:00:00:01" }, "bad-nic", "group address"],
    ["a short seed", { seed: new Uint8Array(31) }, "bad-seed", "32 bytes"],
    ["a time before 1970", { epochSeconds: -1 }, "bad-epoch", "1970"],
  ])("%s", async (_what, options, code, says) => {
    await expect(Machine.create(options)).rejects.toMatchObject({
      name: "MachineError",
      code,
      message: expect.stringContaining(says),
    });
  });
});

test("the limits themselves are fine", async () => {
  const machine = await Machine.create({ cpus: 64, memory: 2 * MIB, start: false });
  expect([machine.sim.cpus.length, machine.physical.size]).toEqual([64, 2 * MIB]);
});

test("3.5 GiB of RAM reach from 0 to 2 GiB and from 4 GiB on, with the PCI hole between", async () => {
  const machine = await Machine.create({ memory: 3584 * MIB, start: false });
  const last = 0x1_0000_0000 + 1536 * MIB - 1;
  machine.physical.write(last, Uint8Array.of(0xa5));
  expect(machine.core.sim.physicalRead(BigInt(last), 1)).toBe(0xa5n);
  expect(() => machine.physical.read(last, 2)).toThrow(/not all of it is RAM/);
  expect(() => machine.physical.read(0x8000_0000, 1)).toThrow(/not all of it is RAM/);
});

test("the seed is what the guest's entropy begins with", async () => {
  const seed = Uint8Array.from({ length: 32 }, (_, n) => n);
  const { sim } = await Machine.create({ memory: 2 * MIB, seed, start: false });
  expect([sim.root.entropy0, sim.root.entropy3]).toEqual([
    0x0706050403020100n,
    0x1f1e1d1c1b1a1918n,
  ]);
});
