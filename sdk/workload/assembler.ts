/** Writes synthetic programs (sim/spec/synthetic.ts). */
import * as Op from "../../sim/spec/synthetic.ts";

const BYTES_AT_FIRST = 4096;

/** A place in a program that jumps lead to; it may be placed after them. */
export interface Label {
  at: number | null;
}

interface Fields {
  readonly a?: number;
  readonly b?: number;
  readonly flags?: number;
  readonly x?: number | bigint;
  readonly y?: number | bigint;
  readonly z?: number | bigint;
}

export class Assembler {
  private view = new DataView(new ArrayBuffer(BYTES_AT_FIRST));
  private count = 0;
  private readonly jumps: { readonly at: number; readonly label: Label }[] = [];

  /** Instructions so far. */
  get length(): number {
    return this.count;
  }

  label(): Label {
    return { at: null };
  }

  place(label: Label): void {
    if (label.at !== null) throw new Error("the label has been placed already");
    label.at = this.count;
  }

  /** A new label at this place. */
  here(): Label {
    return { at: this.count };
  }

  emit(opcode: number, { a = 0, b = 0, flags = 0, x = 0, y = 0, z = 0 }: Fields): void {
    const at = this.count * Op.INSTRUCTION_BYTES;
    if (at === this.view.byteLength) this.grow();
    const { view } = this;
    view.setUint16(at, opcode, true);
    view.setUint8(at + 2, a);
    view.setUint8(at + 3, b);
    view.setUint32(at + 4, flags, true);
    view.setBigUint64(at + 8, BigInt.asUintN(64, BigInt(x)), true);
    view.setBigUint64(at + 16, BigInt.asUintN(64, BigInt(y)), true);
    view.setBigUint64(at + 24, BigInt.asUintN(64, BigInt(z)), true);
    this.count += 1;
  }

  run(cycles: number): void {
    this.emit(Op.OP_RUN, { x: cycles });
  }
  /** Burns as many cycles as register `b` says. */
  runRegister(b: number): void {
    this.emit(Op.OP_RUN, { b, flags: Op.RUN_ADD });
  }
  set(a: number, x: number | bigint): void {
    this.emit(Op.OP_SET, { a, x });
  }
  move(a: number, b: number): void {
    this.emit(Op.OP_MOVE, { a, b });
  }
  /** a = b + x */
  add(a: number, b: number, x: number | bigint): void {
    this.emit(Op.OP_ADD, { a, b, x });
  }
  addRegister(a: number, b: number): void {
    this.emit(Op.OP_ADD_REG, { a, b });
  }
  /** a = a number from `least` to `most`, from the generator whose state is b. */
  random(a: number, b: number, least: number, most: number): void {
    this.emit(Op.OP_RANDOM, { a, b, x: least, y: most - least });
  }
  /** a = the quadword at b + x */
  load(a: number, b: number, x: number): void {
    this.emit(Op.OP_LOAD, { a, b, x });
  }
  /** The quadword at b + x = a */
  store(a: number, b: number, x: number): void {
    this.emit(Op.OP_STORE, { a, b, x });
  }
  /** Writes `count` bytes, `stride` apart. */
  touch(address: number, stride: number, count: number): void {
    this.emit(Op.OP_TOUCH, { x: address, y: stride, z: count });
  }
  time(a: number): void {
    this.emit(Op.OP_TIME, { a });
  }
  mark(kind: number, a: number): void {
    this.emit(Op.OP_MARK, { a, x: kind });
  }
  systemCall(): void {
    this.emit(Op.OP_SYSCALL, {});
  }

  jump(label: Label): void {
    this.jumpBy(Op.OP_JUMP, label, 0, 0);
  }
  jumpIf(a: number, label: Label): void {
    this.jumpBy(Op.OP_JUMP_IF, label, a, 0);
  }
  jumpUnless(a: number, label: Label): void {
    this.jumpBy(Op.OP_JUMP_UNLESS, label, a, 0);
  }
  /** When a < b. */
  jumpBelow(a: number, b: number, label: Label): void {
    this.jumpBy(Op.OP_JUMP_BELOW, label, a, b);
  }

  /** The program, with its jumps. */
  bytes(): Uint8Array {
    for (const { at, label } of this.jumps) {
      if (label.at === null) throw new Error("a jump leads nowhere");
      this.view.setBigInt64(at * Op.INSTRUCTION_BYTES + 8, BigInt(label.at - at), true);
    }
    return new Uint8Array(this.view.buffer.slice(0, this.count * Op.INSTRUCTION_BYTES));
  }

  private jumpBy(opcode: number, label: Label, a: number, b: number): void {
    this.jumps.push({ at: this.count, label });
    this.emit(opcode, { a, b });
  }

  private grow(): void {
    const larger = new Uint8Array(this.view.byteLength * 2);
    larger.set(new Uint8Array(this.view.buffer));
    this.view = new DataView(larger.buffer);
  }
}
