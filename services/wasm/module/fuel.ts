/** The code that counts cycles and what is left of the stack: between a variable of the function and the globals. */
import type { Writer } from "./bytes.ts";
import type { Metering } from "./calls.ts";
import * as op from "./operators.ts";
import type { Places } from "./places.ts";

const VOID = 0x40;
const BULK_BYTES_PER_CYCLE_LOG2 = 4;

export class Fuel {
  private readonly out: Writer;
  private readonly places: Places;
  private readonly metering: Metering;
  private readonly variable: number;
  private readonly scratch: number;

  /** `variable`: an i64 of the function's, and behind it an i32. */
  constructor(out: Writer, places: Places, metering: Metering, variable: number) {
    this.out = out;
    this.places = places;
    this.metering = metering;
    this.variable = variable;
    this.scratch = variable + 1;
  }

  /** Is there room on the stack, and fuel? */
  look(): void {
    const { out, places, metering } = this;
    out.byte(op.OP_GLOBAL_GET).u32(places.room);
    out.byte(op.OP_I32_CONST).signed(metering.stackBytes).byte(op.OP_I32_LT_S);
    out.byte(op.OP_IF).byte(VOID).byte(op.OP_CALL).u32(places.deep);
    out.byte(op.OP_UNREACHABLE).byte(op.OP_END);
    this.changeRoom(op.OP_I32_SUB);
    out.byte(op.OP_GLOBAL_GET).u32(places.fuel);
    out.byte(op.OP_I64_CONST).signed(0).byte(op.OP_I64_LT_S);
    out.byte(op.OP_IF).byte(VOID).byte(op.OP_CALL).u32(places.yield).byte(op.OP_END);
  }

  /** At the end of a function that has looked. */
  giveRoomBack(): void {
    this.changeRoom(op.OP_I32_ADD);
  }

  private changeRoom(opcode: number): void {
    const { out, places, metering } = this;
    out.byte(op.OP_GLOBAL_GET).u32(places.room);
    out.byte(op.OP_I32_CONST).signed(metering.heldBytes).byte(opcode);
    out.byte(op.OP_GLOBAL_SET).u32(places.room);
  }

  /** All that the function takes, without its variable. */
  chargeWhole(): void {
    const { out, places, metering } = this;
    out.byte(op.OP_GLOBAL_GET).u32(places.fuel);
    out.byte(op.OP_I64_CONST).signed(metering.facts.cost).byte(op.OP_I64_SUB);
    out.byte(op.OP_GLOBAL_SET).u32(places.fuel);
  }

  charge(cycles: number): void {
    this.out.byte(op.OP_LOCAL_GET).u32(this.variable);
    this.out.byte(op.OP_I64_CONST).signed(cycles).byte(op.OP_I64_SUB);
    this.out.byte(op.OP_LOCAL_SET).u32(this.variable);
  }

  /** The number of bytes is on the operand stack, and stays there. */
  chargeBulk(): void {
    const { out } = this;
    out.byte(op.OP_LOCAL_TEE).u32(this.scratch);
    out.byte(op.OP_LOCAL_GET).u32(this.variable);
    out.byte(op.OP_LOCAL_GET).u32(this.scratch);
    out.byte(op.OP_I32_CONST).signed(BULK_BYTES_PER_CYCLE_LOG2).byte(op.OP_I32_SHR_U);
    out.byte(op.OP_I64_EXTEND_I32_U).byte(op.OP_I64_SUB);
    out.byte(op.OP_LOCAL_SET).u32(this.variable);
  }

  /** Leaves a condition. */
  isUsedUp(): void {
    this.out.byte(op.OP_LOCAL_GET).u32(this.variable);
    this.out.byte(op.OP_I64_CONST).signed(0).byte(op.OP_I64_LT_S);
  }

  /** From the global. */
  load(): void {
    this.out.byte(op.OP_GLOBAL_GET).u32(this.places.fuel);
    this.out.byte(op.OP_LOCAL_SET).u32(this.variable);
  }

  /** Into the global, where others see it. */
  store(): void {
    this.out.byte(op.OP_LOCAL_GET).u32(this.variable);
    this.out.byte(op.OP_GLOBAL_SET).u32(this.places.fuel);
  }
}
