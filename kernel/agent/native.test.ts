/** Agents that are machine code: an ELF file in the bundle runs in ring 3. */
import { describe, expect, test } from "vitest";
import { type Run, runAgents } from "../../sdk/agent/testing.ts";
import { type ElfSegment, elfFile } from "../../sdk/image/elf-write.ts";
import { buildBootImage, Machine } from "../../sdk/index.ts";
import { bytesOf } from "../../sim/host/testing/code.ts";
import { SYSCALL_AGENT_KILL } from "../syscall/numbers.ts";
import { PF_R, PF_W, STACK_END } from "./elf_format.ts";

const CODE = 0x40_1000;
const DATA = 0x40_4000;

const hex32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer).toString("hex");
/** mov eax, AgentKill; syscall: its own capability is still in RDI, the code is in RSI. */
const EXIT = `b8${hex32(SYSCALL_AGENT_KILL)} 0f05`;
/** mov esi, code, and the end. */
const exits = (code: number) => `be${hex32(code)} ${EXIT}`;

const elf = (code: string, ...more: ElfSegment[]) =>
  elfFile({ segments: [{ address: CODE, bytes: bytesOf(code) }, ...more] });

async function boot(init: Uint8Array, cpus = 1): Promise<Machine> {
  const drive = await buildBootImage({ entries: [{ name: "init", data: init }] });
  const machine = await Machine.create({ cpus, memory: 64 << 20, drives: [{ data: drive }] });
  expect(machine.boot({ until: 60_000_000_000n })).toBe("idle");
  return machine;
}

const endOf = async (init: Uint8Array) => (await boot(init)).kernel.agents[0]?.end;

/** What became of `count` agents of one image, spawned together by one in TypeScript. */
async function endsOf(image: Uint8Array, count: number, cpus = 1): Promise<unknown[]> {
  const ends: unknown[] = [];
  const init: Run = function* (sys) {
    const handle = yield* sys.image("native");
    const ids: number[] = [];
    for (let n = 1; n <= count; n++)
      ids.push((yield* sys.spawn({ image: handle, argument: n })).id);
    // Notices come in the order of the ends.
    for (let seen = 0; seen < count; ) {
      const woken = yield* sys.wait({ notices: true });
      if (woken.what !== "notice" || woken.notice.kind !== "ended") continue;
      const { agent, reason, code } = woken.notice;
      ends[ids.indexOf(agent)] = [reason, Number(code)];
      seen += 1;
    }
  };
  await runAgents({ init }, { cpus, images: { native: image } });
  return ends;
}

test("an ELF file's code runs in ring 3 and calls the kernel by SYSCALL", async () => {
  expect(await endOf(elf(exits(42)))).toMatchObject({ reason: "exited", code: 42n });
});

describe("segments", () => {
  test("have the file's bytes, and zeroes behind them", async () => {
    const data = {
      address: DATA,
      bytes: Uint8Array.of(7, 0, 0, 0),
      size: 9000,
      flags: PF_R | PF_W,
    };
    // mov esi, [DATA]; add esi, [DATA + 8992]; mov [DATA + 8992], esi; add esi, [DATA + 8992]
    const code = `8b3425${hex32(DATA)} 033425${hex32(DATA + 8992)} 893425${hex32(DATA + 8992)} 033425${hex32(DATA + 8992)} ${EXIT}`;
    expect(await endOf(elf(code, data))).toMatchObject({ reason: "exited", code: 14n });
  });
  test.each([
    ["text can't be written", `c60425${hex32(CODE)}00`, 0x7_0e],
    ["data can't be executed", `b8${hex32(DATA)} ffe0`, 0x15_0e],
    ["nothing is at 0", "8b042500000000", 0x4_0e],
    ["nothing is below the stack", "488da424000000ff 50", 0x6_0e],
    ["HLT is not for ring 3", "f4", 0x0d],
    ["nor are ports", "ec", 0x0d],
    ["nor is CR3", "0f20d8", 0x0d],
    ["nor are the kernel's gates", "cd40", 0x202_0d],
    ["division by zero is named", "31c9 f7f1", 0x00],
    ["as is what is no instruction", "0f0b", 0x06],
  ])("%s: that fault ends the agent", async (_, code, ending) => {
    const data = { address: DATA, bytes: Uint8Array.of(0x90), flags: PF_R | PF_W };
    expect(await endOf(elf(code, data))).toMatchObject({ reason: "fault", code: BigInt(ending) });
  });
});

test("the stack has argc, argv, an empty environment and an auxiliary vector", async () => {
  // argc + (argv[0][0] == 'i') + (RSP & 15) + AT_PHENT's value, which is the vector's second
  const code = `8b3424 488b4c2408 0fb611 83ea69 29d6 4889e1 83e10f 01ce 0374 2438 ${EXIT}`;
  expect(await endOf(elf(code))).toMatchObject({ reason: "exited", code: 57n });
  expect(STACK_END).toBe(0x4000_0000);
});

test("a snapshot in the middle of a run goes on to the same end, and so does a fork", async () => {
  const data = { address: DATA, bytes: new Uint8Array(4), flags: PF_R | PF_W };
  // 3,000,000 rounds of: add to memory; then the sum is the code.
  const code = `b9${hex32(3_000_000)} 83042500404000 03 ffc9 75f4 8b3425${hex32(DATA)} ${EXIT}`;
  const drive = await buildBootImage({ entries: [{ name: "init", data: elf(code, data) }] });
  const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
  machine.boot({ until: 128_000_000n });
  expect(machine.kernel.agents[0]?.end).toBeNull();
  const restored = await Machine.restore(machine.snapshot(), { drives: [{ data: drive }] });
  const fork = await machine.fork();
  const ends = [machine, restored, fork].map((each) => {
    expect(each.run({ until: 60_000_000_000n })).toBe("idle");
    return [each.kernel.agents[0]?.end, each.stateHash()];
  });
  expect(ends[0]?.[0]).toMatchObject({ reason: "exited", code: 9_000_000n });
  expect(ends[1]).toEqual(ends[0]);
  expect(ends[2]).toEqual(ends[0]);
});

describe("many of one image", () => {
  /** Counts to 200,000 times its argument in memory, then ends with its argument: preempted meanwhile. */
  const counter = (argument: string) =>
    `69c2${hex32(200_000)} ff0425${hex32(DATA)} ffc8 75f5 8b0425${hex32(DATA)} 31d2 b9${hex32(200_000)} f7f1 89c6 ${argument}`;
  const data = { address: DATA, bytes: new Uint8Array(4), flags: PF_R | PF_W };
  test.each([1, 2])("have data of their own and share %i CPUs", async (cpus) => {
    const ends = await endsOf(elf(counter(EXIT), data), 5, cpus);
    expect(ends).toEqual([1, 2, 3, 4, 5].map((n) => ["exited", n]));
  });
  test("have floating-point registers of their own, whoever runs in between", async () => {
    // ecx = DATA + 8 x argument; fldcw [rcx]; 100,000 rounds; fnstcw [rcx + 4]; both must be the same
    const code = `89d1 c1e103 81c1${hex32(DATA)} d929 b8${hex32(100_000)} ffc8 75fc
      d97904 8b01 3b4104 7402 0f0b 89d6 ${EXIT}`;
    const controls = new DataView(new ArrayBuffer(64));
    for (let n = 1; n <= 3; n++) controls.setUint32(8 * n, 0x7f | (n << 10), true);
    const file = elf(code.replace(/\s/g, ""), { ...data, bytes: new Uint8Array(controls.buffer) });
    expect(await endsOf(file, 3)).toEqual([1, 2, 3].map((n) => ["exited", n]));
  });
  test("one that faults ends alone", async () => {
    // cmp edx, 2; jne +2; ud2
    const ends = await endsOf(elf(`83fa02 7502 0f0b 89d6 ${EXIT}`), 3);
    expect(ends).toEqual([
      ["exited", 1],
      ["fault", 6],
      ["exited", 3],
    ]);
  });
});
