/** What processor.test.ts compares with is compared with Bochs itself: the same, but for these. */
import { expect, test } from "vitest";
import { compiled, type Image, onBochs, recorded } from "../../host/testing/bare/transcript.ts";

const ABORT = "RF is undefined in the image of an abort; here it is as it was (SDM 3B, 17.3.1.1)";
const RESERVED = "bits 63-32 are reserved (SDM 4, table 2-2), which Bochs cuts off";
const NULL_SELECTOR = "the selector of the new SS is null in 64-bit mode (SDM 2A, INT n)";
const REPEATED = "RF is set in front of a string instruction that isn't done (SDM 3B, 17.3.1.1)";

/** Beginnings of cases in which the manual is followed, and not Bochs. */
const DIFFERENCES: Readonly<Record<Image, readonly (readonly [name: string, why: string])[]>> = {
  legacy: [
    ["limit: in the stack segment", ABORT],
    ["limit: a push over it", ABORT],
    ["limit: the wrap-around of ESP", ABORT],
    ["call gate: SS0", ABORT],
    ["#NP in the delivery of #DE", ABORT],
    ["#NP in the delivery of #GP", ABORT],
    ["#GP in the delivery of #PF", ABORT],
    ["#NP in the delivery of #NP", ABORT],
    ["#PF in the delivery of #GP", ABORT],
    ["#PF in the delivery of #PF", ABORT],
    ["iretd to virtual-8086 mode beyond", "IP must be within the limit of CS (SDM 2A, IRET)"],
    ["watchpoint in rep movs", REPEATED],
    ["single step of a rep instruction", REPEATED],
  ],
  long: [
    ["int from level 3: RSP0 isn't canonical", NULL_SELECTOR],
    ["int: the IST isn't canonical", NULL_SELECTOR],
    ["iretd in 64-bit mode", "in 64-bit mode IRET pops SS and rSP always (SDM 3A, 6.14.3)"],
    ["syscall from level 3 with TF", "TF is looked at behind SYSCALL (SDM 3B, 17.3.1.4)"],
    ["single step of sysretq", "TF traps behind SYSRET, as if SYSCALL had just ended"],
    ["wrmsr of what the register can't hold: 0x174", RESERVED],
    ["wrmsr of what the register can't hold: 0xc0000084", RESERVED],
    ["wrmsr of what the register can't hold: 0xc0000103", RESERVED],
    ["#PF in the delivery of #PF", ABORT],
    ["#GP in the delivery of #PF", ABORT],
    ["data breakpoint in rep movsb", REPEATED],
  ],
};

test.each(["legacy", "long"] as const)("Bochs prints the same of %s", async (image) => {
  const bochs = await onBochs(compiled(image));
  const ours = recorded(image);
  expect(bochs.length).toBe(ours.length);
  const known = DIFFERENCES[image].map(([name]) => name);
  const other = ours.filter((line, n) => line !== bochs[n]);
  expect(other.filter((line) => !known.some((name) => line.startsWith(name)))).toEqual([]);
  // A difference that has gone is to be taken from the list.
  expect(known.filter((name) => !other.some((line) => line.startsWith(name)))).toEqual([]);
});
