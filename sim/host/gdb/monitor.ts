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

export function activityOf(on: Debugger, cpu: number): string {
  const { activity, cpl } = on.cpu(cpu);
  return `${ACTIVITIES[activity] ?? "?"}, CPL ${cpl}`;
}

const COMMANDS: readonly Command[] = [
  {
    usage: "help",
    about: "this list",
    run: () => COMMANDS.map(({ usage, about }) => `${usage.padEnd(16)} ${about}`).join("\n"),
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
    usage: "snapshot FILE",
    about: "write a snapshot; the machine must be between two turns",
    run: snapshot,
  },
];

/** The answer, or what is wrong. */
export async function runMonitor(on: Debugger, cpu: number, line: string): Promise<string> {
  const text = line.trim();
  const command = COMMANDS.find(({ usage }) => {
    const words = usage.replace(/ FILE$/, "");
    return text === words || (usage !== words && text.startsWith(`${words} `));
  });
  if (!command) return `"${text}" is no command of this machine; try "monitor help"\n`;
  const argument = text.slice(command.usage.replace(/ FILE$/, "").length).trim();
  return `${await command.run(on, cpu, argument)}\n`;
}

function cpuLine(on: Debugger, _: unknown, cpu: number): string {
  return `CPU ${cpu} ${activityOf(on, cpu)}, rip ${hex(on.cpu(cpu).rip)}`;
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
