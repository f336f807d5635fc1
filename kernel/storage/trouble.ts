/** What went wrong with the storage controllers and was mended, on the console. */
import { BLOCK_DRIVER_NVME, BLOCK_FAILED, BlockController } from "../../hal/block";
import { PciDevice } from "../../hal/pci";
import { newLine, print, printDecimal, printHex } from "../console";
import { errorName } from "../error_names";
import { bootError } from "./block_error";
import { Controller } from "./storage";

/** Counters of a `BlockController` as they were when they were last printed. */
@unmanaged
export class Trouble {
  lostInterrupts: u32;
  spuriousInterrupts: u32;
  timeouts: u32;
  aborts: u32;
  resets: u32;
  strayCompletions: u32;
  failed: u32;
}

/** Prints what is new with the controller since the last call. */
export function reportTrouble(controller: Controller): void {
  const block = changetype<BlockController>(controller.block);
  const known = changetype<Trouble>(controller.reported);
  known.lostInterrupts = tell(controller, known.lostInterrupts, block.lostInterrupts, "interrupt lost");
  known.spuriousInterrupts = tell(
    controller,
    known.spuriousInterrupts,
    block.spuriousInterrupts,
    "interrupt without a reason",
  );
  known.timeouts = tell(controller, known.timeouts, block.timeouts, "command timed out");
  known.aborts = tell(controller, known.aborts, block.aborts, "abort sent");
  known.resets = tell(controller, known.resets, block.resets, "reset");
  known.strayCompletions = tell(
    controller,
    known.strayCompletions,
    block.strayCompletions,
    "completion of no command",
  );
  if (block.state == BLOCK_FAILED && known.failed == 0) tellFailure(controller, block);
  known.failed = block.state == BLOCK_FAILED ? 1 : 0;
}

function tell(controller: Controller, before: u32, now: u32, what: string): u32 {
  if (now == before) return now;
  printController(controller);
  print(": ");
  print(what);
  print(" (");
  printDecimal(now);
  print(" so far)");
  newLine();
  return now;
}

function tellFailure(controller: Controller, block: BlockController): void {
  printController(controller);
  print(": given up: ");
  print(errorName(bootError(block.error)));
  print(" (status ");
  printDecimal(block.deviceStatus);
  print(")");
  newLine();
}

/** Prints the controller's kind and its place on the bus. */
export function printController(controller: Controller): void {
  const bdf = changetype<PciDevice>(controller.device).bdf;
  print(changetype<BlockController>(controller.block).driver == BLOCK_DRIVER_NVME ? "NVMe " : "AHCI ");
  printHex(bdf >> 8, 2);
  print(":");
  printHex((bdf >> 3) & 31, 2);
  print(".");
  printDecimal(bdf & 7);
}
