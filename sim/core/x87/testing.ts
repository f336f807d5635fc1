/**
 * Exports of sim-testing.wasm: runs x87 instructions on states of the unit, for the comparison with the
 * real processor. The format of a case is in sim/host/testing/x87_cases.ts.
 */
import { restoreLegacy, saveLegacy } from "./image";
import { executeMemory } from "./memory";
import { DONE_FLAGS, DONE_STATUS, executeRegister } from "./registers";
import { begin, Image, Unit } from "./unit";

/** An FXSAVE image, the operand in memory, status flags, instruction, and what AX is afterwards. */
const MEMORY_AT: usize = 512;
const MEMORY_BYTES: usize = 128;
const FLAGS_AT: usize = 640;
const FORM_AT: usize = 644;
const ENVIRONMENT_AT: usize = 648;
const ACCUMULATOR_AT: usize = 652;
const CASE_BYTES: usize = 672;
/** Where the unit's scratch has an operand's buffer and the state. */
const BUFFER_AT: usize = 1024;
const IMAGE_AT: usize = 2048;
const STATUS_FLAGS: u32 = 0x8d5;
const COMPARED: u32 = 0x45;

/** Runs `count` cases at `at`; the bytes at `scratch` are for the unit. */
export function x87Run(at: usize, count: u32, scratch: usize): void {
  const unit = changetype<Unit>(scratch);
  const image = changetype<Image>(scratch + IMAGE_AT);
  for (let index: u32 = 0; index < count; index++)
    runCase(unit, image, at + <usize>index * CASE_BYTES, scratch);
}

function runCase(unit: Unit, image: Image, at: usize, scratch: usize): void {
  restoreLegacy(image, at);
  const form = load<u32>(at + FORM_AT);
  const flags = load<u32>(at + FLAGS_AT);
  begin(unit, image);
  unit.flags = flags;
  unit.environment = load<u32>(at + ENVIRONMENT_AT);
  if ((form & 0xff) < 0xc0) {
    // The operand is stored only if the instruction says so.
    const buffer = scratch + BUFFER_AT;
    memory.copy(buffer, at + MEMORY_AT, MEMORY_BYTES);
    if (executeMemory(unit, form, buffer)) memory.copy(at + MEMORY_AT, buffer, MEMORY_BYTES);
  } else {
    const done = executeRegister(unit, form);
    if (done == DONE_FLAGS)
      store<u32>(at + FLAGS_AT, (flags & ~STATUS_FLAGS) | (unit.flags & COMPARED));
    if (done == DONE_STATUS) store<u32>(at + ACCUMULATOR_AT, image.status);
  }
  saveLegacy(image, at);
}
