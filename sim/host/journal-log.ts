/**
 * The journal as it is written: inputs in order. Operations of agents come by the million, so they
 * are words in blocks, some fifty bytes each, and become entries when someone reads them.
 *
 *   record, 32-bit words, low words first:
 *   0 CPU | number of arguments << 8 | kind << 16   1-2 steps   3-4 time
 *   call    5-6 cycles   7-8 call      then two words an argument
 *   load    5-6 bytes    7-8 address
 *   store   5-6 bytes    7-8 address   then the bytes, up to a whole word
 *   chain   5-6 cycles   7-8 first record
 *           9 bytes stored | bytes loaded << 16   10-11 where to   12-13 where from   then the bytes
 */
import { type AgentCall, type AgentChain, highWord, joined, lowWord } from "./agent-port.ts";
import type { Input } from "./inputs.ts";
import type { JournalEntry } from "./journal.ts";
import type { Integer } from "./programs.ts";

const BLOCK_WORDS = 65_536;
export const BLOCK_BYTES = 4 * BLOCK_WORDS;
/** More than any record: a page of bytes and its header. */
const RECORD_WORDS_MAX = 1_100;
/** What an entry that is an object takes beside its bytes, about. */
const OTHER_BYTES = 256;
const HEADER_WORDS = 9;
const ARGUMENTS_WORDS_MAX = 12;
const CALL = 1;
const STORE = 2;
const LOAD = 3;
const CHAIN = 4;
const CHAIN_WORDS = 5;

/** A step and its time as low and high words: as they stand in the machine's memory. */
export interface Instant {
  readonly stepsLow: number;
  readonly stepsHigh: number;
  readonly timeLow: number;
  readonly timeHigh: number;
}

/** An input of another kind, and how many records came before it. */
interface Other {
  readonly records: number;
  readonly entry: JournalEntry;
}

export class JournalLog {
  /** Bytes that it may take. */
  readonly limit: number;
  private blocks: Uint32Array[] = [];
  private block = new Uint32Array(0);
  private bytes = new Uint8Array(0);
  private used = 0;
  private records = 0;
  private others: Other[] = [];
  private otherBytes = 0;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.limit = limit;
  }

  /** Inputs so far. */
  get length(): number {
    return this.records + this.others.length;
  }

  /** Whether an operation of an agent can be noted. */
  get hasRoom(): boolean {
    return this.used + RECORD_WORDS_MAX <= this.block.length || this.fits(BLOCK_BYTES);
  }

  /** Whether an input of another kind, with so many bytes, can be noted. */
  hasRoomFor(bytes: number): boolean {
    return this.fits(OTHER_BYTES + bytes);
  }

  private fits(more: number): boolean {
    return this.blocks.length * BLOCK_BYTES + this.otherBytes + more <= this.limit;
  }

  push(entry: JournalEntry): void {
    const { input } = entry;
    const at = {
      stepsLow: lowWord(entry.steps),
      stepsHigh: highWord(entry.steps),
      timeLow: lowWord(entry.time),
      timeHigh: highWord(entry.time),
    };
    if (input.kind === "agent") this.call(at, input);
    else if (input.kind === "agent-store") this.store(at, input.cpu, input.address, input.bytes);
    else if (input.kind === "agent-load") this.load(at, input.cpu, input.address, input.length);
    else if (input.kind === "agent-chain") this.chain(at, input, wordsOf(input.bytes), 0);
    else {
      this.others.push({ records: this.records, entry });
      this.otherBytes += OTHER_BYTES + inputBytes(input);
    }
  }

  call(at: Instant, { cpu, cycles, call, args }: AgentCall): void {
    const head = cpu | (args.length << 8) | (CALL << 16);
    let word = this.header(at, head, ARGUMENTS_WORDS_MAX, cycles, call);
    const { block } = this;
    for (let n = 0; n < args.length; n++, word += 2) {
      const value = args[n] ?? 0;
      block[word] = lowWord(value);
      block[word + 1] = highWord(value);
    }
    this.used = word;
  }

  store(at: Instant, cpu: number, address: Integer, bytes: Uint8Array): void {
    const words = wordsFor(bytes.length);
    const word = this.header(at, cpu | (STORE << 16), words, bytes.length, address);
    this.bytes.set(bytes, word * 4);
    this.used = word + words;
  }

  /** Its bytes are in `words`, from the word `first` on: they are copied from there. */
  chain(at: Instant, input: AgentChain, words: Uint32Array, first: number): void {
    const { cpu, cycles, chain, to, bytes, from, length } = input;
    const more = CHAIN_WORDS + wordsFor(bytes.length);
    const word = this.header(at, cpu | (CHAIN << 16), more, cycles, chain);
    const { block } = this;
    block[word] = bytes.length | (length << 16);
    block[word + 1] = lowWord(to);
    block[word + 2] = highWord(to);
    block[word + 3] = lowWord(from);
    block[word + 4] = highWord(from);
    const end = word + more;
    for (let to = word + CHAIN_WORDS, n = first; to < end; to++, n++) block[to] = words[n] ?? 0;
    this.used = end;
  }

  load(at: Instant, cpu: number, address: Integer, length: number): void {
    this.used = this.header(at, cpu | (LOAD << 16), 0, length, address);
  }

  /** Begins a record, with room for `more` words; the word behind its header. */
  private header(at: Instant, head: number, more: number, first: Integer, second: Integer): number {
    if (this.used + HEADER_WORDS + more > this.block.length) this.makeRoom();
    const { block, used } = this;
    block[used] = head;
    block[used + 1] = at.stepsLow;
    block[used + 2] = at.stepsHigh;
    block[used + 3] = at.timeLow;
    block[used + 4] = at.timeHigh;
    block[used + 5] = lowWord(first);
    block[used + 6] = highWord(first);
    block[used + 7] = lowWord(second);
    block[used + 8] = highWord(second);
    this.records += 1;
    return used + HEADER_WORDS;
  }

  private makeRoom(): void {
    this.take(new Uint32Array(BLOCK_WORDS));
    this.used = 0;
  }

  private take(block: Uint32Array<ArrayBuffer>): void {
    this.block = block;
    this.bytes = new Uint8Array(block.buffer);
    this.blocks.push(block);
  }

  /** All inputs so far. */
  entries(): JournalEntry[] {
    const entries: JournalEntry[] = [];
    let records = 0;
    let other = 0;
    const takeOthers = () => {
      for (let next = this.others[other]; next?.records === records; next = this.others[other]) {
        entries.push(next.entry);
        other += 1;
      }
    };
    takeOthers();
    for (const block of this.blocks)
      for (let at = 0; (block[at] ?? 0) !== 0; at += recordWords(block, at)) {
        entries.push(recordEntry(block, at));
        records += 1;
        takeOthers();
      }
    return entries;
  }

  /** Forgets all inputs so far. */
  clear(): void {
    this.blocks = [];
    this.block = new Uint32Array(0);
    this.bytes = new Uint8Array(0);
    this.used = 0;
    this.records = 0;
    this.others = [];
    this.otherBytes = 0;
  }

  /** Begins with all that another log has. Blocks that are full are shared: nobody changes them. */
  copyFrom(log: JournalLog): void {
    this.blocks.push(...log.blocks.slice(0, -1));
    if (log.blocks.length > 0) this.take(log.block.slice());
    this.used = log.used;
    this.records = log.records;
    for (const other of log.others) this.others.push(other);
    this.otherBytes = log.otherBytes;
  }
}

/** Bytes that an input brings along. */
export function inputBytes(input: Input): number {
  return "bytes" in input ? input.bytes.length : 0;
}

const wordsFor = (bytes: number) => (bytes + 3) >>> 2;
const kindOf = (block: Uint32Array, at: number) => (block[at] ?? 0) >> 16;
const argumentsOf = (block: Uint32Array, at: number) => ((block[at] ?? 0) >> 8) & 0xff;

function recordWords(block: Uint32Array, at: number): number {
  switch (kindOf(block, at)) {
    case STORE:
      return HEADER_WORDS + wordsFor(block[at + 5] ?? 0);
    case CHAIN:
      return HEADER_WORDS + CHAIN_WORDS + wordsFor((block[at + HEADER_WORDS] ?? 0) & 0xffff);
    default:
      return HEADER_WORDS + 2 * argumentsOf(block, at);
  }
}

/** The bytes as words, the last one filled up with zeroes. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(wordsFor(bytes.length));
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

/** Bytes of a record, from its word `word` on. */
function recordBytes(block: Uint32Array, word: number, length: number): Uint8Array {
  const from = block.byteOffset + 4 * word;
  return new Uint8Array(block.buffer.slice(from, from + length));
}

function recordEntry(block: Uint32Array, at: number): JournalEntry {
  const integer = (n: number): Integer => joined(block[at + n] ?? 0, block[at + n + 1] ?? 0);
  return { steps: BigInt(integer(1)), time: BigInt(integer(3)), input: recordInput(block, at) };
}

function recordInput(block: Uint32Array, at: number): Input {
  const integer = (n: number): Integer => joined(block[at + n] ?? 0, block[at + n + 1] ?? 0);
  const cpu = (block[at] ?? 0) & 0xff;
  const first = Number(integer(5));
  const second = integer(7);
  switch (kindOf(block, at)) {
    case STORE: {
      const bytes = recordBytes(block, at + HEADER_WORDS, first);
      return { kind: "agent-store", cpu, address: second, bytes };
    }
    case CHAIN: {
      const lengths = block[at + HEADER_WORDS] ?? 0;
      const [to, from] = [Number(integer(10)), Number(integer(12))];
      const bytes = recordBytes(block, at + HEADER_WORDS + CHAIN_WORDS, lengths & 0xffff);
      const chain = Number(second);
      const length = lengths >>> 16;
      return { kind: "agent-chain", cpu, cycles: first, chain, to, bytes, from, length };
    }
    case LOAD:
      return { kind: "agent-load", cpu, address: second, length: first };
    default: {
      const args = Array.from({ length: argumentsOf(block, at) }, (_, n) =>
        integer(HEADER_WORDS + 2 * n),
      );
      return { kind: "agent", cpu, cycles: first, call: second, args };
    }
  }
}
