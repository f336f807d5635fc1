/**
 * The registers as gdb knows them: its features i386.core, sse and segments (gdb manual, G.5.6 x86
 * Features), and a feature of our own with what a kernel's debugger wants to see. gdb asks for a
 * description when it attaches and takes its architecture from it: how wide registers are, and what the
 * disassembler takes code for. So there are three, for 64-, 32- and 16-bit code.
 */
import { EFER_LMA } from "../../spec/x86.ts";
import { RecordingDataView } from "../recording.ts";
import { Cpu, type Segment } from "../views.generated.ts";
import type { Debugger } from "./debugger.ts";

interface Register {
  readonly name: string;
  readonly bits: number;
  readonly type: string;
  readonly group?: string;
  read(cpu: Cpu, bytes: Uint8Array): bigint;
  /** Without it the register can only be looked at. */
  write?(cpu: Cpu, value: bigint, data: DataView): void;
}

const GENERAL = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
/** Indices of Cpu.segments. */
const SELECTORS = { cs: 1, ss: 2, ds: 3, es: 0, fs: 4, gs: 5 } as const;
/** L and D of a segment's attributes: its access byte, and above it the four flags. */
const SEGMENT_LONG = 0x200;
const SEGMENT_DEFAULT = 0x400;
/** Bits of RFLAGS that software may have set, without VM and what is reserved (Intel SDM 1, 3.4.3). */
const FLAGS_WRITABLE = 0x0025_7fd5n;
const FLAGS_ONE = 2n;
/** Places in the FXSAVE image (Intel SDM 1, 10.5.1); x87 registers stand there by physical number. */
const X87_AT = 32;
const XMM_AT = 160;
const MXCSR_AT = 24;
const MXCSR_WRITABLE = 0xffffn;

type Field = { [K in keyof Cpu]: Cpu[K] extends bigint ? K : never }[keyof Cpu];

function field(name: Field, type: string, shown = name as string, writable = true): Register {
  return {
    name: shown,
    bits: 64,
    type,
    read: (cpu) => cpu[name],
    ...(writable
      ? {
          write: (cpu: Cpu, value: bigint) => {
            (cpu[name] as bigint) = value;
          },
        }
      : {}),
  };
}

const pointerTypes: Readonly<Record<string, string>> = { rbp: "data_ptr", rsp: "data_ptr" };
const general = GENERAL.map((name) => field(name as Field, pointerTypes[name] ?? "int64"));

const flags: Register = {
  name: "eflags",
  bits: 32,
  type: "i386_eflags",
  read: (cpu) => cpu.rflags,
  write: (cpu, value) => {
    cpu.rflags = (value & FLAGS_WRITABLE) | FLAGS_ONE;
  },
};

const selectors = Object.entries(SELECTORS).map(([name, index]): Register => {
  const read = (cpu: Cpu) => BigInt(cpu.segmentsAt(index).selector);
  return { name, bits: 32, type: "int32", read };
});

function imageField(
  name: string,
  bits: number,
  at: number,
  width: number,
  group = "float",
): Register {
  const read = (cpu: Cpu, bytes: Uint8Array) => little(bytes, cpu.fxsave + at, width);
  return { name, bits, type: "int", group, read };
}

const topOf = (cpu: Cpu, bytes: Uint8Array) => ((bytes[cpu.fxsave + 3] ?? 0) >> 3) & 7;

function stack(index: number): Register {
  const at = (cpu: Cpu, bytes: Uint8Array) =>
    cpu.fxsave + X87_AT + 16 * ((topOf(cpu, bytes) + index) & 7);
  return {
    name: `st${index}`,
    bits: 80,
    type: "i387_ext",
    read: (cpu, bytes) => little(bytes, at(cpu, bytes), 10),
  };
}

/** The tag word of FSTENV: the image has only a bit a register, for "not empty" (10.5.1.1). */
const tags: Register = {
  name: "ftag",
  bits: 32,
  type: "int",
  group: "float",
  read: (cpu, bytes) => {
    let word = 0n;
    for (let n = 0; n < 8; n++) word |= tagOf(cpu, bytes, n) << BigInt(2 * n);
    return word;
  },
};

function tagOf(cpu: Cpu, bytes: Uint8Array, n: number): bigint {
  if ((((bytes[cpu.fxsave + 4] ?? 0) >> n) & 1) === 0) return 3n;
  const value = little(bytes, cpu.fxsave + X87_AT + 16 * n, 10);
  const exponent = (value >> 64n) & 0x7fffn;
  if (value << 1n === (value >> 79n) << 80n) return 1n;
  return exponent !== 0n && exponent !== 0x7fffn && (value >> 63n) & 1n ? 0n : 2n;
}

const floats: readonly Register[] = [
  ...Array.from({ length: 8 }, (_, n) => stack(n)),
  imageField("fctrl", 32, 0, 2),
  imageField("fstat", 32, 2, 2),
  tags,
  imageField("fiseg", 32, 12, 2),
  imageField("fioff", 32, 8, 4),
  imageField("foseg", 32, 20, 2),
  imageField("fooff", 32, 16, 4),
  imageField("fop", 32, 6, 2),
];

const vectors: readonly Register[] = Array.from({ length: 16 }, (_, n) => ({
  name: `xmm${n}`,
  bits: 128,
  type: "vec128",
  read: (cpu: Cpu, bytes: Uint8Array) => little(bytes, cpu.fxsave + XMM_AT + 16 * n, 16),
  write: (cpu: Cpu, value: bigint, data: DataView) => {
    const at = cpu.fxsave + XMM_AT + 16 * n;
    data.setBigUint64(at, BigInt.asUintN(64, value), true);
    data.setBigUint64(at + 8, value >> 64n, true);
  },
}));

const mxcsr: Register = {
  name: "mxcsr",
  bits: 32,
  type: "i386_mxcsr",
  group: "vector",
  read: (cpu, bytes) => little(bytes, cpu.fxsave + MXCSR_AT, 4),
  write: (cpu, value, data) =>
    data.setUint32(cpu.fxsave + MXCSR_AT, Number(value & MXCSR_WRITABLE), true),
};

function base(name: string, index: number): Register {
  const segment = (cpu: Cpu): Segment => cpu.segmentsAt(index);
  return {
    name,
    bits: 64,
    type: "int",
    read: (cpu) => segment(cpu).base,
    write: (cpu, value) => {
      segment(cpu).base = value;
    },
  };
}

const looked = (name: Field, shown = name as string, type = "int64") =>
  field(name, type, shown, false);

/** A register of 32 bits; in 64-bit mode, the low half. Writing it clears the other one. */
const narrow = (name: Field, type = "int32"): Register => ({
  name: name.replace(/^r/, "e"),
  bits: 32,
  type,
  read: (cpu) => cpu[name],
  write: (cpu, value) => {
    (cpu[name] as bigint) = value;
  },
});

interface Feature {
  readonly name: string;
  /** Types that gdb doesn't bring along. */
  readonly types: string;
  readonly registers: readonly Register[];
}

const flagsType = (id: string, names: readonly (readonly [string, number])[], bytes = 4) =>
  `<flags id="${id}" size="${bytes}">${names
    .map(([name, bit]) => `<field name="${name}" start="${bit}" end="${bit}"/>`)
    .join("")}</flags>`;

const EFLAGS = "CF:0 :1 PF:2 AF:4 ZF:6 SF:7 TF:8 IF:9 DF:10 OF:11 NT:14 RF:16 VM:17 AC:18 ID:21";
const MXCSR = "IE:0 DE:1 ZE:2 OE:3 UE:4 PE:5 DAZ:6 IM:7 DM:8 ZM:9 OM:10 UM:11 PM:12 FZ:15";
/** Intel SDM 3A, 2.5, and 2.2.1 for EFER. */
const CR0 = "PE:0 MP:1 EM:2 TS:3 ET:4 NE:5 WP:16 AM:18 NW:29 CD:30 PG:31";
const CR4 =
  "VME:0 PVI:1 TSD:2 DE:3 PSE:4 PAE:5 MCE:6 PGE:7 PCE:8 OSFXSR:9 OSXMMEXCPT:10 UMIP:11 LA57:12 " +
  "VMXE:13 SMXE:14 FSGSBASE:16 PCIDE:17 OSXSAVE:18 SMEP:20 SMAP:21 PKE:22";
const EFER = "SCE:0 LME:8 LMA:10 NXE:11";
const bitNames = (text: string) =>
  text.split(" ").map((item): [string, number] => {
    const [name, bit] = item.split(":");
    return [name ?? "", Number(bit)];
  });

const VECTOR_TYPES = [
  ["v4f", "ieee_single", 4],
  ["v2d", "ieee_double", 2],
  ["v16i8", "int8", 16],
  ["v8i16", "int16", 8],
  ["v4i32", "int32", 4],
  ["v2i64", "int64", 2],
] as const;
const VECTOR_FIELDS = [
  ["v4_float", "v4f"],
  ["v2_double", "v2d"],
  ["v16_int8", "v16i8"],
  ["v8_int16", "v8i16"],
  ["v4_int32", "v4i32"],
  ["v2_int64", "v2i64"],
  ["uint128", "uint128"],
] as const;
const vectorTypes =
  VECTOR_TYPES.map(
    ([id, type, count]) => `<vector id="${id}" type="${type}" count="${count}"/>`,
  ).join("") +
  `<union id="vec128">${VECTOR_FIELDS.map(
    ([name, type]) => `<field name="${name}" type="${type}"/>`,
  ).join("")}</union>`;

const SYSTEM_TYPES = Object.entries({ cr0: CR0, cr4: CR4, efer: EFER })
  .map(([name, bits]) => flagsType(`amd64_${name}`, bitNames(bits), 8))
  .join("");
const system: Feature = {
  name: "org.aios.amd64.system",
  types: SYSTEM_TYPES,
  registers: [
    looked("kernelGsBase", "k_gs_base"),
    looked("cr0", "cr0", "amd64_cr0"),
    looked("cr2"),
    looked("cr3"),
    looked("cr4", "cr4", "amd64_cr4"),
    looked("efer", "efer", "amd64_efer"),
    looked("lstar"),
    looked("idtBase", "idt_base"),
    looked("gdtBase", "gdt_base"),
  ],
};
const MXCSR_TYPE = flagsType("i386_mxcsr", bitNames(MXCSR));
const EFLAGS_TYPE = flagsType("i386_eflags", bitNames(EFLAGS));

const FEATURES_64: readonly Feature[] = [
  {
    name: "org.gnu.gdb.i386.core",
    types: EFLAGS_TYPE,
    registers: [...general, field("rip", "code_ptr"), flags, ...selectors, ...floats],
  },
  {
    name: "org.gnu.gdb.i386.sse",
    types: vectorTypes + MXCSR_TYPE,
    registers: [...vectors, mxcsr],
  },
  {
    name: "org.gnu.gdb.i386.segments",
    types: "",
    registers: [base("fs_base", SELECTORS.fs), base("gs_base", SELECTORS.gs)],
  },
  system,
];

const GENERAL_32 = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"] as const;
const FEATURES_32: readonly Feature[] = [
  {
    name: "org.gnu.gdb.i386.core",
    types: EFLAGS_TYPE,
    registers: [
      ...GENERAL_32.map((name) => narrow(name, pointerTypes[name] ?? "int32")),
      narrow("rip", "code_ptr"),
      flags,
      ...selectors,
      ...floats,
    ],
  },
  {
    name: "org.gnu.gdb.i386.sse",
    types: vectorTypes + MXCSR_TYPE,
    registers: [...vectors.slice(0, 8), mxcsr],
  },
  system,
];

/** What gdb takes the code for, by its names of architectures. */
export type Architecture = "i386:x86-64" | "i386" | "i8086";

const featuresOf = (architecture: Architecture) =>
  architecture === "i386:x86-64" ? FEATURES_64 : FEATURES_32;
/** Registers of 64-bit code. */
export const REGISTERS = FEATURES_64.flatMap(({ registers }) => registers);
const REGISTERS_32 = FEATURES_32.flatMap(({ registers }) => registers);
export const registersOf = (architecture: Architecture): readonly Register[] =>
  architecture === "i386:x86-64" ? REGISTERS : REGISTERS_32;

/** The mode in which a CPU executes (Intel SDM 3A, 3.4.5: L and D of the code segment). */
export function architectureOf(cpu: Cpu): Architecture {
  const { attributes } = cpu.segmentsAt(SELECTORS.cs);
  if ((cpu.efer & BigInt(EFER_LMA)) !== 0n && (attributes & SEGMENT_LONG) !== 0)
    return "i386:x86-64";
  return (attributes & SEGMENT_DEFAULT) !== 0 ? "i386" : "i8086";
}

/** Number of the register of that name, as in packets p and P. */
export const registerNumber = (name: string): number =>
  REGISTERS.findIndex((register) => register.name === name);

/** The target description. */
export function targetDescription(architecture: Architecture): string {
  let number = 0;
  const features = featuresOf(architecture).map(({ name, types, registers }) => {
    const lines = registers.map(({ name, bits, type, group }) => {
      const more = group ? ` group="${group}"` : "";
      return `<reg name="${name}" bitsize="${bits}" type="${type}" regnum="${number++}"${more}/>`;
    });
    return `<feature name="${name}">${types}${lines.join("")}</feature>`;
  });
  return (
    '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">' +
    `<target version="1.0"><architecture>${architecture}</architecture>${features.join("")}</target>`
  );
}

/** Bytes of the register as packets have it, low byte first. */
export function readRegister(on: Debugger, cpu: number, { read, bits }: Register): Uint8Array {
  let value = BigInt.asUintN(bits, read(on.cpu(cpu), on.engine.core.bytes));
  return Uint8Array.from({ length: bits / 8 }, () => {
    const byte = Number(value & 0xffn);
    value >>= 8n;
    return byte;
  });
}

/** False when it can't be written, and is another than that. */
export function writeRegister(on: Debugger, cpu: number, register: Register, bytes: Uint8Array) {
  const value = little(bytes, 0, bytes.length);
  if (little(readRegister(on, cpu, register), 0, bytes.length) === value) return true;
  if (!register.write) return false;
  const data = new RecordingDataView(on.engine.core.memory.buffer, (at, edit) => on.edit(at, edit));
  register.write(new Cpu(data, on.cpu(cpu).address), value, data);
  return true;
}

function little(bytes: Uint8Array, at: number, length: number): bigint {
  let value = 0n;
  for (let n = length - 1; n >= 0; n--) value = (value << 8n) | BigInt(bytes[at + n] ?? 0);
  return value;
}
