/** What agents ask of their system, call by call: time, agent, call, arguments by name, result. */
import * as statuses from "../../kernel/syscall/status.ts";
import { wordsOf } from "../../services/wasm/aios_arguments.ts";
import { AIOS_CALLS, AIOS_MODULE, MESSAGE_PAYLOAD_BYTES } from "../../services/wasm/aios_calls.ts";
import type { Instance, Value } from "../../services/wasm/instance.ts";
import type { Personality, StepAnswer } from "../../services/wasm/personality.ts";
import type { Step } from "../agent/calls.ts";
import type { Sys } from "../agent/sys.ts";

export interface Call {
  /** Virtual time at which it was answered, ns; of one that has no answer, at which it was asked. */
  readonly time: bigint;
  /** Name of the agent; of a clone with its identifier behind. */
  readonly agent: string;
  /** As in the bindings: "aios.send", "wasi_snapshot_preview1.fd_write". */
  readonly call: string;
  readonly arguments: Readonly<Record<string, string>>;
  /** Name of a status, or the number; "" for a call that doesn't come back. */
  readonly result: string;
}

/** Where an agent's calls go; how its capabilities are called. */
export interface Watcher {
  readonly now: () => bigint;
  readonly nameOf: (agent: number) => string;
  readonly note: (call: Call) => void;
}

/** Parameters of what isn't in the table of "aios" (WASI preview 1, witx). */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  fd_write: ["fd", "iovs", "iovs_len", "nwritten"],
  fd_read: ["fd", "iovs", "iovs_len", "nread"],
  clock_time_get: ["id", "precision", "time"],
  random_get: ["buf", "buf_len"],
  proc_exit: ["rval"],
};
const WITHOUT_ANSWER: readonly string[] = ["aios.exit", "wasi_snapshot_preview1.proc_exit"];
const TEXT_BYTES_MAX = 80;
const STATUS_NAMES = new Map(
  Object.entries(statuses).map(([name, code]) => [code, name.slice("STATUS_".length)]),
);

/** The personality, whose answers by steps are noted. `named`: its capabilities' names by place. */
export function watched(
  personality: Personality,
  named: readonly string[],
  watcher: Watcher,
): Personality {
  const steps = [...personality.steps].map(([name, answer]): [string, StepAnswer] => {
    const call = `${personality.module}.${name}`;
    return [
      name,
      (sys, instance, args) => watch(call, answer, named, watcher)(sys, instance, args),
    ];
  });
  return { ...personality, steps: new Map(steps) };
}

function watch(
  call: string,
  answer: StepAnswer,
  named: readonly string[],
  watcher: Watcher,
): StepAnswer {
  return function* (sys: Sys, instance: Instance, args: readonly Value[]): Step<Value | undefined> {
    const note = (given: Record<string, string>, result: string) =>
      watcher.note({
        time: watcher.now(),
        agent: watcher.nameOf(sys.id),
        call,
        arguments: given,
        result,
      });
    const given = argumentsOf(call, instance, args, named);
    if (WITHOUT_ANSWER.includes(call)) note(given, "");
    const result = yield* answer(sys, instance, args);
    note({ ...given, ...received(call, instance, args, result) }, resultOf(call, result));
    return result;
  };
}

function argumentsOf(
  call: string,
  instance: Instance,
  args: readonly Value[],
  named: readonly string[],
): Record<string, string> {
  const [module, name = ""] = call.split(".");
  const table = module === AIOS_MODULE ? AIOS_CALLS.find((it) => it.name === name) : undefined;
  if (!table) {
    const names = PARAMETERS[name] ?? [];
    return Object.fromEntries(args.map((value, n) => [names[n] ?? `a${n + 1}`, numberOf(value)]));
  }
  const words = [...args];
  const found: [string, string][] = [];
  for (const parameter of table.parameters) {
    const [first = 0, second = 0] = words.splice(0, wordsOf(parameter));
    if (parameter.kind === "in" && parameter.bytes === 0)
      found.push([parameter.name, textOf(instance, Number(first), Number(second) >>> 0)]);
    else if (parameter.kind === "handle") found.push([parameter.name, capability(first, named)]);
    else if (parameter.kind !== "out" && parameter.kind !== "in")
      found.push([parameter.name, numberOf(first)]);
  }
  return Object.fromEntries(found);
}

/** What a message brought. */
function received(
  call: string,
  instance: Instance,
  args: readonly Value[],
  result: Value | undefined,
): Record<string, string> {
  const table = AIOS_CALLS.find(({ name }) => `${AIOS_MODULE}.${name}` === call);
  const at = table?.parameters.findIndex(({ name }) => name === "message") ?? -1;
  if (!table || at < 0 || Number(result) !== statuses.STATUS_OK) return {};
  // The buffer has two words, and stands before the message.
  const message = Number(args.at(-1));
  const size = instance.view(message + MESSAGE_PAYLOAD_BYTES, 4);
  const bytes = size ? new DataView(size.buffer, size.byteOffset).getUint32(0, true) : 0;
  return { buffer: textOf(instance, Number(args.at(-3)), bytes) };
}

function resultOf(call: string, result: Value | undefined): string {
  const isStatus = call.startsWith(`${AIOS_MODULE}.`);
  return (isStatus && STATUS_NAMES.get(Number(result))) || String(result ?? "");
}

const capability = (value: Value, named: readonly string[]): string =>
  Number(value) < 0 ? (named[-1 - Number(value)] ?? numberOf(value)) : numberOf(value);

/** All ones is "never". */
const numberOf = (value: Value): string => (value === -1n ? "never" : String(value));

function textOf(instance: Instance, at: number, bytes: number): string {
  const part = instance.view(at, bytes)?.slice(0, TEXT_BYTES_MAX);
  if (!part) return "outside the memory";
  const text = new TextDecoder().decode(part);
  const isText = /^[^\p{Cc}\ufffd]*$/u.test(text.replaceAll("\n", ""));
  return isText
    ? JSON.stringify(text) + (bytes > TEXT_BYTES_MAX ? "…" : "")
    : `${bytes} bytes ${[...part.subarray(0, 16)].map((it) => it.toString(16).padStart(2, "0")).join("")}`;
}

/** A line: "0.012345678 buyer aios.send(to: seller, payload: "50", along: 0) OK". */
export function lineOf({ time, agent, call, arguments: given, result }: Call): string {
  const seconds = `${time / 1_000_000_000n}.${String(time % 1_000_000_000n).padStart(9, "0")}`;
  const listed = Object.entries(given).map(([name, value]) => `${name}: ${value}`);
  return `${seconds} ${agent} ${call}(${listed.join(", ")}) ${result}`.trimEnd();
}
