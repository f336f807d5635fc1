/** Draws a whole call: which one, with what is right for it, and then perhaps something that is wrong. */
import * as numbers from "../syscall/numbers.ts";
import type { CallName } from "../testing/world-host.ts";
import { Draft, type Integer, type Scene, type Store } from "./draft.ts";
import { GRAMMAR } from "./grammar.ts";
import type { Random } from "./random.ts";
import type { Caller } from "./sight.ts";

export interface Call {
  /** Null for a number that no call has. */
  readonly name: CallName | null;
  readonly number: number;
  readonly handle: bigint;
  /** Five at most. */
  readonly args: readonly bigint[];
  /** What is put into the caller's memory before. */
  readonly stores: readonly Store[];
}

/** Every call that there is. */
export const CALLS = Object.keys(numbers)
  .filter((name) => name.startsWith("SYSCALL_"))
  .map((name) => name.slice("SYSCALL_".length) as CallName);

const ARGUMENTS = 5;
const PAGE = 4096;
/** Ends and limits of what an argument can be: of integers, of the addresses of agents, of lengths. */
const BOUNDARIES: readonly bigint[] = [
  ...[0, 1, 7, 8, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1024, 1025, PAGE - 1, PAGE, PAGE + 1],
  ...[65_535, 65_536, 65_537, 2 ** 30, 2 ** 30 + 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 8],
  ...[0x4000_0000, 0x7f80_0000_0000, 0x7fff_ffff_f000, 0x7fff_ffff_ffff, 2 ** 47],
]
  .map(BigInt)
  .concat([0xffff_8000_0000_0000n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 4096n, 2n ** 64n - 8n, 2n ** 64n - 1n]);

const bits = (value: Integer): bigint => BigInt.asUintN(64, BigInt(value));

/** A call while it is being spoiled. */
interface Spoiled {
  number: number;
  name: CallName | null;
  handle: bigint;
  args: bigint[];
}

/** One thing that can be wrong with a call. */
type Mutation = (call: Spoiled, draft: Draft) => void;

/** An argument of those that the call has, changed. */
const argument =
  (change: (value: bigint, draft: Draft, call: Spoiled) => bigint): Mutation =>
  (call, draft) => {
    if (call.args.length === 0) return;
    const index = draft.random.below(call.args.length);
    call.args[index] = BigInt.asUintN(64, change(call.args[index] ?? 0n, draft, call));
  };

/** A field of a structure is a boundary, or a handle that isn't the caller's. */
const field: Mutation = (_, { random, stores }) => {
  if (stores.length === 0) return;
  const { bytes } = random.pick(stores);
  const wide = random.once(2) && bytes.length >= 8;
  if (bytes.length < 4) return;
  const at = (wide ? 8 : 4) * random.below(Math.floor(bytes.length / (wide ? 8 : 4)));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const value = random.pick(BOUNDARIES);
  if (wide) view.setBigUint64(at, value, true);
  else view.setUint32(at, Number(value & 0xffff_ffffn), true);
};

const MUTATIONS: readonly Mutation[] = [
  (call, draft) => {
    call.handle = bits(draft.strange());
  },
  // Of another kind.
  (call, draft) => {
    call.handle = bits(draft.handleTo());
  },
  argument((_, { random }) => random.pick(BOUNDARIES)),
  argument((_, { random }) => random.pick(BOUNDARIES)),
  argument((_, draft) => bits(draft.strange())),
  argument((value, { random }) => value + random.pick([-4096n, -8n, -1n, 1n, 4n, 8n, 4096n])),
  // Structures and buffers that overlap.
  argument((_, { random }, { args }) => random.pick(args)),
  // At the end of what is mapped, or behind it.
  argument((_, { random, caller: { ranges } }) =>
    ranges.length === 0 ? 0n : BigInt(random.pick(ranges).end - random.pick([0, 8, 16, 64])),
  ),
  field,
  field,
  field,
  (call, draft) => {
    call.args.push(random64(draft.random));
  },
];

function random64(random: Random): bigint {
  return (BigInt(random.next()) << 32n) | BigInt(random.next());
}

/** Calls that are thought of until there is one for which the caller has a capability. */
const THOUGHTS = 3;

/** The caller's next call: any, or one of a name. */
export function compose(random: Random, caller: Caller, scene: Scene, only?: CallName): Call {
  const draft = new Draft(random, caller, scene);
  let name = only ?? random.pick(CALLS);
  let named = GRAMMAR[name].named(draft);
  for (let thought = 1; thought < THOUGHTS && only === undefined && !named; thought++) {
    name = random.pick(CALLS);
    named = GRAMMAR[name].named(draft);
  }
  const shape = GRAMMAR[name];
  draft.handle = named?.id ?? draft.strange();
  const args = shape.arguments.flatMap((draw) => draw(draft)).map(bits);
  const call: Spoiled = { number: numbers[`SYSCALL_${name}`], name, handle: bits(draft.handle), args };
  if (random.once(200)) [call.name, call.number] = unknown(random);
  // Half of all calls are right, as far as the grammar knows.
  for (let wrong = random.pick([0, 0, 0, 1, 1, 3]); wrong > 0; wrong--) random.pick(MUTATIONS)(call, draft);
  return { ...call, args: call.args.slice(0, ARGUMENTS), stores: draft.stores };
}

/** A number that no call has. */
function unknown(random: Random): [null, number] {
  const known = new Set<number>(CALLS.map((name) => numbers[`SYSCALL_${name}`]));
  const number = random.once(2) ? random.below(numbers.SYSCALLS + 2) : random.next();
  return [null, known.has(number) ? numbers.SYSCALLS : number];
}

/** The call as a report has it: "IPC_SEND(4000004, 40000010, 40, 0, 0)", hexadecimal. */
export function callText({ name, number, handle, args }: Call): string {
  return `${name ?? `call ${number}`}(${[handle, ...args].map((value) => value.toString(16)).join(", ")})`;
}
