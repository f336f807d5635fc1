/**
 * The synthetic instructions a second time, in TypeScript and a cycle at a time: what the machine's
 * interpreter is compared with.
 */
import * as Op from "../../spec/synthetic.ts";

const MASK = 0xffff_ffff_ffff_ffffn;
const RBX = 3;
const R13 = 13;

/** Memory as the model sees it at the start. */
export interface ModelMemory {
  /** Whether ring 3 may read, or write, the byte. */
  allowed(address: bigint, write: boolean): boolean;
  byte(address: bigint): number;
}

export class SyntheticModel {
  readonly registers: bigint[] = Array.from({ length: 16 }, () => 0n);
  /** Bytes that the program has written. */
  readonly written = new Map<bigint, number>();
  /** Marks that it has made: x and register a of each, and when. */
  readonly marks: { readonly time: bigint; readonly kind: bigint; readonly value: bigint }[] = [];
  clock = 0n;
  /** Vector of the exception that has ended it, or "syscall"; null while it runs. */
  ended: number | "syscall" | null = null;
  private readonly memory: ModelMemory;
  private end = 0n;

  constructor(memory: ModelMemory) {
    this.memory = memory;
  }

  /** Runs to `end`; the instruction in whose middle that is goes on in the next call. */
  runUntil(end: bigint): void {
    this.end = end;
    while (this.clock < end && this.ended === null) this.cycle();
  }

  private cycle(): void {
    const pc = this.reg(RBX);
    const before = [...this.registers];
    this.clock += 1n;
    const code = this.fetch(pc);
    if (code) {
      this.set(RBX, pc + 32n);
      this.execute(code, pc);
    }
    if (typeof this.ended !== "number") return;
    const progress = this.reg(R13);
    before.forEach((value, n) => void this.set(n, n === R13 ? progress : value));
  }

  private fetch(pc: bigint): DataView | null {
    if (pc % 32n !== 0n) this.ended = 6;
    else if (this.allowed(pc, 32, false)) return this.instruction(pc);
    return null;
  }

  private instruction(pc: bigint): DataView {
    const bytes = new Uint8Array(32);
    for (let n = 0; n < 32; n++) bytes[n] = this.byte(pc + BigInt(n));
    return new DataView(bytes.buffer);
  }

  private execute(view: DataView, pc: bigint): void {
    const [a, b] = [view.getUint8(2), view.getUint8(3)];
    const x = view.getBigUint64(8, true);
    const y = view.getBigUint64(16, true);
    const z = view.getBigUint64(24, true);
    const opcode = view.getUint16(0, true);
    if (a > 15 || b > 15) this.ended = 6;
    else if (opcode === Op.OP_RUN)
      this.burn(pc, view.getUint32(4, true) & Op.RUN_ADD ? x + this.reg(b) : x);
    else if (opcode === Op.OP_TOUCH) this.touch(pc, a, x, y, z);
    else if (opcode >= Op.OP_JUMP && opcode <= Op.OP_JUMP_BELOW) this.jump(pc, opcode, a, b, x);
    else this.simple(opcode, a, b, x, y);
  }

  private simple(opcode: number, a: number, b: number, x: bigint, y: bigint): void {
    if (opcode === Op.OP_STORE) this.write(this.reg(b) + x, 8, this.reg(a));
    else if (opcode === Op.OP_SYSCALL) this.ended = "syscall";
    else if (opcode === Op.OP_MARK)
      this.marks.push({ time: this.clock - 1n, kind: x, value: this.reg(a) });
    else {
      const value = this.value(opcode, a, b, x, y);
      if (value === null) this.ended ??= 6;
      else this.set(a, value);
    }
  }

  /** What the instruction puts into register a; null when it is none, or has faulted. */
  private value(opcode: number, a: number, b: number, x: bigint, y: bigint): bigint | null {
    switch (opcode) {
      case Op.OP_SET:
        return x;
      case Op.OP_MOVE:
        return this.reg(b);
      case Op.OP_ADD:
        return this.reg(b) + x;
      case Op.OP_SUB:
        return this.reg(b) - x;
      case Op.OP_ADD_REG:
        return this.reg(a) + this.reg(b);
      case Op.OP_RANDOM:
        return x + this.random(b, y);
      case Op.OP_LOAD:
        return this.read(this.reg(b) + x);
      case Op.OP_TIME:
        return this.clock - 1n;
      default:
        return null;
    }
  }

  private jump(pc: bigint, opcode: number, a: number, b: number, x: bigint): void {
    const taken =
      opcode === Op.OP_JUMP ||
      (opcode === Op.OP_JUMP_IF && this.reg(a) !== 0n) ||
      (opcode === Op.OP_JUMP_UNLESS && this.reg(a) === 0n) ||
      (opcode === Op.OP_JUMP_BELOW && this.reg(a) < this.reg(b));
    if (taken) this.set(RBX, pc + 32n * x);
  }

  /** The first cycle of it has been counted already. */
  private burn(pc: bigint, cycles: bigint): void {
    const left = (this.reg(R13) || cycles & MASK || 1n) - 1n;
    const now = left < this.end - this.clock ? left : this.end - this.clock;
    this.clock += now;
    this.set(R13, left - now);
    if (left > now) this.set(RBX, pc);
  }

  private touch(pc: bigint, a: number, x: bigint, y: bigint, z: bigint): void {
    const done = this.reg(R13);
    if (done < z && !this.write(x + done * y, 1, this.reg(a))) return;
    this.set(R13, done + 1n < z ? done + 1n : 0n);
    if (done + 1n < z) this.set(RBX, pc);
  }

  private reg(n: number): bigint {
    return this.registers[n] ?? 0n;
  }

  private set(n: number, value: bigint): void {
    this.registers[n] = value & MASK;
  }

  private random(b: number, last: bigint): bigint {
    let state = this.reg(b) || 88172645463325252n;
    state ^= state >> 12n;
    state ^= (state << 25n) & MASK;
    state ^= state >> 27n;
    this.set(b, state);
    return ((state * 2685821657736338717n) & MASK) % (last + 1n);
  }

  private allowed(address: bigint, bytes: number, write: boolean): boolean {
    const canonical = (va: bigint) => BigInt.asUintN(64, BigInt.asIntN(48, va)) === va;
    // The first byte and the last: no access here is longer than a page.
    for (const n of [0, bytes - 1]) {
      if (this.ended !== null) break;
      const at = (address + BigInt(n)) & MASK;
      if (!canonical(at)) this.ended = 13;
      else if (!this.memory.allowed(at, write)) this.ended = 14;
    }
    return this.ended === null;
  }

  private byte(address: bigint): number {
    return this.written.get(address & MASK) ?? this.memory.byte(address & MASK);
  }

  private read(from: bigint): bigint | null {
    if (!this.allowed(from, 8, false)) return null;
    let value = 0n;
    for (let n = 7n; n >= 0n; n--) value = (value << 8n) | BigInt(this.byte(from + n));
    return value;
  }

  private write(to: bigint, bytes: number, value: bigint): boolean {
    if (!this.allowed(to, bytes, true)) return false;
    for (let n = 0; n < bytes; n++)
      this.written.set((to + BigInt(n)) & MASK, Number((value >> BigInt(8 * n)) & 0xffn));
    return true;
  }
}
