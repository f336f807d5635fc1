/** QEMU's additions to the protocol (its documentation, "GDB usage", advanced debugging options). */

const SYNTAX = "E01";
const NOT_SUPPORTED = "E16";
/** QEMU's bit for single-stepping at all; its others mask interrupts and timers meanwhile. */
const STEP_ENABLED = 1;

export class QemuPackets {
  /** Addresses of memory are physical. */
  physical = false;

  /** The answer to a packet whose name begins with `qqemu.` or `Qqemu.`; null: there is none such. */
  answer(text: string): string | null {
    if (text === "qqemu.PhyMemMode") return this.physical ? "1" : "0";
    if (text.startsWith("Qqemu.PhyMemMode")) return this.setPhysical(text);
    if (text === "qqemu.sstepbits") return `ENABLE=${STEP_ENABLED.toString(16)}`;
    if (text === "qqemu.sstep") return `0x${STEP_ENABLED.toString(16)}`;
    return text.startsWith("Qqemu.sstep") ? this.setStep(text) : null;
  }

  private setPhysical(text: string): string {
    const mode = /^Qqemu\.PhyMemMode:([01])$/.exec(text)?.[1];
    if (mode === undefined) return SYNTAX;
    this.physical = mode === "1";
    return "OK";
  }

  /** Time stands still while gdb looks on, so a step has no more interrupts than without: none are masked. */
  private setStep(text: string): string {
    const bits = /^Qqemu\.sstep=(?:0x)?([0-9a-f]{1,8})$/i.exec(text)?.[1];
    if (bits === undefined) return SYNTAX;
    return Number.parseInt(bits, 16) === STEP_ENABLED ? "OK" : NOT_SUPPORTED;
  }
}
