/** Stages: tables and stacks of the processors. */
import { pointer } from "../../hal/memory";
import { writeRegister } from "../../hal/x86_64/machine";
import { platformCpu } from "../../hal/x86_64/platform";
import { REGISTER_RSP } from "../../sim/spec/x86";
import { platform } from "../boot/platform";
import { fail, STAGE_DONE } from "../boot/boot";
import { ERROR_OUT_OF_FRAMES } from "../errors";
import { frameAllocZeroed, OWNER_KERNEL } from "../mm/frames";
import { createStack } from "../mm/space";
import { paging, translate } from "../mm/paging";
import { kernel } from "../state";
import { createCallState, kernelCpu } from "./cpu";
import { buildIdt, buildTables, loadTables } from "./descriptors";

/** What an interrupt from ring 3 pushes: SS, RSP, RFLAGS, CS and RIP. */
const FRAME_BYTES: u64 = 40;

/** Makes the IDT and every processor's tables and stack; the bootstrap processor uses its own. */
export function stageDescriptors(): u32 {
  const root = kernel();
  root.idt = frameAllocZeroed(0, OWNER_KERNEL);
  if (root.idt == 0) return fail(ERROR_OUT_OF_FRAMES);
  buildIdt(root.idt);
  for (let index: u32 = 0; index < root.cpuCount; index++)
    if (!prepare(index)) return fail(ERROR_OUT_OF_FRAMES, index);
  takeUpTables(0);
  kernelCpu(0).online = 1;
  return STAGE_DONE;
}

function prepare(index: u32): bool {
  const cpu = kernelCpu(index);
  cpu.index = index;
  cpu.apicId = platformCpu(platform(), index).apicId;
  cpu.tables = frameAllocZeroed(0, OWNER_KERNEL);
  cpu.stackTop = createStack(index);
  if (cpu.tables == 0 || cpu.stackTop == 0) return false;
  buildTables(cpu);
  cpu.frame = pointer(translate(paging().root, cpu.stackTop - FRAME_BYTES));
  createCallState(cpu);
  return true;
}

/** The running processor takes up its tables and its stack. */
export function takeUpTables(index: u32): void {
  const cpu = kernelCpu(index);
  loadTables(cpu, kernel().idt);
  writeRegister(REGISTER_RSP, cpu.stackTop);
}
