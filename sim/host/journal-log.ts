/**
 * The journal as it is written: inputs in order. Calls of agents come by the million, so they are
 * words in blocks, some fifty bytes each, and become entries when someone reads them.
 *
 *   record of a call, 32-bit words:
 *   0 CPU | number of arguments << 8 | RECORD     1-2 steps   3-4 time   5-6 cycles   7-8 call
 *   then two words an argument; low words come first
 */
import { type AgentCall, highWord, joined, lowWord } from "./agent-port.ts";
import type { JournalEntry } from "./journal.ts";
import type { Integer } from "./programs.ts";

const BLOCK_WORDS = 65_536;
const HEADER_WORDS = 9;
const RECORD = 1 << 16;
/** A header and six arguments. */
const RECORD_WORDS_MAX = HEADER_WORDS + 12;

/** An input that is no call, and how many calls came before it. */
interface Other {
  readonly calls: number;
  readonly entry: JournalEntry;
}

export class JournalLog {
  private readonly blocks: Uint32Array[] = [];
  private block = new Uint32Array(0);
  private used = 0;
  private calls = 0;
  private readonly others: Other[] = [];

  push(entry: JournalEntry): void {
    const { steps, time, input } = entry;
    if (input.kind === "agent")
      this.call(lowWord(steps), highWord(steps), lowWord(time), highWord(time), input);
    else this.others.push({ calls: this.calls, entry });
  }

  /** The call of an agent; step and time as low and high words. */
  call(
    stepsLow: number,
    stepsHigh: number,
    timeLow: number,
    timeHigh: number,
    input: AgentCall,
  ): void {
    if (this.used + RECORD_WORDS_MAX > this.block.length) this.makeRoom();
    const { block } = this;
    const { cpu, cycles, call, args } = input;
    let at = this.used;
    block[at] = cpu | (args.length << 8) | RECORD;
    block[at + 1] = stepsLow;
    block[at + 2] = stepsHigh;
    block[at + 3] = timeLow;
    block[at + 4] = timeHigh;
    block[at + 5] = lowWord(cycles);
    block[at + 6] = highWord(cycles);
    block[at + 7] = lowWord(call);
    block[at + 8] = highWord(call);
    at += HEADER_WORDS;
    for (let n = 0; n < args.length; n++, at += 2) {
      const value = args[n] ?? 0;
      block[at] = lowWord(value);
      block[at + 1] = highWord(value);
    }
    this.used = at;
    this.calls += 1;
  }

  private makeRoom(): void {
    this.block = new Uint32Array(BLOCK_WORDS);
    this.blocks.push(this.block);
    this.used = 0;
  }

  /** All inputs so far. */
  entries(): JournalEntry[] {
    const entries: JournalEntry[] = [];
    let calls = 0;
    let other = 0;
    const takeOthers = () => {
      for (let next = this.others[other]; next?.calls === calls; next = this.others[other]) {
        entries.push(next.entry);
        other += 1;
      }
    };
    takeOthers();
    for (const block of this.blocks)
      for (let at = 0; (block[at] ?? 0) !== 0; at += recordWords(block, at)) {
        entries.push(recordEntry(block, at));
        calls += 1;
        takeOthers();
      }
    return entries;
  }

  /** Begins with all that another log has. Blocks that are full are shared: nobody changes them. */
  copyFrom(log: JournalLog): void {
    this.blocks.push(...log.blocks.slice(0, -1));
    this.block = log.block.slice();
    if (log.blocks.length > 0) this.blocks.push(this.block);
    this.used = log.used;
    this.calls = log.calls;
    for (const other of log.others) this.others.push(other);
  }
}

const argumentsOf = (block: Uint32Array, at: number) => ((block[at] ?? 0) >> 8) & 0xff;
const recordWords = (block: Uint32Array, at: number) => HEADER_WORDS + 2 * argumentsOf(block, at);

function recordEntry(block: Uint32Array, at: number): JournalEntry {
  const integer = (word: number): Integer =>
    joined(block[at + word] ?? 0, block[at + word + 1] ?? 0);
  return {
    steps: BigInt(integer(1)),
    time: BigInt(integer(3)),
    input: {
      kind: "agent",
      cpu: (block[at] ?? 0) & 0xff,
      cycles: Number(integer(5)),
      call: integer(7),
      args: Array.from({ length: argumentsOf(block, at) }, (_, n) => integer(HEADER_WORDS + 2 * n)),
    },
  };
}
