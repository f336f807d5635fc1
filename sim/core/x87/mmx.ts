/**
 * MMX registers are the significands of R0 to R7 (Intel SDM 1, 9.2.1 and 9.5.1): what an MMX
 * instruction does to the unit beside its own work.
 */
import { Image, registerAt, STATUS_TOP } from "./unit";

/** Every MMX instruction but EMMS: TOP is 0 and no register is empty. */
export function enterMmx(image: Image): void {
  image.status = <u16>(<u32>image.status & ~STATUS_TOP);
  image.tags = 0xff;
}

/** EMMS: all registers are empty. TOP stays. */
export function leaveMmx(image: Image): void {
  image.tags = 0;
}

@inline
export function mmxRegister(image: Image, number: u32): u64 {
  return registerAt(image, number).significand;
}

/** Sign and exponent become all ones, so that x87 sees a NaN. */
@inline
export function setMmxRegister(image: Image, number: u32, value: u64): void {
  const register = registerAt(image, number);
  register.significand = value;
  register.signExponent = 0xffff;
}
