/** A simulated x86_64 machine: create it, run or step it, look inside, change it on purpose. */
import { KernelViews } from "../../kernel/host/views.ts";
import type { Agents } from "./agents.ts";
import { ChromeTrace } from "./chrome-trace.ts";
import type { Core } from "./core.ts";
import type { Drive } from "./drives.ts";
import { type DriveFailure, Engine, NEVER } from "./engine.ts";
import type { MachineError } from "./errors.ts";
import { Debugger } from "./gdb/debugger.ts";
import { InputPort } from "./input-port.ts";
import { driveShape, Journal } from "./journal.ts";
import { loadModules } from "./modules.ts";
import { checkOptions, createDrives, guestShape, type MachineOptions } from "./options.ts";
import { PhysicalMemory, VirtualMemory } from "./physical.ts";
import type { StopReason } from "./reasons.ts";
import { RecordingDataView } from "./recording.ts";
import { requireSame, requireSameGuest, requireSameModules } from "./same.ts";
import { capture, copyInto, putInto, requireCopyable, type Snapshot } from "./snapshot.ts";
import { stateHash } from "./state-hash.ts";
import type { EventKind, MachineEvent } from "./trace-events.ts";
import type { Machine as MachineState } from "./views.generated.ts";
import { SimViews } from "./views.ts";
import type { Watch } from "./watch.ts";

export type { MachineOptions } from "./options.ts";

export interface RunOptions {
  /** Virtual time in ns, from power-on: nothing that begins then or later is done. */
  readonly until?: number | bigint;
  /** Micro-steps to make at most. */
  readonly steps?: number;
  /** Ends the run; asked before the first micro-step and after each. */
  readonly condition?: () => boolean;
}

export interface BootOptions {
  /** Virtual time in ns at which a boot that hasn't ended is given up. Default 60 s. */
  readonly until?: number | bigint;
}

/** What a machine that others have made still needs: see MachineOptions. */
export type CopyOptions = Pick<
  MachineOptions,
  "drives" | "guest" | "journal" | "modules" | "programs"
>;

const BOOT_LIMIT = 60_000_000_000n;

export class Machine {
  private readonly engine: Engine;
  /** Everything that may enter the machine; each input is journaled. */
  readonly input: InputPort;
  /** Agents whose programs are TypeScript: `program` makes one known. */
  readonly agents: Agents;
  /** RAM by physical address. */
  readonly physical: PhysicalMemory;
  /** Typed views of CPUs, devices and the event queue. Writing a field is a journaled input. */
  readonly sim: SimViews;
  /** Typed views of the kernel's structures. Writing a field is a journaled input. */
  readonly kernel: KernelViews;
  private lastStop: StopReason | null = null;
  private attached: Debugger | null = null;

  private constructor(engine: Engine) {
    this.engine = engine;
    const { core } = engine;
    this.input = new InputPort(engine);
    this.agents = engine.agents;
    this.physical = new PhysicalMemory(core, engine.configuration.memory, (input) =>
      engine.give(input),
    );
    const recording = new RecordingDataView(core.memory.buffer, (at, bytes) =>
      engine.give({ kind: "memory", at, bytes }),
    );
    this.sim = new SimViews(recording);
    this.kernel = new KernelViews(recording);
  }

  /**
   * Builds a machine and turns it on; nothing has run yet.
   * @throws MachineError bad-… that names the option; memory-unavailable
   */
  static async create(options: MachineOptions = {}): Promise<Machine> {
    const configuration = checkOptions(options, options.guest && (await guestShape(options.guest)));
    const drives = createDrives(options.drives ?? []);
    const modules = options.modules ?? (await loadModules());
    const engine = new Engine(modules, configuration, drives, options);
    engine.powerOn(options.guest);
    return new Machine(engine);
  }

  /**
   * A machine at power-on that takes its inputs from the journal, each at its step, as it is run.
   * With the same images on its drives, and the same guest, it goes through the same states. Programs
   * that can be frozen, if it knows them, run along, and agents go on with them behind the journal's end.
   * @throws MachineError journal-mismatch when its drives or its guest aren't those of the journal
   */
  static async replay(journal: Journal, options: CopyOptions = {}): Promise<Machine> {
    const drives = createDrives(options.drives ?? []);
    requireSame("journal-mismatch", journal.drives, drives);
    requireSameGuest(
      journal.configuration.guest,
      options.guest && (await guestShape(options.guest)),
    );
    const modules = options.modules ?? (await loadModules());
    const engine = new Engine(modules, journal.configuration, drives, options);
    engine.powerOn(options.guest);
    engine.replay = [...journal.entries].reverse();
    return new Machine(engine);
  }

  /**
   * A machine that goes on where the snapshot was taken. `drives` are the images that the machine
   * had; what it had changed on them comes from the snapshot.
   * @throws MachineError snapshot-modules, snapshot-drives
   */
  static async restore(snapshot: Snapshot, options: CopyOptions = {}): Promise<Machine> {
    const drives = createDrives(options.drives ?? []);
    requireSame("snapshot-drives", snapshot.journal.drives, drives);
    const modules = options.modules ?? (await loadModules());
    requireSameModules(snapshot.host.modules, modules);
    const engine = new Engine(modules, snapshot.journal.configuration, drives, options);
    requireCopyable(engine);
    putInto(engine, snapshot);
    return new Machine(engine);
  }

  /**
   * The machine's whole state, from which `restore` makes machines.
   * @throws MachineError drive-written-through; guest-trap when it has crashed
   */
  snapshot(): Snapshot {
    return capture(this.engine);
  }

  /**
   * A second machine in the same state that goes on alone: its memory and what it writes to drives
   * are its own. Costs what is used, not RAM's size. It knows the same programs; an agent that had
   * begun one that can't be frozen has left its generator behind, and faults when it is asked.
   * @throws MachineError drive-written-through; guest-trap when it has crashed
   */
  fork(): Machine {
    requireCopyable(this.engine);
    const drives = this.engine.drives.map((drive) => drive.fork());
    const { modules, configuration, agents, journal } = this.engine;
    const programs = agents.programs.copy();
    const child = new Engine(modules, configuration, drives, { programs, journal: journal.limit });
    copyInto(child, this.engine);
    return new Machine(child);
  }

  /** Whether an operating system that brought its own code runs, instead of kernel.wasm. */
  get isGuest(): boolean {
    return this.engine.configuration.guest !== undefined;
  }

  /** Virtual time in ns since power-on. */
  get time(): bigint {
    return this.engine.time;
  }

  /** Micro-steps made since power-on: an event, or a CPU's turn. */
  get steps(): bigint {
    return this.engine.state.steps;
  }

  /** Whether an input may come now: no debugger has paused it in a turn, or taken it into its past. */
  get takesInput(): boolean {
    return !this.engine.paused && !this.engine.inPast;
  }

  /** Why the last run ended; null before the first. */
  get stopReason(): StopReason | null {
    return this.lastStop;
  }

  /** The status with which the debug exit port ended the run: the value written, doubled, plus 1. */
  get debugExitStatus(): number {
    return ((this.engine.state.debugExitValue << 1) | 1) & 0xff;
  }

  /** What trapped, once the machine is `"crashed"`. */
  get crash(): MachineError | null {
    return this.engine.crash;
  }

  /** Runs from power-on until the guest ends it, idles for good, or 60 s of virtual time passed. */
  boot(options: BootOptions = {}): StopReason {
    const { reached } = this.engine;
    const reason = this.run({ until: options.until ?? BOOT_LIMIT });
    // The limit is a precaution here: an idle machine stands where it became idle.
    if (reason === "idle") this.engine.reached = reached;
    return reason;
  }

  /**
   * Runs until the guest or one of the options ends it; says which. A number alone is `until`.
   * @throws MachineError guest-trap when code of machine or kernel traps; the machine is then
   *   "crashed", and can be looked at but not run
   */
  run(options: RunOptions | bigint = {}): StopReason {
    const { until, steps, condition }: RunOptions =
      typeof options === "bigint" ? { until: options } : options;
    this.lastStop = "crashed";
    const limit = until === undefined ? NEVER : BigInt(until);
    this.lastStop = this.engine.run(limit, steps ?? Number.POSITIVE_INFINITY, condition);
    return this.lastStop;
  }

  /** Makes one micro-step, or with `slice` all that are left of one slice of virtual time. */
  step(options: { readonly slice?: boolean } = {}): StopReason {
    const first = this.run({ steps: 1 });
    if (!options.slice || first !== "steps") return first;
    for (;;) {
      const { sliceEnd } = this.engine.state;
      const reason = this.run({ until: sliceEnd, steps: 1 });
      if (reason !== "steps") return reason === "limit" || reason === "idle" ? "steps" : reason;
    }
  }

  /** Steps until the condition holds ("condition") or nothing more can be done. */
  stepUntil(condition: () => boolean, options: Omit<RunOptions, "condition"> = {}): StopReason {
    return this.run({ ...options, condition });
  }

  /** Ends a run ("break") after the micro-step in which such an event happens. */
  breakOn<K extends EventKind>(
    kind: K,
    predicate: (event: MachineEvent<K>) => boolean = () => true,
  ): Watch {
    const see = predicate as (event: MachineEvent) => boolean;
    return this.engine.watch.add({ kind, see, breaks: true });
  }

  /** Calls `listener` for each such event, some time after it happened; `"*"`: for all. */
  on<K extends EventKind>(kind: K | "*", listener: (event: MachineEvent<K>) => void): Watch {
    const see = (event: MachineEvent) => {
      listener(event as MachineEvent<K>);
      return false;
    };
    return this.engine.watch.add({ kind, see, breaks: false });
  }

  /**
   * Writes what happens from now on as a trace for Perfetto or chrome://tracing, piece by piece;
   * `finish` ends the file.
   */
  trace(write: (text: string) => void): { finish(): void } {
    const trace = new ChromeTrace(write);
    const watch = this.on("*", (event) => trace.add(event));
    return {
      finish: () => {
        watch.remove();
        trace.finish();
      },
    };
  }

  /** Calls `listener` for each byte as the first serial port sends it. */
  onConsole(listener: (byte: number) => void): Watch {
    const { consoleListeners } = this.engine;
    consoleListeners.add(listener);
    return { remove: () => void consoleListeners.delete(listener) };
  }

  /** Memory as CPU `cpu` translates it. */
  virtual(cpu = 0): VirtualMemory {
    return new VirtualMemory(this.engine.core, this.physical, cpu);
  }

  /** SHA-256 over all state: CPUs, devices, RAM, what drives have changed, programs that can be frozen; hex. */
  stateHash(): string {
    return stateHash(this.engine);
  }

  /** What the first serial port sent, as text. */
  get consoleText(): string {
    return this.engine.console.text;
  }

  get consoleBytes(): number[] {
    return [...this.engine.console.bytes];
  }

  /** The latest frames that the network controller sent, up to 4,096. */
  get framesSent(): Uint8Array[] {
    return this.engine.framesSent;
  }

  get drives(): readonly Drive[] {
    return this.engine.drives;
  }

  get driveErrors(): readonly DriveFailure[] {
    return this.engine.driveErrors;
  }

  /** The inputs so far, with what the machine is made of: enough to run it again. */
  get journal(): Journal {
    const { configuration, drives, journal } = this.engine;
    return new Journal(configuration, drives.map(driveShape), journal.entries());
  }

  /**
   * The inputs so far, which the machine then no longer keeps: `journal` and snapshots have those that
   * come after. `Journal.join` puts the parts of a run together again, for a replay.
   */
  takeJournal(): Journal {
    const { journal } = this;
    this.engine.journal.clear();
    return journal;
  }

  /** As `takeJournal`, for whoever will never replay what has been: nothing is made of the inputs. */
  dropJournal(): void {
    this.engine.journal.clear();
  }

  /** Breakpoints, single steps and the way back, for a debugger on this machine. */
  get debugger(): Debugger {
    this.attached ??= new Debugger(this, this.engine);
    return this.attached;
  }

  /** The raw exports and memory, for tests of devices: nothing done here is journaled. */
  get core(): Core {
    return this.engine.core;
  }

  /** The root structure of the machine's state, unjournaled like `core`. */
  get state(): MachineState {
    return this.engine.state;
  }
}
