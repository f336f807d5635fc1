/**
 * The x87 unit (Intel SDM 1, 8.1): its registers, and how every instruction begins and ends.
 *
 * State is the beginning of the CPU's FXSAVE image, with one difference: R0 to R7 are in the order of
 * their numbers, not from the top of the stack. So no push moves registers, and MMX registers have
 * fixed places. image.ts turns them when software saves or restores.
 *
 *     0 FCW   2 FSW   4 FTW (bit n: Rn is not empty)   6 FOP   8 FIP   16 FDP   24 MXCSR   32 R0 …
 */
import {
  ExtendedState,
  Float80,
  setIndefinite,
  STATE_BYTES,
} from "../float/extended";
import {
  FLOAT_DE,
  FLOAT_FLAGS,
  FLOAT_IE,
  FLOAT_MASK_SHIFT,
  FLOAT_OE,
  FLOAT_PE,
  FLOAT_ROUNDING_SHIFT,
  FLOAT_UE,
  FLOAT_ZE,
} from "../float/state";

/** Status word (Intel SDM 1, 8.1.3). */
export const STATUS_SF: u32 = 1 << 6;
export const STATUS_ES: u32 = 1 << 7;
export const STATUS_C0: u32 = 1 << 8;
export const STATUS_C1: u32 = 1 << 9;
export const STATUS_C2: u32 = 1 << 10;
export const STATUS_C3: u32 = 1 << 14;
export const STATUS_B: u32 = 1 << 15;
const TOP_SHIFT: u32 = 11;
export const STATUS_TOP: u32 = 7 << TOP_SHIFT;

/** Bits of the control word that exist; bit 6 is always set. */
const CONTROL_BITS: u32 = 0x1f3f;
const CONTROL_ONES: u32 = 0x40;
/** What FNINIT loads. */
export const CONTROL_INIT: u32 = 0x37f;

/** The image as far as it isn't registers. */
@unmanaged
export class Image {
  control: u16;
  status: u16;
  tags: u8;
  reserved: u8;
  opcode: u16;
  instruction: u64;
  operand: u64;
}
const REGISTERS_AT: usize = 32;
const REGISTER_BYTES: usize = 16;

/** The state of the instruction that is being executed. Nothing of it lives longer. */
@unmanaged
export class Unit extends ExtendedState {
  image: Image;
  /** CF, PF and ZF, where RFLAGS has them: what FCMOV asks for and FCOMI answers. */
  flags: u32;
  /** Format of the environment that FSTENV and the like use (image.ts). */
  environment: u32;
}

const TEMPORARIES: u32 = 4;

/** Bytes that a Unit needs. */
export const UNIT_BYTES: usize = STATE_BYTES + <usize>TEMPORARIES * REGISTER_BYTES;

/** Numbers in 80 bits that an instruction may use on its way. */
@inline
export function temporary(unit: Unit, index: u32): Float80 {
  return changetype<Float80>(changetype<usize>(unit) + STATE_BYTES + <usize>index * REGISTER_BYTES);
}

/** Takes rounding, precision and masks from the control word. */
export function begin(unit: Unit, image: Image): void {
  const control = <u32>image.control;
  unit.image = image;
  unit.word =
    ((control & FLOAT_FLAGS) << FLOAT_MASK_SHIFT) | (((control >> 10) & 3) << FLOAT_ROUNDING_SHIFT);
  const precision = (control >> 8) & 3;
  unit.precision = precision == 0 ? 24 : precision == 2 ? 53 : 64; // 1 is reserved
  unit.roundedUp = 0;
  unit.denormalSource = 0;
}

/** Puts what was raised into the status word. C1 tells about rounding, or is cleared. */
export function finish(unit: Unit): void {
  const raised = unit.word & FLOAT_FLAGS;
  setStatus(unit, STATUS_C1, unit.roundedUp != 0 && (raised & FLOAT_PE) != 0 ? STATUS_C1 : 0);
  unit.image.status |= <u16>raised;
  summarize(unit.image);
}

/** ES and B follow from flags and masks (Intel SDM 1, 8.1.3.3). */
export function summarize(image: Image): void {
  const pending = (<u32>image.status & ~(<u32>image.control) & FLOAT_FLAGS) != 0;
  const status = <u32>image.status & ~(STATUS_ES | STATUS_B);
  image.status = <u16>(pending ? status | STATUS_ES | STATUS_B : status);
}

/** Sets the bits of the status word under `mask`. */
@inline
export function setStatus(unit: Unit, mask: u32, bits: u32): void {
  unit.image.status = <u16>((<u32>unit.image.status & ~mask) | bits);
}

export function setControl(image: Image, value: u32): void {
  image.control = <u16>((value & CONTROL_BITS) | CONTROL_ONES);
  summarize(image);
}

/** FNINIT. The registers keep their contents. */
export function initialize(image: Image): void {
  memory.fill(changetype<usize>(image), 0, 24);
  image.control = <u16>CONTROL_INIT;
}

/** Whether an unmasked exception of an operand forbids a result (Intel SDM 1, 8.6). */
@inline
export function stopped(unit: Unit): bool {
  const flags = FLOAT_IE | FLOAT_DE | FLOAT_ZE;
  return (unit.word & ~(unit.word >> FLOAT_MASK_SHIFT) & flags) != 0;
}

/** The same for a result that goes to memory, which is not written when it is out of range either. */
@inline
export function stoppedStore(unit: Unit): bool {
  const flags = FLOAT_IE | FLOAT_OE | FLOAT_UE;
  return (unit.word & ~(unit.word >> FLOAT_MASK_SHIFT) & flags) != 0;
}

/** The number of the register that is ST(`index`). */
@inline
export function physical(image: Image, index: u32): u32 {
  return ((<u32>image.status >> TOP_SHIFT) + index) & 7;
}

@inline
export function registerAt(image: Image, number: u32): Float80 {
  return changetype<Float80>(changetype<usize>(image) + REGISTERS_AT + <usize>number * REGISTER_BYTES);
}

/** ST(`index`). */
@inline
export function stack(unit: Unit, index: u32): Float80 {
  return registerAt(unit.image, physical(unit.image, index));
}

@inline
export function isEmpty(unit: Unit, index: u32): bool {
  return ((<u32>unit.image.tags >> physical(unit.image, index)) & 1) == 0;
}

@inline
export function setTag(unit: Unit, index: u32, valid: bool): void {
  const bit = 1 << physical(unit.image, index);
  unit.image.tags = <u8>(valid ? <u32>unit.image.tags | bit : <u32>unit.image.tags & ~bit);
}

/** Moves TOP by `count`, modulo 8. */
@inline
export function rotate(unit: Unit, count: u32): void {
  setStatus(unit, STATUS_TOP, ((<u32>unit.image.status + (count << TOP_SHIFT)) & STATUS_TOP));
}

export function pop(unit: Unit): void {
  setTag(unit, 0, false);
  rotate(unit, 1);
}

/** Makes a new ST(0), whose contents the caller writes. */
export function push(unit: Unit): Float80 {
  rotate(unit, 7);
  setTag(unit, 0, true);
  return stack(unit, 0);
}

/** Stack underflow: an invalid operation with SF, C1 clear. True if it is masked. */
export function underflows(unit: Unit): bool {
  unit.word |= FLOAT_IE;
  unit.image.status |= <u16>STATUS_SF;
  finish(unit);
  return !stopped(unit);
}

/** Stack overflow, C1 set: the masked response pushes the indefinite NaN. */
export function overflow(unit: Unit): void {
  unit.word |= FLOAT_IE;
  unit.image.status |= <u16>STATUS_SF;
  finish(unit);
  unit.image.status |= <u16>STATUS_C1;
  if (!stopped(unit)) setIndefinite(push(unit));
}

/** Whether there is no room for a push. */
@inline
export function isFull(unit: Unit): bool {
  return !isEmpty(unit, 7);
}

/** The masked response to a missing operand: the indefinite NaN in ST(`index`). */
export function setMissing(unit: Unit, index: u32): void {
  setIndefinite(stack(unit, index));
  setTag(unit, index, true);
}
