/**
 * How a machine ends whose kernel has lost its tables: each fault has no handler, so a double fault
 * follows, and its handler fails as well: the processor shuts down (Intel SDM 3A, 6.15, #DF).
 */
import { describe, expect, test } from "vitest";
import { GUEST_TABLES_ADDRESS, HPET_BASE, LAPIC_BASE } from "../../spec/platform.ts";
import { loadModules } from "../modules.ts";
import type { StopReason } from "../reasons.ts";
import { GUEST_CODE, guestMachine } from "../testing/guest64.ts";
import { Guard } from "./guard.ts";

const RAM = 32 << 20;
const UNTIL = 1_000_000n;
const DATA = 0x20_0000;

const little = (value: bigint | number, bytes: number) =>
  Array.from({ length: bytes }, (_, n) =>
    Number((BigInt(value) >> BigInt(8 * n)) & 0xffn)
      .toString(16)
      .padStart(2, "0"),
  ).join(" ");
const u64 = (value: bigint | number) => little(BigInt.asUintN(64, BigInt(value)), 8);
/** mov rax, imm64 */
const rax = (value: bigint | number) => `48 b8 ${u64(value)}`;
const rdi = (value: bigint | number) => `48 bf ${u64(value)}`;
/** mov cr3, rax */
const cr3 = (value: bigint | number) => `${rax(value)} 0f 22 d8`;
const UD2 = "0f 0b";

/** lidt (or lgdt) of an operand that is written to DATA. */
const load = (which: "lidt" | "lgdt", base: bigint | number, limit: number) =>
  `${rdi(DATA)} 66 c7 07 ${little(limit, 2)} ${rax(base)} 48 89 47 02 0f 01 ${which === "lidt" ? "1f" : "17"}`;
/** A gate of the IDT at DATA + 100h, which is loaded. */
const gate = (vector: number, selector: number, type: number, to: bigint | number = GUEST_CODE) => {
  const target = BigInt.asUintN(64, BigInt(to));
  const low =
    (target & 0xffffn) |
    (BigInt(selector) << 16n) |
    (BigInt(type) << 40n) |
    (((target >> 16n) & 0xffffn) << 48n);
  const at = DATA + 0x100 + 16 * vector;
  return `${rdi(at)} ${rax(low)} 48 89 07 ${rax(target >> 32n)} 48 89 47 08
    ${load("lidt", DATA + 0x100, 0xfff)}`;
};
/** mov [at], value */
const poke = (at: number, value: bigint | number) => `${rdi(at)} ${rax(value)} 48 89 07`;

/** mov esp, …: the boot protocol gives none. */
const STACK = "bc 00 00 30 00";
/** Where a handler is, when there is one. */
const HANDLER = 0x100;
const HANDLERS: Readonly<Record<string, string>> = {
  "catches its fault": "f4",
  "faults in the handler of its fault": UD2,
};
const PML4 = GUEST_TABLES_ADDRESS;
const PDPT = PML4 + 0x1000;

describe("a guest that", () => {
  test.each<[string, string, StopReason]>([
    ["has no IDT", `${load("lidt", 0, 0)} ${UD2}`, "triple-fault"],
    ["has an IDT of zeroes", UD2, "triple-fault"],
    ["has an IDT outside RAM", `${load("lidt", RAM, 0xfff)} ${UD2}`, "triple-fault"],
    ["has an IDT in the hole", `${load("lidt", 0xa000_0000, 0xfff)} ${UD2}`, "triple-fault"],
    ["has an IDT in a device", `${load("lidt", HPET_BASE, 0xfff)} ${UD2}`, "triple-fault"],
    [
      "has an IDT where nothing is mapped",
      `${load("lidt", 1n << 46n, 0xfff)} ${UD2}`,
      "triple-fault",
    ],
    ["loads an IDT at no address", `${load("lidt", 1n << 62n, 0xfff)} ${UD2}`, "triple-fault"],
    ["has a gate to no segment", `${gate(6, 0, 0x8e)} ${UD2}`, "triple-fault"],
    ["has a gate to a data segment", `${gate(6, 0x18, 0x8e)} ${UD2}`, "triple-fault"],
    ["has a gate beyond the GDT", `${gate(6, 0x7f8, 0x8e)} ${UD2}`, "triple-fault"],
    ["has a gate that isn't one", `${gate(6, 0x10, 0x81)} ${UD2}`, "triple-fault"],
    ["has a gate to no address", `${gate(6, 0x10, 0x8e, 1n << 62n)} ${UD2}`, "triple-fault"],
    ["has a task gate in 64-bit mode", `${gate(6, 0x10, 0x85)} ${UD2}`, "triple-fault"],
    [
      "has a GDT outside RAM",
      `${gate(6, 0x10, 0x8e)} ${load("lgdt", RAM, 0xff)} ${UD2}`,
      "triple-fault",
    ],
    [
      "has no stack that exists",
      `${gate(6, 0x10, 0x8e)} ${rax(1n << 62n)} 48 89 c4 ${UD2}`,
      "triple-fault",
    ],
    [
      "wants the stack of no TSS",
      `${gate(6, 0x10, 0x8e)} ${poke(DATA + 0x164, 0x01n)} ${UD2}`,
      "triple-fault",
    ],
    ["has CR3 outside RAM", cr3(RAM), "triple-fault"],
    ["has CR3 in the hole", cr3(0xa000_0000), "triple-fault"],
    ["has CR3 in the local APIC", cr3(LAPIC_BASE), "triple-fault"],
    ["has CR3 at the last page that there can be", cr3(2n ** 40n - 4096n), "triple-fault"],
    ["has CR3 with reserved bits", cr3(2n ** 51n), "triple-fault"],
    ["has CR3 in the firmware's tables", cr3(0xe_0000), "triple-fault"],
    [
      "has a PML4 entry to outside of RAM",
      `${poke(PML4, BigInt(RAM) | 3n)} ${cr3(PML4)}`,
      "triple-fault",
    ],
    [
      "has a PDPT entry to a device",
      `${poke(PDPT, BigInt(LAPIC_BASE) | 3n)} ${cr3(PML4)}`,
      "triple-fault",
    ],
    ["has a page at the end of all", `${poke(PDPT, 0x80_4000_0083n)} ${cr3(PML4)}`, "triple-fault"],
    [
      "has tables that lead back to themselves",
      `${poke(PML4, BigInt(PML4) | 3n)} ${cr3(PML4)}`,
      "triple-fault",
    ],
    ["has nothing mapped any longer", `${poke(PML4, 0)} ${cr3(PML4)}`, "triple-fault"],
    ["turns paging off in 64-bit mode", `${rax(0x11)} 0f 22 c0`, "triple-fault"],
    ["returns to no code", "6a 00 6a 00 9d 6a 00 6a 00 6a 00 6a 00 6a 00 48 cf", "triple-fault"],
    ["jumps to no address", `${rax(1n << 62n)} ff e0`, "triple-fault"],
    ["jumps to where RAM ends", `${rax(RAM)} ff e0`, "triple-fault"],
    ["lets a counter of a device divide by 0", "31 c0 31 d2 f7 f0", "triple-fault"],
    ["halts without interrupts", "fa f4", "idle"],
    ["halts with interrupts, none of which comes", "fb f4", "idle"],
    ["runs in a circle", "eb fe", "limit"],
    ["asks the chipset for a reset", "66 ba f9 0c b0 06 ee eb fe", "reset"],
    ["catches its fault", `${gate(6, 0x10, 0x8e, GUEST_CODE + HANDLER)} ${UD2}`, "idle"],
    [
      "faults in the handler of its fault",
      `${gate(6, 0x10, 0x8e, GUEST_CODE + HANDLER)} ${UD2}`,
      "limit",
    ],
  ])("%s ends with its machine in order", async (what, code, reason) => {
    const behind = HANDLERS[what] ?? "";
    const whole = pad(`${STACK} ${code}`, HANDLER) + behind;
    const modules = await loadModules();
    const machine = await guestMachine(`${whole}`, { modules, memory: RAM });
    const guard = new Guard(machine);
    expect(machine.run({ until: UNTIL })).toBe(reason);
    guard.check();
    const again = await guestMachine(`${whole}`, { modules, memory: RAM });
    again.run({ until: UNTIL });
    expect(again.state.cpusAt(0).retired).toBe(machine.state.cpusAt(0).retired);
  });
});

/** Code with NOPs behind it up to `bytes`. */
function pad(code: string, bytes: number): string {
  const length = code.replace(/[^0-9a-f]/gi, "").length / 2;
  return code + " 90".repeat(bytes - length);
}
