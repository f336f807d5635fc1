import { Command, InvalidArgumentError, Option } from "commander";
import { addDrive, type DriveArgument } from "./drive.ts";
import { exitWithBadInput } from "./exit.ts";
import { helpText } from "./help.ts";
import { parseMemorySize } from "./size.ts";
import { parseTime } from "./time.ts";

export interface BootArguments {
  readonly cpus: number;
  readonly memory: number;
  readonly drive: readonly DriveArgument[];
  readonly until?: bigint;
  readonly trace?: string;
  readonly journal?: string;
  readonly snapshot?: string;
  readonly nic: boolean;
  readonly seed?: string;
  readonly whenIdle: "power-off" | "stop";
  readonly json: boolean;
  readonly kernel?: string;
  readonly agent?: string;
  /** Of the agent: argv[1] and so on, and its environment. */
  readonly arguments?: readonly string[];
  readonly environment?: readonly string[];
  readonly initrd?: string;
  readonly append?: string;
  readonly symbols?: string;
  readonly restore?: string;
  readonly untilConsole?: string;
  readonly debugExit?: number | true;
  readonly gdb?: number;
}

const MEMORY_DEFAULT = 256 * 1024 * 1024;

/** @throws InvalidArgumentError for what is not a whole number; the machine checks the range */
function parseCount(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError(`cpus: "${text}" is not a number`);
  return Number(text);
}

/** @throws InvalidArgumentError */
function parsePort(text: string): number {
  if (/^(0x[0-9a-f]{1,4}|[0-9]{1,5})$/i.test(text)) return Number(text);
  throw new InvalidArgumentError(`"${text}" is not an I/O port like 0x501`);
}

/** @throws InvalidArgumentError */
function parseTcpPort(text: string): number {
  if (/^[0-9]{1,5}$/.test(text) && Number(text) <= 0xffff) return Number(text);
  throw new InvalidArgumentError(`"${text}" is not a TCP port`);
}

/** What a snapshot has, and what is decided at power-on. */
const OF_POWER_ON = "cpus memory nic seed kernel agent env initrd append debugExit".split(" ");

const STATUSES = `
Exit status:
  0  the machine powered off in good order, asked for a reset, or showed the text of --until-console
  1  the kernel panicked, a CPU shut down or the kernel's code trapped
  2  bad usage or bad input: an option, a file or an image
  3  the limit was reached: --until, or idle with --when-idle stop; the terminal was left by Ctrl-A x
  with --debug-exit, what the guest wrote to the port, doubled, plus 1
  with --agent, the code with which the agent has ended itself, modulo 256; 128 and the vector of
  the fault that has ended it; 3 when it waits for what never comes

With --kernel another operating system runs on the machine, by its own boot protocol: a Linux bzImage
(64-bit), an ELF file with a PVH entry, or Multiboot 1. The terminal is its first serial port; Ctrl-A is
the escape key, and Ctrl-A h tells the rest. Time doesn't pass faster than real time while it idles.

With --restore a machine goes on where its snapshot was taken, by --snapshot or in gdb. What it is made of
comes from the snapshot; --drive names the images that it had, in their order, each with snapshot=on or
readonly=on as then.

With --gdb the machine waits at power-on for gdb ("target remote :1234"). Threads are CPUs. Besides the
usual there are reverse-stepi, reverse-continue and "monitor help"; when gdb detaches, the machine runs on.

A guest that is still running at --until, or whose CPU has shut down, is reported with the places where its
CPUs were seen last; --symbols names them. Debian's System.map is empty: take the guest's /proc/kallsyms.

Without --drive the machine boots from an image made on the spot: a boot bundle with the project's
own modules on one drive, and an empty partition on a second.

Examples:
  aios boot --cpus 4 --memory 512M --drive disk.img
  aios boot --drive file=disk.img,snapshot=on --until 2s --trace trace.json --json
  aios boot --agent hello.elf
  aios boot --agent hello.elf --env COLOR=no -- some words --with options
  aios boot --kernel vmlinuz --initrd initrd.gz --append console=ttyS0 --memory 1G --cpus 2
  aios boot --kernel vmlinuz --initrd initrd.gz --append console=ttyS0 --until-console '# ' --snapshot prompt
  aios boot --restore prompt
`;

/** `aios boot`, to be added to the program's command. */
export function bootCommand(): Command {
  const command = new Command("boot")
    .summary("boot a machine and show its serial console")
    .description(
      "Boot a simulated x86_64 machine from its drives and show its serial console. When nothing " +
        "is left to do, the power button is pressed and the machine turns itself off.",
    )
    .option("-c, --cpus <n>", "logical processors, 1 to 64", parseCount, 1)
    .option(
      "-m, --memory <size>",
      "RAM, like 512M or 2G; a plain number counts MiB",
      parseMemorySize,
      MEMORY_DEFAULT,
    )
    .option(
      "-d, --drive <file[,key=value...]>",
      "drive with a raw image (repeatable): if=nvme|ahci, readonly=on, snapshot=on (the file stays as it was), logical_block_size=512|4096",
      addDrive,
    )
    .option("--nic", "plug in a network controller", false)
    .option("--until <time>", "stop at this virtual time, like 2s, 1.5ms or 300us", parseTime)
    .option("--trace <file>", "write a trace for Perfetto or chrome://tracing")
    .option("--journal <file>", "write the journal of inputs, with which the run can be repeated")
    .option("--snapshot <file>", "write a snapshot of the machine as it is at the end")
    .option("--seed <hex>", "boot entropy, 64 hexadecimal digits (default: all zeroes)")
    .addOption(
      new Option("--when-idle <what>", "what to do when nothing is left to do")
        .choices(["power-off", "stop"])
        .default("power-off"),
    )
    .option("--kernel <file>", "run this kernel on the machine: Linux bzImage, PVH or Multiboot")
    .argument("[arguments...]", "arguments of the --agent, behind --")
    .option("--agent <file>", "the first agent: a static ELF executable (see sdk/c and sdk/rust)")
    .option(
      "--env <name=value>",
      "a string of the agent's environment (repeatable)",
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option("--initrd <file>", "its initial RAM disk, or its first module")
    .option("--append <text>", "its command line")
    .option(
      "--symbols <file>",
      "its symbols, as in System.map, for the report of a kernel that hangs",
    )
    .option("--until-console <text>", "stop when a --kernel has printed this text")
    .addOption(new Option("--restore <file>", "go on from this snapshot").conflicts(OF_POWER_ON))
    .option(
      "--debug-exit [port]",
      "I/O port with which a guest ends the run, like QEMU's isa-debug-exit (default: 0x501)",
      parsePort,
    )
    .option(
      "--gdb <port>",
      "wait for gdb on this port of the loopback address (0: any that is free) and let it debug",
      parseTcpPort,
    )
    .option("--json", "print one JSON object instead of the console", false)
    .addHelpText("after", helpText(STATUSES))
    .action(async (words: string[], options: BootArguments & { readonly env?: string[] }) => {
      const { runBoot } = await import("./boot-run.ts");
      const more = { drive: options.drive ?? [], arguments: words, environment: options.env ?? [] };
      process.exitCode = await runBoot({ ...options, ...more });
    });
  return exitWithBadInput(command);
}
