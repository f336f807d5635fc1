/** What a machine is made of: the options of `Machine.create`, checked. */
import type { GuestOptions } from "./boot/guest.ts";
import { fromHex, sha256, toHex } from "./digest.ts";
import { DEFAULT_BLOCK_BYTES, Drive, type DriveOptions } from "./drives.ts";
import { MachineError } from "./errors.ts";
import type { Modules } from "./modules.ts";
import type { Programs } from "./programs.ts";

export interface MachineOptions {
  /** Logical processors, 1 to 64. Default 1. */
  readonly cpus?: number;
  /** RAM in bytes: 2 MiB to 3.5 GiB, a multiple of 64 KiB. Default 256 MiB. */
  readonly memory?: number;
  /** Wall-clock time at power-on, in whole seconds since 1970. Default 2025-01-01. */
  readonly epochSeconds?: number;
  /** 32 bytes that the guest gets as boot entropy. Default all zero: the same run each time. */
  readonly seed?: Uint8Array;
  /** Drives, at most 32, in the order in which the guest finds them. */
  readonly drives?: readonly DriveOptions[];
  /** MAC address of a network controller, as six bytes or "52:54:00:12:34:56"; none by default. */
  readonly nic?: readonly number[] | string;
  /**
   * I/O port, of four, whose writes end the run ("debug-exit") with a status: QEMU's isa-debug-exit.
   * None by default.
   */
  readonly debugExit?: number;
  /** False: devices exist, but no CPU ever runs, for tests of devices. Default true. */
  readonly start?: boolean;
  /** An operating system that brings its own code and runs instead of kernel.wasm. */
  readonly guest?: GuestOptions;
  /** Modules other than the project's own build. */
  readonly modules?: Modules;
  /** Programs that agents may be from the start; `machine.agents.program` adds to them. */
  readonly programs?: Programs;
  /**
   * Bytes of the host's memory that the inputs so far may take: 1 MiB or more, by default 1 GiB, which
   * is some five million messages of agents. At the limit a run ends with "journal-full".
   */
  readonly journal?: number;
}

/** Options with defaults filled in and every value checked. */
export interface Configuration {
  readonly cpus: number;
  readonly memory: number;
  readonly epochSeconds: number;
  readonly seed: Uint8Array;
  /** MAC address, first byte lowest; 0 for no network controller. */
  readonly nic: bigint;
  /** 0 for none. */
  readonly debugExit: number;
  readonly start: boolean;
  /** Set when a guest runs instead of kernel.wasm. */
  readonly guest?: GuestShape;
}

/** A guest as a journal names it: digests of its files, SHA-256 in hexadecimal digits. */
export interface GuestShape {
  readonly kernel: string;
  readonly initrd: string | null;
  readonly commandLine: string;
}

export const CPUS_MAX = 64;
const MIB = 1024 * 1024;
/** RAM grows in WebAssembly pages. */
export const MEMORY_UNIT = 64 * 1024;
/** The kernel's image and its root data end at 2 MiB. */
export const MEMORY_MIN = 2 * MIB;
/** What a 32-bit linear memory leaves beside the machine's own state. */
export const MEMORY_MAX = 3584 * MIB;
export const DRIVES_MAX = 32;
/** The last port with three behind it. */
const PORT_MAX = 0xfffc;
const DEFAULT_MEMORY = 256 * MIB;
export const JOURNAL_MIN = MIB;
const DEFAULT_JOURNAL = 1024 * MIB;
/** 2025-01-01T00:00:00Z */
const DEFAULT_EPOCH = 1_735_689_600;
/** 9999-12-31T23:59:59Z: what the real-time clock's four digits can show. */
const EPOCH_MAX = 253_402_300_799;
export const SEED_BYTES = 32;

/** What a journal or a snapshot remembers of the guest's files. */
export async function guestShape(guest: GuestOptions): Promise<GuestShape> {
  const digest = async (bytes: Uint8Array) => toHex(await sha256(bytes));
  return {
    kernel: await digest(guest.kernel),
    initrd: guest.initrd ? await digest(guest.initrd) : null,
    commandLine: guest.commandLine ?? "",
  };
}

/**
 * @param guest shape of `options.guest`
 * @throws MachineError that names the option, its value and what would be right
 */
export function checkOptions(
  options: Omit<MachineOptions, "guest">,
  guest?: GuestShape,
): Configuration {
  const memory = options.memory ?? DEFAULT_MEMORY;
  const seed = options.seed ?? new Uint8Array(SEED_BYTES);
  checkSeed(seed);
  checkMemory(memory);
  return {
    cpus: checkCpus(options.cpus ?? 1),
    memory,
    epochSeconds: checkEpoch(options.epochSeconds ?? DEFAULT_EPOCH),
    seed: seed.slice(),
    nic: options.nic === undefined ? 0n : macNumber(options.nic),
    debugExit: options.debugExit === undefined ? 0 : checkPort(options.debugExit),
    start: options.start ?? true,
    ...(guest ? { guest: checkGuest(guest) } : {}),
  };
}

/** @throws MachineError bad-seed */
export function checkSeed(seed: Uint8Array): void {
  if (seed.length !== SEED_BYTES)
    throw new MachineError("bad-seed", `seed: ${seed.length} bytes; boot entropy is 32 bytes`);
}

/** The limit of a machine's journal. @throws MachineError bad-journal */
export function checkJournal(bytes: number = DEFAULT_JOURNAL): number {
  if (Number.isSafeInteger(bytes) && bytes >= JOURNAL_MIN) return bytes;
  throw new MachineError(
    "bad-journal",
    `journal: ${bytes} bytes; it needs at least ${JOURNAL_MIN}`,
  );
}

function checkCpus(cpus: number): number {
  if (!Number.isInteger(cpus) || cpus < 1)
    throw new MachineError("bad-cpus", `cpus: ${cpus}; a machine has 1 to ${CPUS_MAX} processors`);
  if (cpus > CPUS_MAX)
    throw new MachineError("bad-cpus", `cpus: ${cpus}; the platform has at most ${CPUS_MAX}`);
  return cpus;
}

function checkGuest({ kernel, initrd, commandLine }: GuestShape): GuestShape {
  const digest = (text: unknown) => typeof text === "string" && fromHex(text)?.length === 32;
  if (digest(kernel) && (initrd === null || digest(initrd)) && typeof commandLine === "string")
    return { kernel, initrd, commandLine };
  throw new MachineError("bad-guest", "guest: two SHA-256 digests and a command line are expected");
}

/** 0 is what a journal has for none. */
function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= PORT_MAX) return port;
  throw new MachineError("bad-argument", `debugExit: ${port}; an I/O port is 1 to ${PORT_MAX}`);
}

function checkMemory(memory: number): void {
  const refuse = (why: string) => {
    throw new MachineError("bad-memory", `memory: ${memory} bytes; ${why}`);
  };
  if (!Number.isInteger(memory)) refuse("it must be a whole number");
  if (memory < MEMORY_MIN) refuse("too little: the kernel's image needs at least 2 MiB");
  if (memory > MEMORY_MAX) refuse("too much: the platform takes at most 3.5 GiB");
  if (memory % MEMORY_UNIT !== 0) refuse("it must be a multiple of 64 KiB");
}

function checkEpoch(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= EPOCH_MAX) return seconds;
  throw new MachineError(
    "bad-epoch",
    `epochSeconds: ${seconds}; whole seconds since 1970, up to the end of year 9999`,
  );
}

/** A MAC address as the machine keeps it: first byte lowest. */
function macNumber(nic: readonly number[] | string): bigint {
  const bytes =
    typeof nic === "string"
      ? nic.split(":").map((part) => (/^[0-9a-f]{2}$/i.test(part) ? Number.parseInt(part, 16) : -1))
      : nic;
  const refuse = (why: string) => new MachineError("bad-nic", `nic: ${nic}; ${why}`);
  if (bytes.length !== 6 || bytes.some((b) => !Number.isInteger(b) || b < 0 || b > 255))
    throw refuse('a MAC address is six bytes, like "52:54:00:12:34:56"');
  if (((bytes[0] ?? 0) & 1) !== 0) throw refuse("a group address can't be a controller's own");
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (value === 0n) throw refuse("the all-zero address means that there is no controller");
  return value;
}

/** "52:54:00:12:34:56" of an address with its first byte lowest. */
export function macText(nic: bigint): string {
  const byte = (n: number) => Number((nic >> BigInt(8 * n)) & 0xffn);
  return [0, 1, 2, 3, 4, 5].map((n) => byte(n).toString(16).padStart(2, "0")).join(":");
}

/** Drives for the options of each. @throws MachineError that names the drive by its number */
export function createDrives(options: readonly DriveOptions[]): Drive[] {
  if (options.length > DRIVES_MAX)
    throw new MachineError(
      "bad-drive",
      `drives: ${options.length} of them; the platform takes at most ${DRIVES_MAX}`,
    );
  return options.map(createDrive);
}

function createDrive(options: DriveOptions, index: number): Drive {
  const refuse = (why: string) => new MachineError("bad-drive", `drive ${index}: ${why}`);
  const blockBytes = options.blockBytes ?? DEFAULT_BLOCK_BYTES;
  if (options.data === undefined && options.backend === undefined)
    throw refuse("needs `data` or a `backend`");
  if (blockBytes !== 512 && blockBytes !== 4096)
    throw refuse(`blockBytes is ${blockBytes}; a logical block has 512 or 4096 bytes`);
  const kind = options.interface ?? "nvme";
  if (kind !== "nvme" && kind !== "ahci")
    throw refuse(`interface is "${kind}"; there are "nvme" and "ahci"`);
  const drive = new Drive(options);
  if (!Number.isSafeInteger(drive.bytes) || drive.bytes < blockBytes)
    throw refuse(`the image has ${drive.bytes} bytes, less than a block of ${blockBytes}`);
  return drive;
}
