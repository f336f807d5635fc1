/**
 * Integer instructions with the results and flags that Intel's manual gives for them. That they agree
 * with a processor for random operands is a test of its own; here are the edges, by instruction.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { CodeBench, DATA, type Register } from "../../host/testing/code.ts";

let on: CodeBench;
beforeAll(async () => {
  on = await CodeBench.create();
});

const FLAGS = { C: 0x1, P: 0x4, A: 0x10, Z: 0x40, S: 0x80, O: 0x800 } as const;
const { C: CF, Z: ZF, O: OF } = FLAGS;
const STATUS = 0x8d5;

type Registers = Partial<Record<Register, bigint>>;
interface Row {
  readonly name: string;
  readonly code: string;
  readonly before: Registers;
  readonly after: Registers;
  readonly flags: number;
  /** Flags afterwards, and those that are compared: not what the manual leaves undefined. */
  readonly sets: number;
  readonly compared: number;
}

const flagsOf = (letters: string) =>
  [...letters].reduce((flags, letter) => flags | (FLAGS[letter as "C"] ?? 0), 0);
const registersOf = (text: string): Registers =>
  Object.fromEntries([...text.matchAll(/(\w+)=(\w+)/g)].map(([, r, v]) => [r, BigInt(`0x${v}`)]));

/** name : code : registers before : those expected : flags before : after, behind ? the undefined */
function rows(text: string): Row[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [name = "", code = "", before = "", after = "", flags = "", result = ""] = line
      .trim()
      .split(" : ");
    const [sets = "", undefinedOnes = ""] = result.split("?");
    const compared = result === "any" ? 0 : STATUS & ~flagsOf(undefinedOnes);
    return {
      name,
      code,
      before: registersOf(before),
      after: registersOf(after),
      flags: flagsOf(flags),
      sets: flagsOf(sets),
      compared,
    };
  });
}

function check({ code, before, after, flags, sets, compared }: Row): void {
  on.execute(code, { ...before, rflags: BigInt(2 | flags) });
  for (const [name, value] of Object.entries(after)) {
    const actual = on.cpu[name as Register];
    expect(`${name} ${actual.toString(16)}`).toBe(`${name} ${value.toString(16)}`);
  }
  expect(Number(on.cpu.rflags) & compared).toBe(sets & compared);
}

const ONES = 0xffff_ffff_ffff_ffffn;
const MIN = 1n << 63n;

describe("sums and differences", () => {
  test.each(
    rows(`
    ADD carries out of all bits : 48 01 d8 : rax=ffffffffffffffff rbx=1 : rax=0 : 0 : ZAPC
    ADD of two large numbers overflows : 48 01 d8 : rax=7fffffffffffffff rbx=1 : rax=8000000000000000 : 0 : OSAP
    ADD of 32 bits clears the upper half : 01 d8 : rax=ffffffffffffffff rbx=ffffffffffffffff : rax=fffffffe : 0 : SAC
    ADD of 8 bits keeps all others : 00 d8 : rax=12ff rbx=1 : rax=1200 : 0 : ZAPC
    ADD AH, BH : 00 fc : rax=7f55 rbx=100 : rax=8055 : 0 : OSA
    ADD SPL, with REX : 40 80 c4 01 : rsp=3200ff : rsp=320000 : 0 : ZAPC
    ADC takes the carry in, and out again : 48 11 d8 : rax=ffffffffffffffff rbx=0 : rax=0 : C : ZAPC
    ADC of all ones and the carry : 48 11 d8 : rax=5 rbx=ffffffffffffffff : rax=5 : C : APC
    SUB borrows : 48 29 d8 : rax=0 rbx=1 : rax=ffffffffffffffff : 0 : SAPC
    SUB of 16 bits overflows : 66 29 d8 : rax=18000 rbx=1 : rax=17fff : 0 : OAP
    SBB takes the borrow : 48 19 d8 : rax=3 rbx=3 : rax=ffffffffffffffff : C : SAPC
    CMP changes flags only : 48 39 d8 : rax=3 rbx=5 : rax=3 : 0 : SAC
    INC keeps CF : 48 ff c0 : rax=7fffffffffffffff : rax=8000000000000000 : C : OSAPC
    INC of all ones: no CF : 48 ff c0 : rax=ffffffffffffffff : rax=0 : 0 : ZAP
    DEC keeps CF : 48 ff c8 : rax=8000000000000000 : rax=7fffffffffffffff : C : OAPC
    DEC of 0 : fe c8 : rax=100 : rax=1ff : 0 : SAP
    NEG of 0 has no CF : 48 f7 d8 : rax=0 : rax=0 : 0 : ZP
    NEG of the least number overflows : 48 f7 d8 : rax=8000000000000000 : rax=8000000000000000 : 0 : OSPC
    XADD gives the old value back : 48 0f c1 d8 : rax=5 rbx=7 : rax=c rbx=5 : 0 : P
    XADD of a register with itself : 48 0f c1 c0 : rax=5 : rax=a : 0 : P
  `),
  )("$name", check);
});

describe("logic", () => {
  test.each(
    rows(`
    AND clears CF and OF : 48 21 d8 : rax=f0 rbx=f : rax=0 : OC : ZP ?A
    OR : 48 09 d8 : rax=8000000000000000 rbx=1 : rax=8000000000000001 : 0 : S ?A
    XOR of 32 bits with itself : 31 c0 : rax=ffffffffffffffff : rax=0 : 0 : ZP ?A
    TEST : a8 81 : rax=80 : rax=80 : 0 : S ?A
    NOT touches no flag : 48 f7 d0 : rax=0 : rax=ffffffffffffffff : ZC : ZC
    NOT of 32 bits clears the upper half : f7 d0 : rax=ffffffffffffffff : rax=0 : 0 : any
  `),
  )("$name", check);
});

describe("shifts and rotations", () => {
  test.each(
    rows(`
    SHL by 1: OF is the change of sign : 48 d1 e0 : rax=c000000000000000 : rax=8000000000000000 : 0 : SPC ?A
    SHL by 1 that changes the sign : 48 d1 e0 : rax=4000000000000000 : rax=8000000000000000 : 0 : OSP ?A
    SHR by 1: OF is the old sign : 48 d1 e8 : rax=8000000000000001 : rax=4000000000000000 : 0 : OPC ?A
    SAR by 1 : 48 d1 f8 : rax=8000000000000001 : rax=c000000000000000 : 0 : SPC ?A
    SAR of 8 bits by 31 fills with the sign : c0 f8 1f : rax=80 : rax=ff : 0 : SPC ?OA
    SHL of 8 bits by 8: CF is the last bit out : c0 e0 08 : rax=1 : rax=0 : 0 : ZPC ?OA
    a count of 0 changes no flag : 48 c1 e0 40 : rax=5 : rax=5 : OZC : OZC
    a count of 0 with 32 bits clears the upper half : d3 e0 : rax=ffffffffffffffff rcx=20 : rax=ffffffff : C : C
    SHL by CL uses five bits of it : d3 e0 : rax=1 rcx=3f : rax=80000000 : 0 : SP ?OA
    ROL keeps SF, ZF, PF and AF : 48 d1 c0 : rax=8000000000000000 : rax=1 : SZA : OSZAC
    ROL of 8 bits by 8: CF all the same : c0 c0 08 : rax=81 : rax=81 : 0 : C ?OSZAP
    ROR by 1: OF is the change of the two top bits : 48 d1 c8 : rax=1 : rax=8000000000000000 : 0 : OC
    RCL by 1 takes CF in : 48 d1 d0 : rax=8000000000000000 : rax=1 : C : OC
    RCR of 8 bits by 9 is the whole round : c0 d8 09 : rax=5a : rax=5a : C : C ?OSZAP
    RCR by 1 : 48 d1 d8 : rax=1 : rax=8000000000000000 : C : OC
    SHLD : 48 0f a4 d8 08 : rax=1200000000000000 rbx=3400000000000000 : rax=34 : 0 : 0 ?OA
    SHRD by CL : 48 0f ad d8 : rax=12 rbx=34 rcx=8 : rax=3400000000000000 : 0 : P ?OA
    SHLD by 0 changes nothing : 48 0f a5 d8 : rax=1 rbx=2 rcx=40 : rax=1 : C : C
  `),
  )("$name", check);
});

describe("products and quotients", () => {
  test.each(
    rows(`
    MUL: CF and OF say that RDX counts : 48 f7 e3 : rax=ffffffffffffffff rbx=ffffffffffffffff : rax=1 rdx=fffffffffffffffe : 0 : OC ?SZAP
    MUL that fits : 48 f7 e3 : rax=5 rbx=7 rdx=9 : rax=23 rdx=0 : 0 : 0 ?SZAP
    MUL of bytes goes to AX : f6 e3 : rax=ffff rbx=ff : rax=fe01 : 0 : OC ?SZAP
    IMUL of one operand : 48 f7 eb : rax=8000000000000000 rbx=2 : rax=0 rdx=ffffffffffffffff : 0 : OC ?SZAP
    IMUL of bytes that fits : f6 eb : rax=fe rbx=3 : rax=fffa : 0 : 0 ?SZAP
    IMUL of two operands : 48 0f af c3 : rax=8000000000000000 rbx=ffffffffffffffff : rax=8000000000000000 : 0 : OC ?SZAP
    IMUL of three operands : 6b c3 f8 : rbx=3 : rax=ffffffe8 : 0 : 0 ?SZAP
    IMUL of 16 bits : 66 69 c3 00 40 : rax=10000 rbx=3 : rax=1c000 : 0 : OC ?SZAP
    DIV of 128 bits : 48 f7 f3 : rdx=6 rax=5 rbx=7 : rax=db6db6db6db6db6e rdx=3 : 0 : any
    DIV with a large divisor : 48 f7 f3 : rdx=7ffffffffffffffb rax=ffffffffffffffff rbx=8000000000000000 : rax=fffffffffffffff7 rdx=7fffffffffffffff : 0 : any
    DIV of bytes: AH is the remainder : f6 f3 : rax=10105 rbx=2 : rax=10182 : 0 : any
    IDIV truncates toward 0 : 48 f7 fb : rdx=ffffffffffffffff rax=fffffffffffffff9 rbx=2 : rax=fffffffffffffffd rdx=ffffffffffffffff : 0 : any
    IDIV of 128 bits : 48 f7 fb : rdx=fffffffffffffffe rax=0 rbx=5 : rax=999999999999999a rdx=fffffffffffffffe : 0 : any
    IDIV of 32 bits to the least quotient : f7 fb : rdx=ffffffff rax=80000000 rbx=1 : rax=80000000 rdx=0 : 0 : any
  `),
  )("$name", check);

  test.each([
    ["DIV by 0", "48 f7 f3", { rbx: 0n, rax: 1n }],
    ["DIV with a quotient that doesn't fit", "48 f7 f3", { rdx: 7n, rax: 0n, rbx: 7n }],
    ["DIV of bytes that doesn't fit", "f6 f3", { rax: 0x200n, rbx: 2n }],
    ["IDIV of the least number by -1", "48 f7 fb", { rdx: ONES, rax: MIN, rbx: ONES }],
    [
      "IDIV of 32 bits of the least number by -1",
      "f7 fb",
      { rdx: 0x8000_0000n, rax: 0n, rbx: 0xffff_ffffn },
    ],
    ["IDIV of bytes that doesn't fit", "f6 fb", { rax: 0x80n, rbx: 1n }],
  ])("%s is #DE, with everything as before", (_, code, before) => {
    on.execute(code, before);
    expect(on.cpu.rax).toBe(before.rax);
    on.cpu.activity = 1;
    on.on.entered = [];
    on.on.handler = () => {
      on.cpu.activity = 2;
    };
    on.on.bench.step();
    expect(on.on.entered[0]?.entry).toBe(0);
    on.cpu.pendingException = 0;
  });
});

describe("bits", () => {
  test.each(
    rows(`
    BT of a register wraps around : 48 0f a3 d8 : rax=4 rbx=42 : rax=4 : 0 : C ?OSZAP
    BTS : 48 0f ba e8 3f : rax=0 : rax=8000000000000000 : 0 : 0 ?OSZAP
    BTR of 32 bits : 0f ba f0 00 : rax=ffffffffffffffff : rax=fffffffe : 0 : C ?OSZAP
    BTC of 16 bits : 66 0f bb d8 : rax=10000 rbx=f : rax=18000 : 0 : 0 ?OSZAP
    BSF : 48 0f bc c3 : rbx=50 : rax=4 : 0 : 0 ?OSAPC
    BSF of 0 sets ZF, and leaves the destination : 48 0f bc c3 : rax=4d rbx=0 : rax=4d : 0 : Z ?OSAPC
    BSR : 48 0f bd c3 : rbx=50 : rax=6 : 0 : 0 ?OSAPC
    F3 0F BC without BMI1 is BSF : f3 48 0f bc c3 : rax=4d rbx=0 : rax=4d : 0 : Z ?OSAPC
    POPCNT : f3 48 0f b8 c3 : rbx=ffffffffffffffff : rax=40 : OSAPC : 0
    POPCNT of 0 : f3 48 0f b8 c3 : rbx=0 : rax=0 : C : Z
    BSWAP : 48 0f c8 : rax=102030405060708 : rax=807060504030201 : 0 : any
    BSWAP of 32 bits : 0f c8 : rax=ffffffffffffff00 : rax=ffffff : 0 : any
  `),
  )("$name", check);

  test("CRC32 gives the check value of CRC-32C", () => {
    // RAX = all ones; eight digits and one more
    const digits = BigInt(`0x${Buffer.from("12345678").reverse().toString("hex")}`);
    on.execute("f2 48 0f 38 f1 c3 f2 0f 38 f0 c1", { rax: 0xffff_ffffn, rbx: digits, rcx: 0x39n });
    expect(on.cpu.rax ^ 0xffff_ffffn).toBe(0xe306_9283n);
  });

  test("BT of memory with a register reaches beyond its operand, in both directions", () => {
    on.put("00 00 00 00 00 00 00 80 00 00 00 00 00 00 00 00 01", DATA);
    const flags = (bit: bigint) => {
      on.execute("48 0f a3 1f", { rdi: BigInt(DATA + 8), rbx: bit & ONES });
      return on.cpu.rflags & 1n;
    };
    expect([flags(-1n), flags(-2n), flags(64n), flags(65n)]).toEqual([1n, 0n, 1n, 0n]);
  });
});

describe("moves", () => {
  test.each(
    rows(`
    MOVZX of AH : 0f b6 c4 : rax=ab12 : rax=ab : 0 : any
    MOVSX of a byte to 64 bits : 48 0f be c3 : rbx=80 : rax=ffffffffffffff80 : 0 : any
    MOVSX of a byte to 16 bits : 66 0f be c3 : rax=ffffffffffffffff rbx=7f : rax=ffffffffffff007f : 0 : any
    MOVSXD : 48 63 c3 : rbx=80000000 : rax=ffffffff80000000 : 0 : any
    CBW, CWDE, CDQE : 66 98 98 48 98 : rax=80 : rax=ffffffffffffff80 : 0 : any
    CQO : 48 99 : rax=8000000000000000 : rdx=ffffffffffffffff : 0 : any
    CDQ clears the upper half of RDX : 99 : rax=80000000 : rdx=ffffffff : 0 : any
    XCHG of AL and AH : 86 e0 : rax=1234 : rax=3412 : 0 : any
    LEA of 32 bits : 8d 44 9b ff : rbx=40000001 : rax=40000004 : 0 : any
    LEA with a 32-bit address : 67 48 8d 44 1b 01 : rbx=80000000 : rax=1 : 0 : any
    LEA relative to RIP : 48 8d 05 f9 ff ff ff : - : rax=400000 : 0 : any
    CMOV that doesn't move clears the upper half : 0f 44 c3 : rax=ffffffffffffffff rbx=1 : rax=ffffffff : 0 : any
    CMOV that moves : 48 0f 42 c3 : rax=1 rbx=2 : rax=2 : C : any
    SETcc : 0f 9c c4 : rax=0 : rax=100 : S : any
    PUSH and POP of RSP : 54 5c : rsp=320000 : rsp=320000 : 0 : any
    POP into memory by the new RSP : 6a 05 8f 04 24 58 : rsp=320000 : rsp=320008 : 0 : any
    PUSH of a sign-extended constant : 6a ff 58 : - : rax=ffffffffffffffff : 0 : any
    PUSH of 16 bits : 66 6a ff 66 58 : rax=0 rsp=320000 : rax=ffff rsp=320000 : 0 : any
    ENTER and LEAVE : c8 10 00 00 c9 : rsp=320000 rbp=7 : rsp=320000 rbp=7 : 0 : any
    XLAT : d7 : rax=5 rbx=5ffffb : rax=0 : 0 : any
    LAHF and SAHF : 9f : rax=0 : rax=c300 : OSZC : any
    SAHF keeps OF : 9e : rax=1400 : - : OZ : OAP
    CMC : f5 : - : - : OZ : OZC
  `),
  )("$name", check);
});

describe("compare and exchange", () => {
  test.each(
    rows(`
    CMPXCHG that exchanges : 48 0f b1 cb : rax=5 rbx=5 rcx=9 : rax=5 rbx=9 : 0 : ZP
    CMPXCHG that doesn't : 48 0f b1 cb : rax=4 rbx=5 rcx=9 : rax=5 rbx=5 : 0 : SAPC
  `),
  )("$name", check);
  test("CMPXCHG16B compares and exchanges 16 bytes, and changes ZF alone", () => {
    on.put("01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00", DATA);
    const registers = { rdi: BigInt(DATA), rax: 1n, rdx: 2n, rbx: 3n, rcx: 4n };
    on.execute("48 0f c7 0f", { ...registers, rflags: BigInt(2 | CF | OF) });
    expect(Number(on.cpu.rflags) & STATUS).toBe(CF | OF | ZF);
    expect([on.on.bench.read64(DATA), on.on.bench.read64(DATA + 8)]).toEqual([3n, 4n]);
    on.execute("48 0f c7 0f", registers);
    expect([on.cpu.rax, on.cpu.rdx, Number(on.cpu.rflags) & ZF]).toEqual([3n, 4n, 0]);
  });
});

describe("loops", () => {
  test.each(
    rows(`
    LOOP : ff c0 e2 fc : rax=0 rcx=5 : rax=5 rcx=0 : 0 : any
    LOOP with ECX : ff c0 67 e2 fb : rax=0 rcx=100000003 : rax=3 rcx=0 : 0 : any
    LOOPNE ends when ZF is set : ff c8 e0 fc : rax=3 rcx=9 : rax=0 rcx=6 : 0 : any
    JRCXZ : e3 02 ff c0 : rax=7 rcx=0 : rax=7 : 0 : any
  `),
  )("$name", check);
});

describe("strings", () => {
  const fill = (at: number, text: string) => on.put(new TextEncoder().encode(text), at);
  const text = (at: number, length: number) =>
    new TextDecoder().decode(on.bytes.subarray(0x200_0000 + at, 0x200_0000 + at + length));

  test("REP MOVSB copies across pages and takes a cycle a byte", () => {
    const long = "0123456789".repeat(900);
    fill(DATA + 100, long);
    const registers = { rsi: BigInt(DATA + 100), rdi: BigInt(DATA + 0x8000 - 7), rcx: 9000n };
    expect(on.execute("f3 a4", registers)).toBe(9000 + 1);
    expect(text(DATA + 0x8000 - 7, 9000)).toBe(long);
    expect([on.cpu.rcx, on.cpu.rsi]).toEqual([0n, BigInt(DATA + 9100)]);
  });
  test("REP MOVSB onto what comes next repeats a pattern", () => {
    fill(DATA, `abc${".".repeat(20)}`);
    on.execute("f3 a4", { rsi: BigInt(DATA), rdi: BigInt(DATA + 3), rcx: 10n });
    expect(text(DATA, 14)).toBe("abcabcabcabca.");
  });
  test("REP MOVSB backwards", () => {
    fill(DATA, "abcdef......");
    on.execute("fd f3 a4 fc", { rsi: BigInt(DATA + 5), rdi: BigInt(DATA + 7), rcx: 6n });
    expect(text(DATA, 8)).toBe("ababcdef");
  });
  test("REP STOSQ fills, and RCX of 0 is one cycle", () => {
    on.execute("f3 48 ab", { rax: 0x4142_4344_4546_4748n, rdi: BigInt(DATA), rcx: 3n });
    expect(text(DATA, 24)).toBe("HGFEDCBA".repeat(3));
    expect(on.execute("f3 aa", { rdi: BigInt(DATA), rcx: 0n })).toBe(2);
  });
  test("REPNE SCASB finds a byte; REPE CMPSB a difference", () => {
    fill(DATA, "hello world");
    fill(DATA + 64, "hello there");
    on.execute("f2 ae", { rax: 0x6fn, rdi: BigInt(DATA), rcx: 11n });
    expect([on.cpu.rdi, on.cpu.rcx]).toEqual([BigInt(DATA + 5), 6n]);
    on.execute("f3 a6", { rsi: BigInt(DATA), rdi: BigInt(DATA + 64), rcx: 11n });
    expect([on.cpu.rcx, Number(on.cpu.rflags) & (CF | ZF)]).toEqual([4n, 0]);
  });
  test("LODSW and STOSB without a prefix", () => {
    fill(DATA, "xyz");
    on.execute("66 ad aa", { rax: 0n, rsi: BigInt(DATA), rdi: BigInt(DATA + 9) });
    expect([on.cpu.rax, text(DATA + 9, 1)]).toEqual([0x7978n, "x"]);
  });
  test("a fault in the middle leaves the rest to be done", () => {
    fill(0x7f_fff0, "0123456789abcdef");
    on.execute("f3 a4", { rsi: 0x7f_fffan, rdi: BigInt(DATA), rcx: 20n });
    expect([on.cpu.rcx, on.cpu.rsi, on.cpu.cr2]).toEqual([14n, 0x80_0000n, 0x80_0000n]);
    expect(text(DATA, 6)).toBe("abcdef");
    on.cpu.pendingException = 0;
  });
  test("a turn's end in the middle is between two iterations", () => {
    fill(DATA, "0123456789");
    on.put("f3 a4 f4");
    Object.assign(on.cpu, { rip: 0x40_0000n, activity: 1, rflags: 2n });
    Object.assign(on.cpu, { rsi: BigInt(DATA), rdi: BigInt(DATA + 32), rcx: 10n });
    on.run(4);
    expect([on.cpu.rcx, on.cpu.rip]).toEqual([6n, 0x40_0000n]);
    on.run(6);
    expect([on.cpu.rcx, on.cpu.rip]).toEqual([0n, 0x40_0002n]);
  });
});
