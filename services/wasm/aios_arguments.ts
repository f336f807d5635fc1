/** Arguments of a function of "aios", checked by the table: by name, as numbers and as parts of the memory. */
import * as statuses from "../../kernel/syscall/status.ts";
import { Structure } from "../../sdk/agent/calls.ts";
import type { AiosCall, Parameter } from "./aios_calls.ts";
import type { Instance, Value } from "./instance.ts";

/** A number that no capability has: the kernel says so. */
export const NOTHING = Number.MAX_SAFE_INTEGER;

/** Bytes that a call reads at a pointer: the largest message. Copies of more would be the host's to pay. */
const READ_BYTES_MAX = 64 * 1024;

export class Arguments {
  private readonly values = new Map<string, bigint>();
  private readonly parts = new Map<string, Uint8Array>();
  private readonly instance: Instance;
  private readonly named: readonly number[];

  private constructor(instance: Instance, named: readonly number[]) {
    this.instance = instance;
    this.named = named;
  }

  /**
   * Or the status with which the call is refused: one of them points to what isn't memory, or to more than a call
   * reads. `named`: capabilities by place.
   */
  static of(
    { parameters }: AiosCall,
    instance: Instance,
    given: readonly Value[],
    named: readonly number[],
  ): Arguments | number {
    const it = new Arguments(instance, named);
    const words = given.map((value) => BigInt(value));
    let at = 0;
    for (const parameter of parameters) {
      const [first = 0n, second = 0n] = words.slice(at);
      at += wordsOf(parameter);
      it.values.set(parameter.name, first);
      if (parameter.kind !== "in" && parameter.kind !== "out") continue;
      const count = wordsOf(parameter) === 2 ? Number(BigInt.asUintN(32, second)) : 1;
      const part = instance.view(Number(first), count * (parameter.bytes || 1));
      if (!part) return statuses.STATUS_BAD_ADDRESS;
      if (parameter.kind === "in" && part.length > READ_BYTES_MAX) return statuses.STATUS_TOO_LARGE;
      it.parts.set(parameter.name, parameter.kind === "in" ? part.slice() : part);
    }
    return it;
  }

  /** 32 bits. */
  number(name: string): number {
    return Number(BigInt.asUintN(32, this.values.get(name) ?? 0n));
  }

  /** 64 bits. */
  long(name: string): bigint {
    return BigInt.asUintN(64, this.values.get(name) ?? 0n);
  }

  /** The kernel's number of a capability; 0 for none. */
  handle(name: string): number {
    return this.handleOf(this.values.get(name) ?? 0n);
  }

  handleOf(given: bigint): number {
    const value = BigInt.asIntN(64, given);
    if (value < 0n) return this.named[Number(-1n - value)] ?? NOTHING;
    return value < BigInt(NOTHING) ? Number(value) : NOTHING;
  }

  /** What is read is a copy; what is written is the code's memory. */
  bytes(name: string): Uint8Array {
    return this.parts.get(name) ?? new Uint8Array();
  }

  /** Texts that records point to; or the status with which the call is refused, as by `of`. */
  texts(places: readonly { readonly at: number; readonly bytes: number }[]): string[] | number {
    const parts: Uint8Array[] = [];
    let left = READ_BYTES_MAX;
    for (const { at, bytes } of places) {
      const part = this.instance.view(at, bytes);
      if (!part) return statuses.STATUS_BAD_ADDRESS;
      left -= bytes;
      if (left < 0) return statuses.STATUS_TOO_LARGE;
      parts.push(part);
    }
    return parts.map((part) => new TextDecoder().decode(part));
  }

  text(name: string): string {
    return new TextDecoder().decode(this.bytes(name));
  }

  structure(name: string): Structure {
    return new Structure(this.bytes(name));
  }
}

/** How many of the function's parameters one of the table's is: with an address, the bytes or the count. */
export function wordsOf({ kind, bytes }: Parameter): 1 | 2 {
  return kind === "in" || (kind === "out" && bytes === 0) ? 2 : 1;
}
