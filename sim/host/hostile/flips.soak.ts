/**
 * Debian's kernel, some of whose bits turn over while it works: an honest guest that has gone wrong, with
 * all of its drivers. It may go on, panic, hang or reset; the machine stays in order.
 */
import { expect, test } from "vitest";
import type { Machine } from "../machine.ts";
import { debian } from "../testing/debian.ts";
import type { Random } from "../testing/isa-draw.ts";
import { randomFrom } from "../testing/random.ts";
import { Guard } from "./guard.ts";
import { ENDS } from "./run.ts";

const CASES = Number(process.env.HOSTILE_FLIPS ?? 150);
const FIRST = Number(process.env.HOSTILE_SEED ?? 1);
/** When its init is at work, and how long it has after the flips; virtual time. */
const BOOTED = 2_500_000_000n;
const AFTER = 8_000_000n;
const PAGE = 4096;
const BITS_MAX = 64;

const WORK = `
while :; do md5sum /bin/busybox; ls -lR /proc/1 /sys/class; dd if=/dev/nvme0n1 of=/dev/null bs=64k
  dd if=/dev/zero of=/dev/nvme0n1 bs=4k count=9; cat /proc/interrupts; done > /dev/null 2>&1
`;

/** Addresses of pages that aren't all zeroes: where a flip may be noticed. */
function usedPages({ physical, core }: Machine): number[] {
  const pages: number[] = [];
  const first = physical.bytes(0, 1).byteOffset;
  const end = first + physical.size;
  for (let at = first; ; at += PAGE) {
    at = core.sim.nextUsedPage(at, end) >>> 0;
    if (at >= end) return pages;
    pages.push(at - first);
  }
}

/** A page of the code, the stack or the page tables of a CPU, or any that is used. */
function drawPage(machine: Machine, pages: readonly number[], random: Random): number {
  const index = random(machine.sim.cpus.length);
  const cpu = machine.sim.cpus[index];
  const linear = [cpu?.rip, cpu?.rsp, cpu?.gdtBase, cpu?.idtBase][random(8)];
  const used = pages[random(pages.length)] ?? 0;
  if (random(4) === 0) return Number((cpu?.cr3 ?? 0n) & 0xff_ffff_f000n) || used;
  if (linear === undefined) return used;
  const physical = BigInt.asUintN(64, machine.core.sim.peekTranslate(index, linear));
  return physical < BigInt(machine.physical.size) ? Number(physical & ~0xfffn) : used;
}

test(`in ${CASES} ways`, { timeout: 3_600_000 }, async () => {
  const drives = [{ data: new Uint8Array(1 << 20) }];
  const machine = await debian({ cpus: 2, memory: 256 << 20, drives, script: WORK });
  expect(machine.run({ until: BOOTED }), machine.consoleText.slice(-500)).toBe("limit");
  const pages = usedPages(machine);
  const ends = new Map<string, number>();
  for (let seed = FIRST; seed < FIRST + CASES; seed++) {
    const random = randomFrom(seed);
    const fork = machine.fork();
    const guard = new Guard(fork);
    for (let n = 1 + random(BITS_MAX); n > 0; n--) {
      const at = drawPage(fork, pages, random) + random(PAGE);
      fork.physical.write(
        at,
        fork.physical.read(at, 1).map((byte) => byte ^ (1 << random(8))),
      );
    }
    const until = BOOTED + AFTER;
    const reason = fork.run({ until });
    expect(ENDS, `seed ${seed}`).toContain(reason);
    guard.check();
    ends.set(reason, (ends.get(reason) ?? 0) + 1);
  }
  console.log(`flips: ${[...ends].map(([reason, count]) => `${count} ${reason}`).join(", ")}`);
});
