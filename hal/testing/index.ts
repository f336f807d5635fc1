/**
 * hal-testing.wasm: a kernel for the tests of the hardware abstraction layer. The first CPU does
 * what the mailbox asks for, with the real drivers; then it halts, as the others do at once. What
 * needs no CPU because it only reads RAM is exported by itself.
 */
import { ENTRY_START } from "../../sim/spec/entries";
import { halt } from "../x86_64/machine";
import { serveBlockBox } from "./block";
import { testInterrupts } from "./interrupts";
import { mailbox } from "./mailbox";
import { testConsole } from "./console";
import { serveNicBox } from "./nic";
import { testIommu } from "./iommu";
import { testPci } from "./pci";
import { testPower } from "./power";
import { testTimers, timersInterrupt } from "./timers";

export { testAcpiErrorText, testHandoff, testHandoffErrorText, testPlatform } from "./tables";

export function enter(cpu: u32, entry: u32, errorCode: u32): void {
  if (entry == ENTRY_START && cpu == 0) answer();
  else if (entry < 256) timersInterrupt(entry);
  const busy = serveNicBox() || (cpu == 0 && serveBlockBox());
  if (!busy) halt();
}

/** Operations are numbered by driver: each group has 16. */
function answer(): void {
  const box = mailbox();
  switch (box.operation >> 4) {
    case 1:
      testPower(box);
      break;
    case 2:
      testTimers(box);
      break;
    case 3:
      testConsole(box);
      break;
    case 5:
      testInterrupts(box);
      break;
    case 6:
      testPci(box);
      break;
    case 7:
      testIommu(box);
      break;
    default:
  }
  box.done = 1;
}
