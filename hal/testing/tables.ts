/** The readers of what the firmware left, for tests: they touch RAM only, so no CPU has to run. */
import { pointer } from "../memory";
import { readPlatform } from "../x86_64/acpi";
import { Handoff, handoffErrorText, rangeAt, readHandoff } from "../x86_64/handoff";
import { acpiErrorText, createPlatform } from "../x86_64/platform";

/** Reads the tables into a Platform at physical address `at`; returns its linear address. */
export function testPlatform(at: u32, rsdp: u64): usize {
  const platform = createPlatform(pointer(at));
  readPlatform(platform, rsdp);
  return changetype<usize>(platform);
}

/** Reads the start info at `address` into a Handoff at physical address `at`, and its last range. */
export function testHandoff(at: u32, address: u64): usize {
  const handoff = changetype<Handoff>(pointer(at));
  readHandoff(handoff, address);
  if (handoff.rangeCount != 0) rangeAt(handoff, handoff.rangeCount - 1);
  return changetype<usize>(handoff);
}

/** The texts of the errors, as addresses of UTF-16 strings whose length in bytes is before them. */
export function testAcpiErrorText(error: u32): usize {
  return changetype<usize>(acpiErrorText(error));
}

export function testHandoffErrorText(error: u32): usize {
  return changetype<usize>(handoffErrorText(error));
}
