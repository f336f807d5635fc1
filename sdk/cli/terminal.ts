/**
 * A terminal on the machine's first serial port. The escape key is Ctrl-A, as QEMU's -nographic has
 * it. When standard input is no terminal, its bytes are typed as they are.
 */
import type { Machine } from "../../sim/host/machine.ts";

const ESCAPE = 0x01;
const NEWLINE = 0x0a;
const HELP = `
Ctrl-A h  this help
Ctrl-A x  leave: the machine stops where it is
Ctrl-A b  send a break (magic SysRq)
Ctrl-A p  press the power button
Ctrl-A t  virtual time in front of each line, or no more
Ctrl-A Ctrl-A  send Ctrl-A
`;

/** The line in which the console stands: a restored guest doesn't print its prompt again. */
function lineOf({ consoleBytes }: Machine): number[] {
  return consoleBytes.slice(consoleBytes.lastIndexOf(NEWLINE) + 1);
}

/** "[00:01:02.345] ": virtual time since the machine was turned on, to the millisecond. */
function stampOf(time: bigint): Uint8Array {
  const text = new Date(Number(time / 1_000_000n)).toISOString().slice(11, 23);
  return new TextEncoder().encode(`[${text}] `);
}

export class Terminal {
  /** Someone has typed Ctrl-A x. */
  left = false;
  private readonly machine: Machine;
  private readonly raw: boolean;
  private escaped = false;
  private output: number[] = [];
  /** Lines are shown with the time at which they began. */
  private stamps = false;
  private latest = NEWLINE;
  /** What was asked for while a debugger held the machine. */
  private waiting: (() => void)[] = [];
  private readonly watch: { remove(): void };
  private readonly take = (bytes: Buffer): void => this.type(bytes);

  constructor(machine: Machine) {
    this.machine = machine;
    this.raw = process.stdin.isTTY === true;
    this.output = lineOf(machine);
    this.watch = machine.onConsole((byte) => this.show(byte));
    if (this.raw) process.stdin.setRawMode(true);
    process.stdin.on("data", this.take);
  }

  /** Shows what the guest has printed since the last time, and hands it what waits for it. */
  flush(): void {
    while (this.waiting.length > 0 && this.machine.takesInput) this.waiting.shift()?.();
    if (this.output.length === 0) return;
    process.stdout.write(Uint8Array.from(this.output));
    this.output = [];
  }

  private show(byte: number): void {
    if (this.stamps && this.latest === NEWLINE) this.output.push(...stampOf(this.machine.time));
    this.output.push(byte);
    this.latest = byte;
  }

  /** Gives the terminal back. */
  close(): void {
    this.flush();
    this.watch.remove();
    process.stdin.off("data", this.take);
    if (this.raw) process.stdin.setRawMode(false);
    process.stdin.pause();
  }

  private type(bytes: Uint8Array): void {
    if (this.raw) for (const byte of bytes) this.key(byte);
    else this.machine.input.serial(bytes);
  }

  private key(byte: number): void {
    const { machine } = this;
    if (!this.escaped) {
      this.escaped = byte === ESCAPE;
      if (!this.escaped) this.give(() => machine.input.serial(Uint8Array.of(byte)));
      return;
    }
    this.escaped = false;
    const actions: Readonly<Record<string, () => void>> = {
      x: () => {
        this.left = true;
      },
      h: () => void process.stdout.write(HELP.replaceAll("\n", "\r\n")),
      b: () => this.give(() => machine.input.serialBreak()),
      p: () => this.give(() => machine.input.powerButton()),
      t: () => {
        this.stamps = !this.stamps;
      },
      [String.fromCharCode(ESCAPE)]: () =>
        this.give(() => machine.input.serial(Uint8Array.of(ESCAPE))),
    };
    actions[String.fromCharCode(byte)]?.();
  }

  /** An input, behind those that wait. */
  private give(input: () => void): void {
    if (this.waiting.length === 0 && this.machine.takesInput) input();
    else this.waiting.push(input);
  }
}
