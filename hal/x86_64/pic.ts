/** The pair of 8259As: put out of the way, so that the I/O APIC has the lines for itself. */
import { portWrite8 } from "./machine";
import { PIC_MASTER_PORT, PIC_SLAVE_PORT } from "../../sim/spec/platform";
import { ICW1_ICW4, ICW1_INIT, PIC_CASCADE_IRQ } from "../../sim/spec/pic";

/** ICW4: vectors as the 8086 family takes them. */
const ICW4_8086: u32 = 1;

/**
 * Moves the 8259s' vectors to `vectorBase` .. `vectorBase + 15` and masks every input. Vectors
 * `vectorBase + 7` and `+ 15` may still come, spurious; they need no end of interrupt.
 * @param vectorBase a multiple of 8, at least 32
 */
export function picDisable(vectorBase: u32): void {
  assert((vectorBase & 7) == 0 && vectorBase >= 32, "picDisable: vectors of exceptions");
  initialise(PIC_MASTER_PORT, vectorBase, (<u32>1) << PIC_CASCADE_IRQ);
  initialise(PIC_SLAVE_PORT, vectorBase + 8, PIC_CASCADE_IRQ);
}

/** ICW1-ICW4, then OCW1 with all inputs masked (8259A data sheet, figure 6). */
function initialise(port: u32, vectorBase: u32, cascade: u32): void {
  portWrite8(port, ICW1_INIT | ICW1_ICW4);
  portWrite8(port + 1, vectorBase);
  portWrite8(port + 1, cascade);
  portWrite8(port + 1, ICW4_8086);
  portWrite8(port + 1, 0xff);
}
