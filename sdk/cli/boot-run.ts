/** Runs the machine that `aios boot` describes. Loaded only when it is needed: it brings the machine. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { GuestOptions } from "../../sim/host/boot/guest.ts";
import { MachineError } from "../../sim/host/errors.ts";
import { GdbServer } from "../../sim/host/gdb/server.ts";
import { Machine } from "../../sim/host/machine.ts";
import { fileDrive } from "../../sim/host/node/file.ts";
import type { MachineOptions } from "../../sim/host/options.ts";
import type { StopReason } from "../../sim/host/reasons.ts";
import { Snapshot } from "../../sim/host/snapshot.ts";
import type { BootArguments } from "./boot.ts";
import type { DriveArgument } from "./drive.ts";
import { EXIT_BAD_INPUT, EXIT_LIMIT, EXIT_OFF, EXIT_PANIC, EXIT_STATUS } from "./exit.ts";
import { type GuestEnd, runGuest } from "./guest-run.ts";
import { hangReport, readSymbols } from "./hang-report.ts";
import { FileError, INPUT_BYTES_MAX, readInputFile, writeFileAtomically } from "./image-file.ts";
import { seedBytes } from "./seed.ts";

/** QEMU's default `iobase`. */
const DEBUG_EXIT_DEFAULT = 0x501;
/** Micro-steps between two looks at the debugger, and how long a machine that it holds is left alone. */
const STEPS_AT_A_TIME = 1000;
const HELD_MS = 100;
const NEVER = 0xffff_ffff_ffff_ffffn;
/** As large as a file can be that is read in one piece. */
const SNAPSHOT_BYTES_MAX = 2 ** 31 - 1;
const NIC_ADDRESS = "52:54:00:12:34:56";

/** Boots, prints and returns the exit status. Bad input is one line on stderr. */
export async function runBoot(options: BootArguments): Promise<number> {
  try {
    return await boot(options);
  } catch (error) {
    const expected = error instanceof MachineError || error instanceof FileError;
    if (!expected && !isFileError(error)) throw error;
    process.stderr.write(`aios: ${(error as Error).message}\n`);
    return error instanceof MachineError && error.code === "guest-trap"
      ? EXIT_PANIC
      : EXIT_BAD_INPUT;
  }
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string";
}

async function boot(options: BootArguments): Promise<number> {
  if (options.kernel !== undefined && options.agent !== undefined)
    throw new MachineError("bad-argument", "--agent is for the own kernel, not for a --kernel");
  refuseArguments(options);
  if (options.kernel === undefined && options.restore === undefined) refuseGuestOptions(options);
  const machine = await makeMachine(options);
  if (machine.isGuest) return bootGuest(machine, options);
  refuseGuestOptions(options);
  if (!options.json) machine.onConsole((byte) => void process.stdout.write(Uint8Array.of(byte)));
  const trace = options.trace === undefined ? null : traceInto(machine, options.trace);
  const started = performance.now();
  let reason: StopReason;
  const gdb = await listenForGdb(machine, options.gdb);
  try {
    reason = gdb ? await debugToEnd(machine, options, gdb) : runToEnd(machine, options);
  } finally {
    gdb?.close();
    trace?.();
  }
  await writeResults(machine, options);
  report(machine, reason, performance.now() - started, options);
  return options.agent !== undefined && reason === "power-off"
    ? agentEnd(machine)
    : EXIT_STATUS[reason];
}

/** Status of a run whose first agent was given; an end that isn't its own is told on stderr. */
async function agentEnd(machine: Machine): Promise<number> {
  const { agentStatus } = await import("./agent-run.ts");
  const { status, said } = agentStatus(machine);
  if (said !== "") process.stderr.write(`aios: ${said}\n`);
  return status;
}

/** @throws MachineError bad-argument: nobody is there to whom these are said */
function refuseArguments({ agent, arguments: words = [], environment = [] }: BootArguments): void {
  if (agent === undefined && words.length + environment.length > 0)
    throw new MachineError(
      "bad-argument",
      "arguments and --env are for an --agent, and there is none",
    );
}

/** @throws MachineError bad-argument: these say something about a kernel that isn't there */
function refuseGuestOptions(options: BootArguments): void {
  for (const name of ["initrd", "append", "symbols", "untilConsole"] as const)
    if (options[name] !== undefined) {
      const option = name === "untilConsole" ? "until-console" : name;
      throw new MachineError("bad-argument", `--${option} is for a --kernel, and there is none`);
    }
}

async function bootGuest(machine: Machine, options: BootArguments): Promise<number> {
  const symbols = options.symbols === undefined ? null : readSymbols(options.symbols);
  const trace = options.trace === undefined ? null : traceInto(machine, options.trace);
  const started = performance.now();
  let end: GuestEnd;
  const gdb = await listenForGdb(machine, options.gdb);
  try {
    end = await runGuest(machine, { ...options, quiet: options.json, gdb });
  } finally {
    gdb?.close();
    trace?.();
  }
  await writeResults(machine, options);
  const hostMs = performance.now() - started;
  if (options.json) reportGuest(machine, end, hostMs);
  else if (end.reason === "limit" || end.reason === "triple-fault")
    process.stderr.write(hangReport(machine, end, symbols));
  return guestStatus(machine, end);
}

function guestStatus(machine: Machine, { reason, shown }: GuestEnd): number {
  if (shown) return EXIT_OFF;
  return reason === "debug-exit" ? machine.debugExitStatus : EXIT_STATUS[reason];
}

function reportGuest(machine: Machine, end: GuestEnd, hostMs: number): void {
  const result = {
    reason: end.reason,
    exitStatus: guestStatus(machine, end),
    virtualTimeNs: Number(machine.time),
    steps: Number(machine.steps),
    hostMs: Math.round(hostMs * 1000) / 1000,
    stateHash: machine.stateHash(),
    console: machine.consoleText,
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}

/** Until the machine ends; once the kernel has nothing left to do, the power button is pressed. */
function runToEnd(machine: Machine, { until, whenIdle, agent }: BootArguments): StopReason {
  const limit = until === undefined ? {} : { until };
  if (whenIdle === "stop") return machine.run(limit);
  // The kernel is done before its first agent is: only an idle machine has run both to their ends.
  const done = agent === undefined ? { condition: () => machine.kernel.idle } : {};
  const reason = machine.run({ ...limit, ...done });
  if (reason !== (agent === undefined ? "condition" : "idle")) return reason;
  machine.input.powerButton();
  return machine.run(limit);
}

/** The same while a debugger has its say: it may hold the machine for as long as it likes. */
async function debugToEnd(
  machine: Machine,
  { until = NEVER, whenIdle }: BootArguments,
  gdb: GdbServer,
): Promise<StopReason> {
  let pressed = whenIdle === "stop";
  for (;;) {
    const reason = await gdb.run(until, STEPS_AT_A_TIME);
    if (gdb.killed) return "condition";
    if (reason === "condition") await gdb.rest(HELD_MS);
    else if (reason === "steps") await new Promise((resolve) => setImmediate(resolve));
    else if (reason !== "idle" || pressed) return reason;
    if (pressed || reason === "condition" || !machine.kernel.idle) continue;
    if (machine.debugger.engine.inPast || machine.debugger.engine.paused) continue;
    machine.input.powerButton();
    pressed = true;
  }
}

/** Says on stderr where it listens. */
async function listenForGdb(machine: Machine, port: number | undefined): Promise<GdbServer | null> {
  if (port === undefined) return null;
  const gdb = await GdbServer.listen(machine, port);
  process.stderr.write(`aios: waiting for gdb: target remote 127.0.0.1:${gdb.port}\n`);
  return gdb;
}

/** A machine at power-on, or where its snapshot was taken. */
async function makeMachine(options: BootArguments): Promise<Machine> {
  if (options.restore === undefined) return Machine.create(await machineOptions(options));
  const snapshot = await Snapshot.fromBytes(readInputFile(options.restore, SNAPSHOT_BYTES_MAX));
  return Machine.restore(snapshot, { drives: options.drive.map(openDrive) });
}

async function machineOptions(options: BootArguments): Promise<MachineOptions> {
  const ownKernel = options.kernel === undefined;
  const given = options.drive.map(openDrive);
  const drives =
    options.agent !== undefined
      ? [await (await import("./agent-run.ts")).agentDrive(options.agent, options), ...given]
      : given.length > 0 || !ownKernel
        ? given
        : await (await import("./default-drives.ts")).defaultDrives();
  return {
    cpus: options.cpus,
    memory: options.memory,
    drives,
    ...(options.kernel === undefined ? {} : { guest: guestFiles(options.kernel, options) }),
    ...(options.debugExit === undefined ? {} : { debugExit: debugExitPort(options.debugExit) }),
    ...(options.nic ? { nic: NIC_ADDRESS } : {}),
    ...(options.seed === undefined ? {} : { seed: seedBytes(options.seed) }),
  };
}

function guestFiles(kernel: string, { initrd, append }: BootArguments): GuestOptions {
  return {
    kernel: readInputFile(kernel, INPUT_BYTES_MAX),
    ...(initrd === undefined ? {} : { initrd: readInputFile(initrd, INPUT_BYTES_MAX) }),
    ...(append === undefined ? {} : { commandLine: append }),
  };
}

const debugExitPort = (option: number | true): number =>
  option === true ? DEBUG_EXIT_DEFAULT : option;

function openDrive({ file, blockBytes, interface: attachment, readOnly, overlay }: DriveArgument) {
  return fileDrive(file, { interface: attachment, blockBytes, readOnly, overlay });
}

/** Writes the trace as it comes; the returned function ends it. */
function traceInto(machine: Machine, path: string): () => void {
  const file = openSync(path, "w");
  const trace = machine.trace((text) => void writeSync(file, text));
  return () => {
    trace.finish();
    closeSync(file);
  };
}

async function writeResults(machine: Machine, { journal, snapshot }: BootArguments): Promise<void> {
  if (journal !== undefined) writeFileAtomically(journal, await machine.journal.toBytes());
  if (snapshot !== undefined) writeFileAtomically(snapshot, await machine.snapshot().toBytes());
}

function report(
  machine: Machine,
  reason: StopReason,
  hostMs: number,
  options: BootArguments,
): void {
  if (!options.json) {
    if (EXIT_STATUS[reason] === EXIT_LIMIT)
      process.stderr.write(`aios: stopped (${reason}) after ${machine.time} ns of virtual time\n`);
    return;
  }
  const { kernel } = machine;
  const { panic } = kernel;
  const result = {
    reason,
    exitStatus: EXIT_STATUS[reason],
    stage: kernel.stage,
    panic: panic && { ...panic, place: `0x${panic.place.toString(16)}` },
    virtualTimeNs: Number(machine.time),
    steps: Number(machine.steps),
    hostMs: Math.round(hostMs * 1000) / 1000,
    stateHash: machine.stateHash(),
    bundle: kernel.bundle.map(({ name, bytes, digest }) => ({
      name,
      bytes: bytes.length,
      sha256: digest,
    })),
    console: machine.consoleText,
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}
