/** gdb's `monitor`: what its own commands don't reach. */
import { writeFileSync } from "node:fs";
import type { Debugger } from "./debugger.ts";

interface Command {
  readonly usage: string;
  readonly about: string;
  run(on: Debugger, cpu: number, argument: string): string | Promise<string>;
}

const hex = (value: bigint | number, digits = 16) => value.toString(16).padStart(digits, "0");
const SEGMENTS = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"];
const ACTIVITIES = ["waits for SIPI", "runs", "is halted", "has shut down"];

const MIB = 1024 * 1024;
/** What a command's line names in capitals is its argument. */
const ARGUMENT = / [A-Z]+$/;

export function activityOf(on: Debugger, cpu: number): string {
  const { activity, cpl } = on.cpu(cpu);
  return `${ACTIVITIES[activity] ?? "?"}, CPL ${cpl}`;
}

const COMMANDS: readonly Command[] = [
  {
    usage: "help",
    about: "this list",
    run: () => COMMANDS.map(({ usage, about }) => `${usage.padEnd(22)} ${about}`).join("\n"),
  },
  { usage: "info registers", about: "system registers and segments of the CPU", run: registers },
  {
    usage: "info cpus",
    about: "what each CPU is doing",
    run: (on) => on.cpus.map(cpuLine.bind(null, on)).join("\n"),
  },
  {
    usage: "info position",
    about: "micro-steps, virtual time and the CPU's instructions so far",
    run: (on, cpu) => {
      const { steps, turn } = on.position;
      const where = turn ? `in the turn of CPU ${turn.cpu}` : "between two turns";
      const { clock, retired } = on.cpu(cpu);
      return `step ${steps}, ${where}\nCPU ${cpu}: ${clock} ns, ${retired} instructions`;
    },
  },
  {
    usage: "info hash",
    about: "SHA-256 of the machine's state",
    run: (on) => on.machine.stateHash(),
  },
  {
    usage: "until NS",
    about: "the next continue stops at this virtual time at the latest",
    run: (on, _, argument) => {
      if (!/^[1-9][0-9]{0,17}$/.test(argument)) return "until: a number of nanoseconds";
      on.deadline = BigInt(argument);
      return `stops at ${argument} ns`;
    },
  },
  {
    usage: "architecture NAME",
    about: "what gdb is to take code for: i386:x86-64, i386, i8086, or auto",
    run: () => "architecture: i386:x86-64, i386, i8086 or auto",
  },
  { usage: "info history", about: "how far back there is a way, and what it takes", run: history },
  {
    usage: "history interval STEPS",
    about: "micro-steps between two checkpoints: shorter ways back, and more time on the way there",
    run: (on, _, argument) => {
      if (!/^[1-9][0-9]{0,8}$/.test(argument)) return "history interval: a number of micro-steps";
      on.checkpoints.interval = BigInt(argument);
      return history(on);
    },
  },
  {
    usage: "history size MIB",
    about: "memory for checkpoints; when it is full, those far back become fewer",
    run: (on, _, argument) => {
      if (!/^[1-9][0-9]{0,4}$/.test(argument)) return "history size: a number of MiB";
      on.checkpoints.bytesMax = Number(argument) * MIB;
      return history(on);
    },
  },
  {
    usage: "snapshot FILE",
    about: "write a snapshot; the machine must be between two turns",
    run: snapshot,
  },
];

/** The answer, or what is wrong. */
export async function runMonitor(on: Debugger, cpu: number, line: string): Promise<string> {
  const text = line.trim();
  const command = COMMANDS.find(({ usage }) => {
    const words = usage.replace(ARGUMENT, "");
    return text === words || (usage !== words && text.startsWith(`${words} `));
  });
  if (!command) return `"${text}" is no command of this machine; try "monitor help"\n`;
  const argument = text.slice(command.usage.replace(ARGUMENT, "").length).trim();
  return `${await command.run(on, cpu, argument)}\n`;
}

function cpuLine(on: Debugger, _: unknown, cpu: number): string {
  return `CPU ${cpu} ${activityOf(on, cpu)}, rip ${hex(on.cpu(cpu).rip)}`;
}

function history({ checkpoints, historyProblem }: Debugger): string {
  if (historyProblem) return `there is none: ${historyProblem.message}`;
  const { count, first, bytes, bytesMax, interval } = checkpoints;
  return [
    `back to step ${first?.steps ?? 0n}, ${first?.time ?? 0n} ns`,
    `${count} checkpoints, one every ${interval} steps at most`,
    `${Math.ceil(bytes / MIB)} MiB of ${bytesMax / MIB}`,
  ].join("\n");
}

function registers(on: Debugger, cpu: number): string {
  const state = on.cpu(cpu);
  const pairs = ["cr0", "cr2", "cr3", "cr4", "efer", "xcr0", "dr6", "dr7", "kernelGsBase"] as const;
  const lines = pairs.map((name) => `${name.padEnd(12)} ${hex(state[name])}`);
  const tables = [
    `gdt          ${hex(state.gdtBase)} limit ${hex(state.gdtLimit, 4)}`,
    `idt          ${hex(state.idtBase)} limit ${hex(state.idtLimit, 4)}`,
  ];
  const segments = SEGMENTS.map((name, n) => {
    const { selector, base, limit, attributes } = state.segmentsAt(n);
    return `${name.padEnd(5)} ${hex(selector, 4)} base ${hex(base)} limit ${hex(limit, 8)} attributes ${hex(attributes, 4)}`;
  });
  return [cpuLine(on, null, cpu), ...lines, ...tables, ...segments].join("\n");
}

async function snapshot(on: Debugger, _: number, path: string): Promise<string> {
  if (path === "") return "snapshot: which file?";
  if (on.engine.paused)
    return "snapshot: a CPU is in the middle of its turn; continue to the turn's end first";
  try {
    writeFileSync(path, await on.machine.snapshot().toBytes());
    return `written to ${path}`;
  } catch (error) {
    return `snapshot: ${error instanceof Error ? error.message : error}`;
  }
}
