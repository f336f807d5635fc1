/**
 * What metering costs: a module as the engine runs it by itself, the same rewritten so that it can be
 * left at any call, and as an agent has it, stopped after each of its slices, in turn.
 */
import { birthOf, SLICE_CYCLES } from "../../services/wasm/agent.ts";
import { Instance } from "../../services/wasm/instance.ts";
import { prepare } from "../../services/wasm/module/prepare.ts";
import { compileSource } from "../../services/wasm/testing/compile.ts";
import { type Progress, pairedRow, type Results } from "../measure.ts";
import { KERNELS, type Kernel, SOURCE } from "./kernels.ts";
import { measureScripts } from "./scripts.ts";

const RUNS = 15;
/** Rounds before the first that counts: V8's optimized code is in place by then. */
const WARM_ROUNDS = 8;
const SIDES = ["metered", "suspendable", "plain"] as const;
type Side = (typeof SIDES)[number];

interface Runner {
  /** Runs a kernel to its end. */
  run(kernel: Kernel): void;
  /** What the last one has left. */
  checksum(): number;
}

export async function measureWasm(results: Results, progress: Progress): Promise<void> {
  const bytes = await compileSource(SOURCE);
  const sides: Record<Side, Runner> = {
    metered: await meteredRunner(bytes),
    suspendable: plainRunner(await suspendable(bytes)),
    plain: plainRunner(bytes),
  };
  const rows = [];
  for (const kernel of KERNELS) {
    progress(`wasm: ${kernel}`);
    const times = await timesOf(kernel, sides);
    rows.push({ name: kernel, values: SIDES.map((side) => times[side]) });
    const about = { group: "wasm", unit: "ms", peerName: "the same module by itself" } as const;
    for (const [side, name] of [
      ["metered", kernel],
      ["suspendable", `${kernel}, suspendable at calls, not metered`],
    ] as const)
      results.rows.push(
        pairedRow(
          { ...about, name, ...(side === "metered" ? { aim: "at most 1.3" } : {}) },
          { ours: times[side], peer: times.plain },
        ),
      );
  }
  results.dots.push({
    file: "wasm-kernels",
    title: "A WebAssembly module by itself, suspendable, and metered as an agent has it",
    unit: "ms",
    sides: SIDES,
    rows,
  });
  await measureScripts(results, progress);
}

/** Milliseconds of CPU time, one sample of each side in turn. */
async function timesOf(kernel: Kernel, sides: Readonly<Record<Side, Runner>>) {
  const times: Record<Side, number[]> = { metered: [], suspendable: [], plain: [] };
  for (let round = 0; round < WARM_ROUNDS + RUNS; round++) {
    for (const [n] of SIDES.entries()) {
      const side = SIDES[(round + n) % SIDES.length] as Side;
      const start = process.cpuUsage();
      sides[side].run(kernel);
      const { user, system } = process.cpuUsage(start);
      if (round >= WARM_ROUNDS) times[side].push((user + system) / 1000);
      // Code that V8 compiles beside is put in place between two calls.
      else await new Promise((resolve) => setTimeout(resolve, 4));
    }
    if (new Set(SIDES.map((side) => sides[side].checksum())).size > 1)
      throw new Error(`${kernel}: the sides differ in their checksums`);
  }
  return times;
}

function plainRunner(bytes: Uint8Array): Runner {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource));
  const checksum = exports.checksum as WebAssembly.Global;
  return {
    run: (kernel) => (exports[kernel] as () => void)(),
    checksum: () => checksum.value >>> 0,
  };
}

async function meteredRunner(bytes: Uint8Array): Promise<Runner> {
  const prepared = await prepare(bytes);
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const it = new Instance(prepared, module, birthOf(prepared), () => null);
  const checksum = prepared.globals.indexOf(0);
  return {
    run: (kernel) => {
      it.cycles = SLICE_CYCLES;
      for (let done = it.start(kernel); !done; done = it.resume()) it.cycles = SLICE_CYCLES;
    },
    checksum: () => Number(it.freeze().globals[checksum]) >>> 0,
  };
}

/** Binaryen's asyncify alone, as if each call could be left by; what has no calls stays as it is. */
async function suspendable(bytes: Uint8Array): Promise<Uint8Array> {
  const { default: binaryen } = await import("binaryen");
  const it = binaryen.readBinary(bytes);
  try {
    const { BulkMemory, BulkMemoryOpt, MutableGlobals, NontrappingFPToInt, SignExt } =
      binaryen.Features;
    it.setFeatures(BulkMemory | BulkMemoryOpt | MutableGlobals | NontrappingFPToInt | SignExt);
    binaryen.setPassArgument("asyncify-addlist", "*");
    binaryen.setOptimizeLevel(2);
    it.runPasses(["asyncify"]);
    it.optimize();
    return it.emitBinary();
  } finally {
    binaryen.setPassArgument("asyncify-addlist", null);
    it.dispose();
  }
}
