/**
 * Instructions with an operand in memory (Intel SDM 2D, appendix A, tables, ModR/M below
 * C0). The operand is in a buffer: whoever executes has loaded it, or stores what comes out.
 */
import {
  copyFloat80,
  Float80,
  KIND_SIGNALLING,
  kindOf,
  noteDenormal80,
  quieted80,
  setIndefinite,
} from "../float/extended";
import {
  fromDecimal80,
  fromInteger80,
  narrow,
  toDecimal80,
  toInteger80,
  widen,
} from "../float/extended_convert";
import { ROUND_TO_ZERO, roundingOf } from "../float/state";
import {
  ARITHMETIC_COM,
  ARITHMETIC_COMP,
  compareMissing,
  compareWith,
  operate,
} from "./arithmetic";
import {
  environmentBytes,
  loadEnvironment,
  restoreState,
  saveState,
  storeEnvironment,
} from "./image";
import {
  finish,
  isEmpty,
  isFull,
  overflow,
  pop,
  push,
  setControl,
  setMissing,
  stack,
  stoppedStore,
  summarize,
  temporary,
  underflows,
  Unit,
} from "./unit";

/** Formats of operands; 6 are packed decimals. */
const SINGLE: u32 = 0;
const DOUBLE: u32 = 1;
const EXTENDED: u32 = 2;
const INTEGER_16: u32 = 3;
const INTEGER_32: u32 = 4;
const INTEGER_64: u32 = 5;

/** What is done with it. */
const ARITHMETIC: u32 = 0;
const LOAD: u32 = 8;
const STORE: u32 = 16;
const STORE_POP: u32 = 24;
const STORE_CUT: u32 = 32;
const CONTROL: u32 = 40;
const UNDEFINED: u32 = 48;
const ACTION: u32 = 56;

/** Actions on state and control words, in place of a format. */
const LOAD_ENVIRONMENT: u32 = CONTROL + 0;
const LOAD_CONTROL: u32 = CONTROL + 1;
const STORE_ENVIRONMENT: u32 = CONTROL + 2;
const STORE_CONTROL: u32 = CONTROL + 3;
const RESTORE_STATE: u32 = CONTROL + 4;
const SAVE_STATE: u32 = CONTROL + 5;
const STORE_STATUS: u32 = CONTROL + 6;

/** By escape opcode (low three bits) and digit. */
const ACTIONS: StaticArray<u8> = [
  // D8: FADD to FDIVR m32
  0, 0, 0, 0, 0, 0, 0, 0,
  // D9: FLD, -, FST, FSTP m32, FLDENV, FLDCW, FNSTENV, FNSTCW
  8, 48, 16, 24, 40, 41, 42, 43,
  // DA: FIADD to FIDIVR m32
  4, 4, 4, 4, 4, 4, 4, 4,
  // DB: FILD, FISTTP, FIST, FISTP m32, -, FLD m80, -, FSTP m80
  12, 36, 20, 28, 48, 10, 48, 26,
  // DC: FADD to FDIVR m64
  1, 1, 1, 1, 1, 1, 1, 1,
  // DD: FLD m64, FISTTP m64, FST, FSTP m64, FRSTOR, -, FNSAVE, FNSTSW
  9, 37, 17, 25, 44, 48, 45, 46,
  // DE: FIADD to FIDIVR m16
  3, 3, 3, 3, 3, 3, 3, 3,
  // DF: FILD, FISTTP, FIST, FISTP m16, FBLD, FILD m64, FBSTP, FISTP m64
  11, 35, 19, 27, 14, 13, 30, 29,
];

/** Bytes by format. */
const SIZES: StaticArray<u8> = [4, 8, 10, 2, 4, 8, 10, 0];
const REGISTERS_BYTES: u32 = 80;

/** The index into ACTIONS for escape opcode << 8 | ModR/M. */
@inline
function actionOf(form: u32): u32 {
  return unchecked(ACTIONS[((form >> 8) & 7) * 8 + ((form >> 3) & 7)]);
}

/** Bytes that the instruction reads from memory before it does anything else. */
export function bytesRead(form: u32, environment: u32): u32 {
  const action = actionOf(form);
  if (action == LOAD_ENVIRONMENT) return environmentBytes(environment);
  if (action == RESTORE_STATE) return environmentBytes(environment) + REGISTERS_BYTES;
  if (action == LOAD_CONTROL) return 2;
  const kind = action & ACTION;
  return kind == ARITHMETIC || kind == LOAD ? unchecked(SIZES[action & 7]) : 0;
}

/** Bytes that it writes, unless an exception keeps it from that. */
export function bytesWritten(form: u32, environment: u32): u32 {
  const action = actionOf(form);
  if (action == STORE_ENVIRONMENT) return environmentBytes(environment);
  if (action == SAVE_STATE) return environmentBytes(environment) + REGISTERS_BYTES;
  if (action == STORE_CONTROL || action == STORE_STATUS) return 2;
  const kind = action & ACTION;
  return kind == STORE || kind == STORE_POP || kind == STORE_CUT ? unchecked(SIZES[action & 7]) : 0;
}

/** Executes it. True if what is in the buffer now goes to memory; false also for a load. */
export function executeMemory(unit: Unit, form: u32, buffer: usize): bool {
  const action = actionOf(form);
  const format = action & 7;
  switch (action & ACTION) {
    case ARITHMETIC:
      arithmetic(unit, (form >> 3) & 7, format, buffer);
      return false;
    case LOAD:
      loadFrom(unit, format, buffer);
      return false;
    case STORE:
      return storeTo(unit, format, roundingOf(unit), false, buffer);
    case STORE_POP:
      return storeTo(unit, format, roundingOf(unit), true, buffer);
    case STORE_CUT:
      return storeTo(unit, format, ROUND_TO_ZERO, true, buffer);
    default:
      return control(unit, action, buffer);
  }
}

/** Reads the operand; nothing is raised yet. */
function read(unit: Unit, format: u32, from: usize, to: Float80): void {
  switch (format) {
    case SINGLE:
      return widen<f32>(unit, load<u32>(from), to);
    case DOUBLE:
      return widen<f64>(unit, load<u64>(from), to);
    case EXTENDED:
      return memory.copy(changetype<usize>(to), from, 10);
    case INTEGER_16:
      return fromInteger80(<i64>load<i16>(from), to);
    case INTEGER_32:
      return fromInteger80(<i64>load<i32>(from), to);
    case INTEGER_64:
      return fromInteger80(load<i64>(from), to);
    default:
      return fromDecimal80(from, to);
  }
}

function arithmetic(unit: Unit, digit: u32, format: u32, buffer: usize): void {
  const compares = digit == ARITHMETIC_COM || digit == ARITHMETIC_COMP;
  const pops: u32 = digit == ARITHMETIC_COMP ? 1 : 0;
  if (isEmpty(unit, 0)) {
    if (compares) compareMissing(unit, pops);
    else if (underflows(unit)) setMissing(unit, 0);
    return;
  }
  const operand = temporary(unit, 0);
  read(unit, format, buffer, operand);
  if (compares) compareWith(unit, operand, true, pops);
  else operate(unit, digit, operand, 0, false);
}

/** FLD, FILD, FBLD. A value of 80 bits is loaded as it is. */
function loadFrom(unit: Unit, format: u32, buffer: usize): void {
  if (isFull(unit)) return overflow(unit);
  const value = temporary(unit, 0);
  read(unit, format, buffer, value);
  if (format <= DOUBLE) {
    noteDenormal80(unit, 0);
    if (kindOf(value) == KIND_SIGNALLING) quieted80(unit, value, value);
  }
  finish(unit);
  // A denormal number is loaded even if that is unmasked: it is normal in 80 bits.
  if (!stoppedStore(unit)) copyFloat80(value, push(unit));
}

/** FST, FIST, FBSTP and their forms. */
function storeTo(unit: Unit, format: u32, rounding: u32, pops: bool, buffer: usize): bool {
  let value = stack(unit, 0);
  const missing = isEmpty(unit, 0);
  if (missing) {
    if (!underflows(unit)) return false;
    value = temporary(unit, 0);
    setIndefinite(value);
  }
  write(unit, value, format, rounding, buffer);
  if (!missing) finish(unit);
  if (stoppedStore(unit)) return false;
  if (pops) pop(unit);
  return true;
}

function write(unit: Unit, value: Float80, format: u32, rounding: u32, to: usize): void {
  switch (format) {
    case SINGLE:
      return store<u32>(to, <u32>narrow<f32>(unit, value));
    case DOUBLE:
      return store<u64>(to, narrow<f64>(unit, value));
    case EXTENDED:
      return memory.copy(to, changetype<usize>(value), 10);
    case INTEGER_16:
      return store<u16>(to, <u16>toInteger80(unit, value, rounding, 16));
    case INTEGER_32:
      return store<u32>(to, <u32>toInteger80(unit, value, rounding, 32));
    case INTEGER_64:
      return store<u64>(to, <u64>toInteger80(unit, value, rounding, 64));
    default:
      return toDecimal80(unit, value, rounding, to);
  }
}

/** State and control words. */
function control(unit: Unit, action: u32, buffer: usize): bool {
  const image = unit.image;
  switch (action) {
    case LOAD_ENVIRONMENT:
      loadEnvironment(image, unit.environment, buffer);
      return false;
    case LOAD_CONTROL:
      setControl(image, load<u16>(buffer));
      return false;
    case STORE_ENVIRONMENT:
      storeEnvironment(image, unit.environment, buffer);
      // All exceptions are masked from here on (Intel SDM 2A, FSTENV).
      image.control |= 0x3f;
      summarize(image);
      return true;
    case STORE_CONTROL:
      store<u16>(buffer, image.control);
      return true;
    case RESTORE_STATE:
      restoreState(image, unit.environment, buffer);
      return false;
    case SAVE_STATE:
      saveState(image, unit.environment, buffer);
      return true;
    default:
      store<u16>(buffer, image.status);
      return true;
  }
}

/** Whether there is such an instruction. */
export function isMemoryForm(form: u32): bool {
  return actionOf(form) != UNDEFINED;
}

/** Whether it leaves FIP, FDP and FOP alone (Intel SDM 1, 8.1.8). */
export function isControl(form: u32): bool {
  return (actionOf(form) & ACTION) == CONTROL;
}

/** Whether it may unmask what is pending: FLDENV, FLDCW, FRSTOR. */
export function loadsControl(form: u32): bool {
  const action = actionOf(form);
  return action == LOAD_ENVIRONMENT || action == LOAD_CONTROL || action == RESTORE_STATE;
}

/** Whether it executes although an exception is pending: FNSTENV, FNSTCW, FNSAVE, FNSTSW. */
export function waitsNot(form: u32): bool {
  const action = actionOf(form);
  return (
    action == STORE_ENVIRONMENT ||
    action == STORE_CONTROL ||
    action == SAVE_STATE ||
    action == STORE_STATUS
  );
}
