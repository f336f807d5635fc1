/**
 * What MMX instructions do to the x87 unit, whose registers they use (Intel SDM 1, 9.5.1; 3A, 12.2
 * and 12.5).
 */
import { Cpu } from "../cpu/cpu";
import { raisePending } from "../x87/index";
import { Image, STATUS_TOP } from "../x87/unit";

/** Sign and exponent of a register whose significand MMX has written, and zeros behind them. */
const ALL_ONES: u64 = 0xffff;
const SIGNIFICAND_BYTES: usize = 8;

/** In front of every MMX instruction: #MF while an x87 exception is pending. */
export function beginMmx(cpu: Cpu): void {
  raisePending(cpu, changetype<Image>(cpu.fxsave));
}

/** TOP is 0, and all registers are empty or none. */
@inline
function setTags(cpu: Cpu, tags: u8): void {
  const image = changetype<Image>(cpu.fxsave);
  image.status = <u16>(<u32>image.status & ~STATUS_TOP);
  image.tags = tags;
}

/** Behind every one but EMMS; `unit` is what was written (emit.ts), or 0. */
export function endMmx(cpu: Cpu, unit: u32): void {
  setTags(cpu, 0xff);
  if (unit != 0) store<u64>(cpu.fxsave + (<usize>unit << 4), ALL_ONES, SIGNIFICAND_BYTES);
}

/** EMMS. */
export function emptyMmx(cpu: Cpu): void {
  setTags(cpu, 0);
}
