/**
 * The machine's answers to cases (isa-cases.ts): each is executed in ring 3 on the bench, by decoder,
 * engine and delivery as any code is. Gates lead to the window of kernel text, where machine code ends.
 */
import { ENTRY_BYTES } from "../../spec/entries.ts";
import { USER_TEXT, USER_TEXT_BYTES } from "../../spec/user.ts";
import { RAM_BASE, type SimExports } from "../core.ts";
import { DECODED, Decoder } from "../decoder.ts";
import { loadModule } from "../modules.ts";
import * as L from "./isa-cases.ts";
import { MXCSR_MASK_AT, turnStack } from "./isa-float.ts";
import * as S from "./isa-segments.ts";
import { LongModeBench, PML4, TEXT } from "./longmode.ts";

interface CodeExports extends SimExports {
  testCode(cpu: number, level: number, cycles: bigint): void;
}

const PAGE_BYTES = 0x1000;
const PAGES = 0x35_0000;
const REGION = 0x60_0000;
const REGION_END = 0x80_0000;
const PAGE_DIRECTORY = PML4 + 0x2000;
const GLOBAL_TABLE = 0x35_3000;
const GLOBAL_TABLE_LIMIT = 0x7f;
/** PE, MP, ET, NE, WP, AM, PG: as Linux has them. */
const CR0_OF_LINUX = 0x8005_0033n;
/** PAE, OSFXSR, OSXMMEXCPT, UMIP, FSGSBASE. */
const CR4_OF_LINUX = 0x1_0e20n;
const LOCAL_TABLE = 0x35_3800;
const SEGMENT_LDTR = 6;
const PRESENT_LDT = 0x82;
const TASK = 0x40;
const TASK_STATE = 0x31_1000n;
const KERNEL_CODE = 0x10;
const KERNEL_DATA = 0x18;
const PRESENT = 1n;
const WRITABLE = 2n;
const USER = 4n;
const NO_EXECUTE = 1n << 63n;
/** Gates of INT3 and INTO can be used by INT n in ring 3. */
const USER_GATE = 0xee;
const BREAKPOINT = 3;
const OVERFLOW = 4;
const KERNEL_GATE = 0x8e;
const HLT = 0xf4;
const PAGE_FAULT = 14;
/** Error code of a fetch by ring 3 from where there is no page. */
const USER_FETCH = 0x14;
/** Their numbers. */
const OUTSIDE_PAGES: ReadonlySet<number> = new Set([L.EXIT >> 12, L.ENTRY >> 12]);
const RUNTIMES_END = BigInt(USER_TEXT) + BigInt(USER_TEXT_BYTES);
const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17, 21]);
const RUNNING = 1;
const INSTRUCTION_BYTES_MAX = 15;
/** More instructions than any case has that ends. */
const CYCLES = 50_000n;

/** Whether code of this segment at `rip` is where isa-native.c ends a case. */
function endsAt(rip: number, selector: number): boolean {
  if (rip === L.EXIT) return selector === L.USER_64;
  const { base, attributes } = S.segmentFor(selector);
  return rip === L.EXIT_32 && selector !== L.USER_64 && base === 0 && (attributes & S.BIG) !== 0;
}

export class IsaBench {
  readonly #on: LongModeBench;
  readonly #bytes: Buffer;
  readonly #cpu: number;
  readonly #decoder: Decoder;
  readonly #code = Buffer.alloc(L.CODE_BYTES);
  readonly #expected = Buffer.from(L.BACKGROUND.subarray(0, L.DATA_BYTES));

  private constructor(on: LongModeBench) {
    this.#on = on;
    const { core } = on.bench.machine;
    this.#bytes = Buffer.from(core.bytes.buffer);
    this.#cpu = on.bench.cpu.address;
    this.#decoder = new Decoder(core);
    this.#buildTables();
    this.#buildPages();
  }

  static async create(): Promise<IsaBench> {
    const modules = { sim: await loadModule("sim-testing"), kernel: await loadModule("kernel") };
    return new IsaBench(await LongModeBench.create({ modules }));
  }

  /** Outcomes of records, one behind the other as these are. */
  run(cases: Buffer): Buffer {
    const outcomes = Buffer.alloc(cases.length);
    for (let at = 0; at < cases.length; at += L.RECORD_BYTES) {
      const end = at + L.RECORD_BYTES;
      this.#runOne(cases.subarray(at, end), outcomes.subarray(at, end));
    }
    return outcomes;
  }

  get #sim(): CodeExports {
    return this.#on.bench.machine.core.sim as CodeExports;
  }

  /** GDT as Linux has it as far as ring 3 can load from it; TSS; gates. */
  #buildTables(): void {
    const { bench } = this.#on;
    const place = (at: number, descriptors: readonly bigint[]) =>
      descriptors.forEach((descriptor, n) => void bench.write64(at + 8 * n, descriptor));
    place(GLOBAL_TABLE, S.GLOBAL);
    place(GLOBAL_TABLE + TASK, [0x0000_8900_0000_0067n | ((TASK_STATE & 0xff_ffffn) << 16n), 0n]);
    place(GLOBAL_TABLE + S.GLOBAL_NODE, [S.NODE_DESCRIPTOR]);
    place(LOCAL_TABLE, S.LOCAL.map(S.descriptorBits));
    const table = bench.cpu.segmentsAt(SEGMENT_LDTR);
    table.base = BigInt(LOCAL_TABLE);
    table.limit = 8 * S.LOCAL.length - 1;
    table.attributes = PRESENT_LDT;
    bench.do.loadGdt(BigInt(GLOBAL_TABLE), GLOBAL_TABLE_LIMIT);
    bench.do.loadSegment(1, KERNEL_CODE);
    bench.do.loadSegment(2, KERNEL_DATA);
    bench.do.loadTask(TASK);
    for (let vector = 0; vector < 256; vector++) {
      const open = vector === BREAKPOINT || vector === OVERFLOW;
      this.#on.gate(vector, open ? USER_GATE : KERNEL_GATE, 0, KERNEL_CODE);
    }
    // No I/O permission map (Intel SDM 1, 19.5.2); FXSAVE and SSE instructions.
    bench.write64(Number(TASK_STATE) + 0x60, 0xffff_0000_0000_0000n);
    bench.do.writeControl(0, CR0_OF_LINUX);
    bench.do.writeControl(4, CR4_OF_LINUX);
    if (bench.takeException() !== -1) throw new Error("the tables were refused");
  }

  #buildPages(): void {
    const { bench } = this.#on;
    const map = (from: number, bytes: number, flags: bigint) => {
      for (let at = from; at < from + bytes; at += PAGE_BYTES)
        bench.write64(PAGES + ((at - REGION) / PAGE_BYTES) * 8, BigInt(at) | flags);
    };
    map(REGION, REGION_END - REGION, 0n);
    map(L.CODE, L.CODE_BYTES, PRESENT | USER | WRITABLE);
    map(L.DATA, L.DATA_BYTES, PRESENT | USER | WRITABLE | NO_EXECUTE);
    map(L.READ_ONLY, PAGE_BYTES, PRESENT | USER | NO_EXECUTE);
    bench.write64(PAGE_DIRECTORY + (REGION >> 21) * 8, BigInt(PAGES) | 7n);
    // No page is where cases end.
    bench.write64(PAGE_DIRECTORY + (L.EXIT >> 21) * 8, 0n);
    // Nothing else of the low 8 MiB is ring 3's, nor is there anything else in the other process.
    for (let n = 0; n < REGION >> 21; n++)
      bench.write64(PAGE_DIRECTORY + n * 8, BigInt(n << 21) | 0x83n);
    bench.do.writeControl(3, BigInt(PML4));
    L.BACKGROUND.copy(this.#bytes, RAM_BASE + L.DATA);
  }

  #runOne(one: Buffer, outcome: Buffer): void {
    const { cpu } = this.#on.bench;
    const rip = one.readBigUInt64LE(L.RIP_AT);
    const length = one.readUInt32LE(L.LENGTH_AT);
    const codeBase = Number(S.baseOf(one, S.SEGMENT_CS));
    this.#putMemory(one, Number(rip) + codeBase, length);
    one.copy(this.#bytes, this.#cpu, 0, L.RIP_AT);
    this.#putImage(one);
    cpu.rip = rip;
    cpu.rflags = one.readBigUInt64LE(L.RFLAGS_AT);
    cpu.cr2 = 0n;
    cpu.activity = RUNNING;
    this.#setSegments(one);
    this.#sim.testCode(0, 3, CYCLES);
    this.#forget(one);
    this.#readOutcome(outcome);
    this.#noteMade(one, outcome);
  }

  /** MXCSR_MASK is the machine's own. */
  #putImage(one: Buffer): void {
    const { fxsave } = this.#on.bench.cpu;
    const mask = this.#bytes.readUInt32LE(fxsave + MXCSR_MASK_AT);
    const image = this.#bytes.subarray(fxsave, fxsave + L.IMAGE_BYTES);
    one.copy(image, 0, L.IMAGE_AT, L.IMAGE_AT + L.IMAGE_KNOWN);
    image.writeUInt32LE(mask, MXCSR_MASK_AT);
    turnStack(image, 1);
  }

  #putMemory(one: Buffer, rip: number, length: number): void {
    const code = RAM_BASE + L.CODE;
    this.#code.fill(HLT);
    S.STUB.copy(this.#code);
    one.copy(this.#code, rip - L.CODE, L.CODE_AT, L.CODE_AT + length);
    this.#code.copy(this.#bytes, code);
    this.#sim.memoryChanged(code, L.CODE_BYTES);
    one.copy(this.#expected, L.WINDOW - L.DATA, L.WINDOW_AT, L.WINDOW_AT + L.WINDOW_BYTES);
    this.#expected.copy(this.#bytes, RAM_BASE + L.DATA);
  }

  #setSegments(one: Buffer): void {
    const { cpu } = this.#on.bench;
    for (let number = 0; number < 6; number++) {
      const selector = S.selectorOf(one, number);
      const { base, limit, attributes } = S.segmentFor(selector);
      const segment = cpu.segmentsAt(number);
      segment.selector = selector;
      // A base that is set by itself stays while the selector is null.
      const own = [L.FS_BASE, L.GS_BASE][number - S.SEGMENT_FS];
      segment.base = selector === 0 && own !== undefined ? own : BigInt(base);
      segment.limit = limit;
      segment.attributes = attributes;
    }
  }

  /** Bytes that may have any value become 0. */
  #forget(one: Buffer): void {
    const at = one.readUInt32LE(L.IGNORED_AT);
    const bytes = one.readUInt32LE(L.IGNORED_AT + 4);
    if (bytes !== 0) this.#bytes.fill(0, RAM_BASE + at, RAM_BASE + at + bytes);
  }

  #readOutcome(outcome: Buffer): void {
    const { cpu } = this.#on.bench;
    this.#bytes.copy(outcome, 0, this.#cpu, this.#cpu + L.RIP_AT);
    this.#bytes.copy(outcome, L.IMAGE_AT, cpu.fxsave, cpu.fxsave + L.IMAGE_KNOWN);
    turnStack(outcome.subarray(L.IMAGE_AT), -1);
    outcome.writeBigUInt64LE(cpu.cr2, L.ADDRESS_AT);
    outcome.writeBigUInt64LE(cpu.segmentsAt(4).base, L.FS_BASE_AT);
    outcome.writeBigUInt64LE(cpu.segmentsAt(5).base, L.GS_BASE_AT);
    [3, 0, 4, 5].forEach((number, n) => {
      outcome.writeUInt16LE(cpu.segmentsAt(number).selector, L.SELECTORS_AT + 2 * n);
    });
    this.#readFrame(outcome);
    this.#readMemory(outcome);
  }

  /** What delivery has pushed: an error code, and RIP, CS, RFLAGS, RSP, SS. */
  #readFrame(outcome: Buffer): void {
    const { cpu } = this.#on.bench;
    const entry = Number(BigInt.asUintN(32, cpu.rip - TEXT)) / ENTRY_BYTES;
    if (cpu.cpl !== 0 || entry >= 256) {
      // No machine code is executed where runtimes are; for other processors nothing is there.
      const amiss = cpu.cpl === 3 && cpu.rip >= BigInt(USER_TEXT) && cpu.rip < RUNTIMES_END;
      outcome.writeUInt32LE(amiss ? PAGE_FAULT : L.ENDLESS, L.VECTOR_AT);
      outcome.writeUInt32LE(amiss ? USER_FETCH : 0, L.ERROR_AT);
      if (amiss) outcome.writeBigUInt64LE(cpu.rip, L.ADDRESS_AT);
      outcome.writeBigUInt64LE(cpu.rip, L.RIP_AT);
      outcome.writeBigUInt64LE(cpu.rflags, L.RFLAGS_AT);
      [2, 1].forEach((number, n) => {
        outcome.writeUInt16LE(cpu.segmentsAt(number).selector, L.SELECTORS_AT + 8 + 2 * n);
      });
      return;
    }
    let at = RAM_BASE + Number(cpu.rsp);
    if (WITH_ERROR_CODE.has(entry)) {
      outcome.writeUInt32LE(this.#bytes.readUInt32LE(at), L.ERROR_AT);
      at += 8;
    }
    const rip = this.#bytes.readBigUInt64LE(at);
    const selector = this.#bytes.readUInt16LE(at + 8);
    const outside = entry === PAGE_FAULT && OUTSIDE_PAGES.has(Number(cpu.cr2 >> 12n));
    const ended = outside && endsAt(Number(rip), selector);
    outcome.writeUInt32LE(ended ? L.ENDED : outside ? L.OUTSIDE : entry, L.VECTOR_AT);
    outcome.writeBigUInt64LE(ended ? BigInt(L.EXIT) : rip, L.RIP_AT);
    this.#bytes.copy(outcome, L.RFLAGS_AT, at + 16, at + 24);
    this.#bytes.copy(outcome, L.RSP_AT, at + 24, at + 32);
    this.#bytes.copy(outcome, L.SELECTORS_AT + 8, at + 32, at + 34);
    if (!ended) outcome.writeUInt16LE(selector, L.SELECTORS_AT + 10);
  }

  /** Which instruction a case has stopped at, if its code isn't what was drawn any more. */
  #noteMade(one: Buffer, outcome: Buffer): void {
    if (outcome.readUInt32LE(L.CODE_HASH_AT) === 0) return;
    const at = Number(outcome.readBigUInt64LE(L.RIP_AT)) + Number(S.baseOf(one, S.SEGMENT_CS));
    const end = Math.min(at + INSTRUCTION_BYTES_MAX, L.CODE + L.CODE_BYTES);
    if (at < L.CODE || at >= end) return;
    const bytes = this.#bytes.subarray(RAM_BASE + at, RAM_BASE + end);
    if (this.#decoder.decode(bytes, one.readUInt16LE(L.MODE_AT)) !== DECODED) return;
    outcome.writeUInt16LE(1 + this.#decoder.instruction.form, L.MADE_AT);
  }

  #readMemory(outcome: Buffer): void {
    const ram = (from: number, bytes: number) =>
      this.#bytes.subarray(RAM_BASE + from, RAM_BASE + from + bytes);
    const code = ram(L.CODE, L.CODE_BYTES);
    if (!code.equals(this.#code)) outcome.writeUInt32LE(L.hashOf(code), L.CODE_HASH_AT);
    ram(L.WINDOW, L.WINDOW_BYTES).copy(outcome, L.WINDOW_AT);
    const data = ram(L.DATA, L.DATA_BYTES);
    if (data.equals(this.#expected)) return;
    let first = 0;
    let last = L.DATA_BYTES - 1;
    while (data[first] === this.#expected[first]) first++;
    while (data[last] === this.#expected[last]) last--;
    outcome.writeUInt32LE(first, L.FIRST_AT);
    outcome.writeUInt32LE(last, L.LAST_AT);
    outcome.writeUInt32LE(L.hashOf(data), L.HASH_AT);
    data.copy(outcome, L.CHANGED_AT, first, first + L.CHANGED_BYTES);
  }
}
