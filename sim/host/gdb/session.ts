/**
 * One gdb's conversation with the machine: packets in, answers out (gdb manual, E.2 to E.4). Threads are
 * CPUs, numbered from 1. It knows nothing of sockets: the server hands it packets, and lets it run the
 * machine as long as `running`.
 */
import { DEBUG_BREAKPOINTS_MAX } from "../../spec/debug.ts";
import { MachineError } from "../errors.ts";
import type { StopReason } from "../reasons.ts";
import type { Debugger, Stop, Watchpoint } from "./debugger.ts";
import { readMemory, writeMemory } from "./memory.ts";
import { activityOf, runMonitor } from "./monitor.ts";
import { fromHex, hexNumber, PACKET_BYTES_MAX, toHex } from "./packets.ts";
import { QemuPackets } from "./qemu.ts";
import {
  type Architecture,
  architectureOf,
  readRegister,
  registersOf,
  targetDescription,
  writeRegister,
} from "./target.ts";

const FEATURES = [
  `PacketSize=${PACKET_BYTES_MAX.toString(16)}`,
  "qXfer:features:read+",
  "QStartNoAckMode+",
  "vContSupported+",
  "swbreak+",
  "hwbreak+",
];
const BACKWARDS = ["ReverseStep+", "ReverseContinue+"];
const ERROR_SYNTAX = "E01";
const ERROR_ADDRESS = "E0e";
const ERROR_REGISTER = "E16";
const ERROR_ROOM = "E1c";
const SIGINT = 2;
const SIGTRAP = 5;
const SIGABRT = 6;
const UNKNOWN = "";
const MEMORY_BYTES_MAX = PACKET_BYTES_MAX / 2 - 16;
const WATCH_BYTES_MAX = 4096;
const WATCH_KINDS: Readonly<Record<string, Watchpoint["kind"]>> = {
  2: "write",
  3: "read",
  4: "access",
};
const WATCH_NAMES = { write: "watch", read: "rwatch", access: "awatch" } as const;
const BREAK_NAMES = ["swbreak", "hwbreak"] as const;
/** Ends after which there is no machine any more. */
const EXITS: ReadonlySet<StopReason> = new Set(["power-off", "reset", "debug-exit"]);

/** What gdb has asked for that takes time. */
type Work =
  | { readonly kind: "forwards"; readonly cpu: number }
  | { readonly kind: "backwards"; readonly cpu: number; readonly single: boolean };

export class Session {
  private readonly on: Debugger;
  private work: Work | null = null;
  private interrupted = false;
  /** CPU of H g, and of the last stop. */
  private cpu = 0;
  private stopped: Stop = { reason: "interrupted", cpu: 0 };
  /** What the description said that gdb has; `chosen` by `monitor architecture`. */
  private architecture: Architecture = "i386:x86-64";
  private chosen: Architecture | null = null;
  private readonly qemu = new QemuPackets();
  /** Which addresses are breakpoints of type 1, for the answer's sake. */
  private readonly hardware = new Set<bigint>();
  /** gdb has gone, with `k` or `D`: the server hangs up. */
  left: "killed" | "detached" | null = null;

  constructor(on: Debugger) {
    this.on = on;
    on.attach();
  }

  /** Whether the machine is to be run. */
  get running(): boolean {
    return this.work !== null;
  }

  interrupt(): void {
    if (this.work) this.interrupted = true;
  }

  /** The answer to a packet; null when it comes later. */
  async handle(data: Uint8Array): Promise<string | null> {
    const text = latin1(data);
    const rest = text.slice(1);
    switch (text[0]) {
      case "?":
        return this.stopReply();
      case "g":
        return this.registers
          .map((register) => toHex(readRegister(this.on, this.cpu, register)))
          .join("");
      case "G":
        return this.writeAll(rest);
      case "p":
        return this.readOne(rest);
      case "P":
        return this.writeOne(rest);
      case "m":
        return this.read(rest);
      case "M":
        return this.write(rest);
      case "X":
        return this.writeBinary(data, rest);
      case "Z":
        return this.point(rest, true);
      case "z":
        return this.point(rest, false);
      case "H":
        return this.select(rest);
      case "T":
        return this.thread(rest) === null ? ERROR_SYNTAX : "OK";
      case "c":
      case "s":
        return this.resumeAt(rest, text[0] === "s");
      case "C":
      case "S":
        return this.resume(this.cpu, text[0] === "S");
      case "b":
        return this.backwards(rest);
      case "v":
        return this.multi(text);
      case "q":
      case "Q":
        return this.query(text);
      case "D":
        this.leave("detached");
        return "OK";
      case "k":
        this.leave("killed");
        return null;
      default:
        return UNKNOWN;
    }
  }

  /**
   * Runs the machine for a while; the answer if it has stopped, null if not.
   * @param until virtual time in ns at which no more is done
   */
  async run(until: bigint, steps: number): Promise<{ answer: string | null; end: StopReason }> {
    const { work } = this;
    if (!work) return { answer: null, end: "condition" };
    if (work.kind === "backwards") {
      this.stopped = await this.goBack(work);
      this.finish();
      return { answer: this.stopReply(), end: "break" };
    }
    const { stop, end } = this.on.advance(work.cpu, until, steps);
    const reached =
      stop ?? (this.interrupted ? ({ reason: "interrupted", cpu: work.cpu } as const) : null);
    if (!reached) return { answer: null, end };
    this.stopped = reached;
    this.finish();
    return { answer: this.stopReply(), end };
  }

  private finish(): void {
    this.cpu = this.stopped.cpu;
    this.work = null;
    this.interrupted = false;
    this.on.pauseAt(0, null);
  }

  private async goBack({ cpu, single }: Work & { kind: "backwards" }): Promise<Stop> {
    try {
      if (single) return await this.on.reverseStep(cpu);
      return await this.on.reverseContinue(cpu, () => this.interrupted);
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
      return { reason: "history-begin", cpu };
    }
  }

  private get registers() {
    return registersOf(this.architecture);
  }

  /** Ends the conversation, whoever has ended it. */
  leave(how: "killed" | "detached"): void {
    this.left = how;
    this.work = null;
    this.on.detach();
  }

  private stopReply(): string {
    const { stopped } = this;
    const thread = `thread:${(stopped.cpu + 1).toString(16)};`;
    const trap = (more: string, signal = SIGTRAP) => `T${hex2(signal)}${thread}${more}`;
    switch (stopped.reason) {
      case "interrupted":
        return trap("", SIGINT);
      case "step":
        return trap("");
      case "breakpoint":
        return trap(`${BREAK_NAMES[this.hardware.has(this.on.cpu(stopped.cpu).rip) ? 1 : 0]}:;`);
      case "watchpoint": {
        const { kind, address } = stopped.watchpoint;
        return trap(`${WATCH_NAMES[kind]}:${address.toString(16)};`);
      }
      case "history-begin":
        return trap("replaylog:begin;");
      case "ended":
        return this.endReply(stopped.end, trap);
    }
  }

  private endReply(end: StopReason, trap: (more: string, signal: number) => string): string {
    if (!EXITS.has(end)) return trap("", SIGABRT);
    return `W${hex2(end === "debug-exit" ? this.on.machine.debugExitStatus : 0)}`;
  }

  private readOne(rest: string): string {
    const register = this.registers[Number(hexNumber(rest) ?? -1n)];
    return register ? toHex(readRegister(this.on, this.cpu, register)) : ERROR_SYNTAX;
  }

  private writeOne(rest: string): string {
    const [number, value] = rest.split("=");
    const register = this.registers[Number(hexNumber(number) ?? -1n)];
    const bytes = fromHex(value ?? "");
    if (!register || bytes?.length !== register.bits / 8) return ERROR_SYNTAX;
    return writeRegister(this.on, this.cpu, register, bytes) ? "OK" : ERROR_REGISTER;
  }

  /** Registers that can't be written may be among them, as they are. */
  private writeAll(rest: string): string {
    const bytes = fromHex(rest);
    const length = this.registers.reduce((sum, { bits }) => sum + bits / 8, 0);
    if (bytes?.length !== length) return ERROR_SYNTAX;
    let at = 0;
    let all = true;
    for (const register of this.registers) {
      const value = bytes.subarray(at, at + register.bits / 8);
      all = writeRegister(this.on, this.cpu, register, value) && all;
      at += value.length;
    }
    return all ? "OK" : ERROR_REGISTER;
  }

  private read(rest: string): string {
    const [address, length] = rest.split(",").map(hexNumber);
    if (address == null || length == null || rest.split(",").length !== 2) return ERROR_SYNTAX;
    const most = length > MEMORY_BYTES_MAX ? MEMORY_BYTES_MAX : Number(length);
    const bytes = readMemory(this.on, this.translator, address, most);
    return bytes.length === 0 && most > 0 ? ERROR_ADDRESS : toHex(bytes);
  }

  private write(rest: string): string {
    const colon = rest.indexOf(":");
    return this.store(rest.slice(0, colon), colon < 0 ? null : fromHex(rest.slice(colon + 1)));
  }

  private writeBinary(data: Uint8Array, rest: string): string {
    const colon = rest.indexOf(":");
    return this.store(rest.slice(0, colon), colon < 0 ? null : data.slice(colon + 2));
  }

  private store(place: string, bytes: Uint8Array | null): string {
    const [address, length] = place.split(",").map(hexNumber);
    if (address == null || !bytes || length !== BigInt(bytes.length)) return ERROR_SYNTAX;
    return writeMemory(this.on, this.translator, address, bytes) ? "OK" : ERROR_ADDRESS;
  }

  /** Z and z: type, address, kind; conditions and commands are left to gdb. */
  private point(rest: string, set: boolean): string {
    const fields = rest.split(",");
    const type = fields[0] ?? "";
    const address = hexNumber(fields[1]);
    const bytes = hexNumber(fields[2]);
    if (!/^[0-9]$/.test(type) || address === null || bytes === null || fields.length !== 3)
      return ERROR_SYNTAX;
    if (type === "0" || type === "1") return this.breakpoint(address, type === "1", set);
    const kind = WATCH_KINDS[type];
    if (!kind) return UNKNOWN;
    if (bytes < 1n || bytes > WATCH_BYTES_MAX || address + bytes > 2n ** 64n) return ERROR_SYNTAX;
    const watchpoint = { address, bytes: Number(bytes), kind };
    if (!set) this.on.clearWatchpoint(watchpoint);
    return !set || this.on.setWatchpoint(watchpoint) ? "OK" : ERROR_ROOM;
  }

  private breakpoint(address: bigint, hardware: boolean, set: boolean): string {
    if (hardware && set && this.hardware.size < DEBUG_BREAKPOINTS_MAX) this.hardware.add(address);
    if (hardware && !set) this.hardware.delete(address);
    if (!set) this.on.clearBreakpoint(address);
    return !set || this.on.setBreakpoint(address) ? "OK" : ERROR_ROOM;
  }

  /** CPU of a thread's number; of 0 and -1 the selected one; null: there is none of that number. */
  private thread(text: string): number | null {
    if (text === "-1" || text === "0") return this.cpu;
    const number = hexNumber(text);
    const known = number !== null && number >= 1n && number <= BigInt(this.on.cpus.length);
    return known ? Number(number) - 1 : null;
  }

  private select(rest: string): string {
    const cpu = this.thread(rest.slice(1));
    if (cpu === null || !/^[gc]/.test(rest)) return ERROR_SYNTAX;
    this.cpu = cpu;
    return "OK";
  }

  private resumeAt(rest: string, single: boolean): string | null {
    if (rest === "") return this.resume(this.cpu, single);
    const rip = registerBytes(hexNumber(rest));
    const register = this.registers.find(({ name }) => name === "rip" || name === "eip");
    if (!rip || !register) return ERROR_SYNTAX;
    writeRegister(this.on, this.cpu, register, rip);
    return this.resume(this.cpu, single);
  }

  private resume(cpu: number, single: boolean, held = 0n): null {
    if (single) this.on.beginStep(cpu, held);
    else this.on.beginContinue(cpu, held);
    this.work = { kind: "forwards", cpu };
    return null;
  }

  private backwards(rest: string): string | null {
    if (rest !== "s" && rest !== "c") return UNKNOWN;
    if (this.on.historyProblem) return ERROR_REGISTER;
    this.work = { kind: "backwards", cpu: this.cpu, single: rest === "s" };
    return null;
  }

  private multi(text: string): string | null {
    if (text === "vCont?") return "vCont;c;C;s;S";
    if (text.startsWith("vCont;")) return this.continueThreads(text.slice(6).split(";"));
    if (text.startsWith("vKill")) {
      this.leave("killed");
      return "OK";
    }
    return UNKNOWN;
  }

  /** One CPU may step; those that no action names are held (gdb manual, E.2, vCont). */
  private continueThreads(actions: readonly string[]): string | null {
    let steps: number | null = null;
    let first: number | null = null;
    let held = (1n << BigInt(this.on.cpus.length)) - 1n;
    for (const action of actions) {
      const [what = "", thread = "-1"] = action.split(":");
      const cpu = this.thread(thread);
      if (!/^([cs]|[CS][0-9a-f]{2})$/i.test(what) || cpu === null) return ERROR_SYNTAX;
      held = thread === "-1" ? 0n : held & ~(1n << BigInt(cpu));
      first ??= cpu;
      if (/^s/i.test(what)) steps ??= cpu;
    }
    return this.resume(steps ?? first ?? this.cpu, steps !== null, held);
  }

  private query(text: string): string | Promise<string> {
    const [name = ""] = text.split(/[:,;]/, 1);
    const rest = text.slice(name.length + 1);
    switch (name) {
      case "qSupported":
        return [...FEATURES, ...(this.on.historyProblem ? [] : BACKWARDS)].join(";");
      case "QStartNoAckMode":
        return "OK";
      case "qC":
        return `QC${(this.cpu + 1).toString(16)}`;
      case "qAttached":
        return "1";
      case "qfThreadInfo":
        return `m${this.on.cpus.map((_, n) => (n + 1).toString(16)).join(",")}`;
      case "qsThreadInfo":
        return "l";
      case "qThreadExtraInfo": {
        const cpu = this.thread(rest);
        if (cpu === null) return ERROR_SYNTAX;
        return textHex(`CPU ${cpu} ${activityOf(this.on, cpu)}`);
      }
      case "qXfer":
        return this.transfer(rest);
      case "qRcmd":
        return this.monitor(rest);
      case "qSymbol":
        return "OK";
      default:
        return this.qemu.answer(text) ?? UNKNOWN;
    }
  }

  private transfer(rest: string): string {
    const match = /^features:read:([^:]*):([0-9a-f]{1,8}),([0-9a-f]{1,8})$/i.exec(rest);
    if (!match) return rest.startsWith("features:read:") ? ERROR_SYNTAX : UNKNOWN;
    if (match[1] !== "target.xml") return "E00";
    const offset = Number.parseInt(match[2] ?? "", 16);
    if (offset === 0) this.architecture = this.chosen ?? this.codeOfCpu;
    const text = targetDescription(this.architecture);
    const length = Math.min(Number.parseInt(match[3] ?? "", 16), MEMORY_BYTES_MAX);
    if (offset > text.length) return ERROR_SYNTAX;
    const part = text.slice(offset, offset + length);
    return `${offset + part.length < text.length ? "m" : "l"}${part}`;
  }

  /** Where the kernel is WebAssembly, all is of 64 bits. */
  private get codeOfCpu(): Architecture {
    const { on } = this;
    return on.engine.state.guest === 0 ? "i386:x86-64" : architectureOf(on.cpu(this.cpu));
  }

  /** Whose tables translate addresses; null: they are physical. */
  private get translator(): number | null {
    return this.qemu.physical ? null : this.cpu;
  }

  private async monitor(rest: string): Promise<string> {
    const bytes = fromHex(rest);
    if (!bytes) return ERROR_SYNTAX;
    const line = latin1(bytes).trim();
    const chosen = /^architecture (auto|i386|i8086|i386:x86-64)$/.exec(line)?.[1];
    if (chosen !== undefined) {
      this.chosen = chosen === "auto" ? null : (chosen as Architecture);
      return textHex("gdb takes it with: unset tdesc filename\n");
    }
    const answer = await runMonitor(this.on, this.cpu, line);
    return textHex(answer.slice(0, MEMORY_BYTES_MAX));
  }
}

const hex2 = (value: number) => value.toString(16).padStart(2, "0");
const latin1 = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
const textHex = (text: string) => toHex(new TextEncoder().encode(text));

function registerBytes(value: bigint | null): Uint8Array | null {
  if (value === null) return null;
  return Uint8Array.from({ length: 8 }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
}
