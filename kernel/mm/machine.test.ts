/** Memory of agents on the booted machine: ring 3 reads, writes and faults through the MMU. */
import { describe, expect, test } from "vitest";
import { runAgents } from "../../sdk/agent/testing.ts";
import { agentImage } from "../../sdk/image/agent-image.ts";
import type { Machine } from "../../sim/host/machine.ts";
import {
  INSTRUCTION_BYTES,
  OP_ADD_REG,
  OP_JUMP,
  OP_LOAD,
  OP_MOVE,
  OP_SET,
  OP_STORE,
  OP_SYSCALL,
  OP_TOUCH,
} from "../../sim/spec/synthetic.ts";
import * as Views from "../host/views.generated.ts";
import { KernelViews } from "../host/views.ts";
import { SYSCALL_AGENT_KILL, SYSCALL_AGENT_MEM_ALLOC } from "../syscall/numbers.ts";
import { DISCARDABLE, GUARD, PAGE, READ, WRITE } from "../testing/memory-host.ts";

const [RAX, RCX, RDX, RSI, RDI, R8, R10, R11, R12] = [0, 1, 2, 6, 7, 8, 10, 11, 12] as const;
/** Vector of a page fault, below its error code in what an ended agent leaves. */
const PAGE_FAULT = 14n;

/** Synthetic instructions, one a call. */
class Program {
  private readonly parts: Uint8Array[] = [];

  add(opcode: number, a: number, b = 0, x = 0n, y = 0n, z = 0n): this {
    const view = new DataView(new ArrayBuffer(INSTRUCTION_BYTES));
    view.setUint16(0, opcode, true);
    view.setUint8(2, a);
    view.setUint8(3, b);
    [x, y, z].forEach((value, index) => {
      view.setBigInt64(8 + 8 * index, value, true);
    });
    this.parts.push(new Uint8Array(view.buffer));
    return this;
  }

  set(register: number, value: bigint): this {
    return this.add(OP_SET, register, 0, value);
  }

  get image(): Uint8Array {
    return agentImage({ runtime: "synthetic", text: Buffer.concat(this.parts) });
  }
}

/** Begins by allocating `bytes` bytes at `address`; its own capability stays in R8. */
function allocating(address: bigint, bytes: bigint, flags: number): Program {
  return new Program()
    .add(OP_MOVE, R8, RDI)
    .add(OP_MOVE, RDI, RSI)
    .set(RAX, BigInt(SYSCALL_AGENT_MEM_ALLOC))
    .set(RSI, bytes)
    .set(RDX, address)
    .set(R10, BigInt(flags))
    .add(OP_SYSCALL, 0);
}

/** Ends by ending itself with what is in R12. */
function exiting(program: Program): Uint8Array {
  program.add(OP_MOVE, RDI, R8).add(OP_MOVE, RSI, R12);
  return program.set(RAX, BigInt(SYSCALL_AGENT_KILL)).add(OP_SYSCALL, 0).image;
}

function quarantine(machine: Machine): Views.Quarantine {
  const kernel = new KernelViews(machine.core.data);
  return new Views.Quarantine(machine.core.data, kernel.root.quarantine);
}

const AT = 0x5000_0000n;
const pagesOf = (count: number) => BigInt(count * PAGE);

describe("on the machine", () => {
  test("pages appear under a program that touches them, zeroed, and hold what it writes", async () => {
    const program = allocating(AT, pagesOf(600), READ | WRITE)
      .set(R11, 5n)
      .add(OP_TOUCH, R11, 0, AT, pagesOf(1), 600n)
      .set(RCX, AT + pagesOf(599))
      .add(OP_LOAD, R12, RCX)
      .add(OP_LOAD, R10, RCX, 8n)
      .add(OP_ADD_REG, R12, R10)
      .set(RCX, AT + pagesOf(300))
      .add(OP_LOAD, R10, RCX)
      .add(OP_ADD_REG, R12, R10);
    const ended: unknown[] = [];
    const machine = await runAgents(
      {
        *init(sys) {
          const child = yield* sys.spawn({ image: yield* sys.image("toucher") });
          const { reason, code } = yield* sys.ended(child.id);
          ended.push(reason, code);
        },
      },
      { images: { toucher: exiting(program) } },
    );
    // The first byte of each page is 5, all others 0: 5 + 0 + 5.
    expect(ended).toEqual(["exited", 10n]);
    expect(quarantine(machine).frames).toBe(0);
  });

  test.each<[string, Uint8Array, bigint]>([
    [
      "writes where it may only read",
      allocating(AT, pagesOf(1), READ).set(RCX, AT).add(OP_STORE, RCX, RCX).image,
      6n,
    ],
    [
      "writes a page that it has read",
      allocating(AT, pagesOf(1), READ).set(RCX, AT).add(OP_LOAD, R12, RCX).add(OP_STORE, RCX, RCX)
        .image,
      7n,
    ],
    [
      "runs into the guard behind its memory",
      allocating(AT, pagesOf(2), READ | WRITE | GUARD).add(OP_TOUCH, R12, 0, AT, pagesOf(1), 3n)
        .image,
      6n,
    ],
    ["writes its own text", new Program().set(RCX, 0x40_0000n).add(OP_STORE, RCX, RCX).image, 7n],
    [
      "reads the kernel",
      new Program().set(RCX, -0x8000_0000_0000n).add(OP_LOAD, R12, RCX).image,
      5n,
    ],
  ])("a program that %s ends, and nobody else", async (_what, image, code) => {
    const ended: unknown[] = [];
    await runAgents(
      {
        *init(sys) {
          const child = yield* sys.spawn({ image: yield* sys.image("wrong") });
          const notice = yield* sys.ended(child.id);
          ended.push(notice.reason, notice.code);
        },
      },
      { images: { wrong: image } },
    );
    expect(ended).toEqual(["fault", (code << 8n) | PAGE_FAULT]);
  });

  test("agents on two processors see each other's writes in a region, and only there", async () => {
    const log: number[] = [];
    await runAgents(
      {
        *init(sys) {
          const { value: at } = yield* sys.call(
            "AGENT_MEM_ALLOC",
            sys.pool,
            4 * PAGE,
            0,
            READ | WRITE,
          );
          yield* sys.store(at, new Uint8Array([1, 2]));
          const { value: region } = yield* sys.call("REGION_SHARE", sys.pool, at, 2 * PAGE);
          const image = yield* sys.image("child");
          const grants = [{ capability: region }, { capability: sys.self }];
          const child = yield* sys.spawn({ image, grants, affinity: 2 });
          yield* sys.send(
            child.capability,
            new Uint8Array(new BigUint64Array(child.grants.map(BigInt)).buffer),
          );
          yield* sys.receive();
          log.push(...(yield* sys.load(at, 3)));
          yield* sys.kill(child.capability);
          yield* sys.ended(child.id);
          // The region is the parent's still.
          log.push(...(yield* sys.load(at, 3)));
        },
        *child(sys) {
          const { bytes } = yield* sys.receive();
          const [region = 0n, parent = 0n] = new BigUint64Array(bytes.slice().buffer);
          const { value: at } = yield* sys.call("REGION_MAP", region, 0, READ | WRITE);
          log.push(...(yield* sys.load(at, 2)));
          yield* sys.store(at + 1, new Uint8Array([7, 8]));
          yield* sys.send(Number(parent), new Uint8Array([0]));
          while (true) yield* sys.sleep(1_000_000n);
        },
      },
      { cpus: 2 },
    );
    expect(log).toEqual([1, 2, 1, 7, 8, 1, 7, 8]);
  });

  test("a clone writes its own copy: the parent's bytes stay", async () => {
    const log: unknown[] = [];
    await runAgents({
      *init(sys) {
        const at = 0x6000_0000;
        if (sys.argument === 99n) {
          log.push(...(yield* sys.load(at, 2)));
          yield* sys.store(at, new Uint8Array([9]));
          log.push(...(yield* sys.load(at, 2)));
          yield* sys.exit(3);
        }
        yield* sys.call("AGENT_MEM_ALLOC", sys.pool, 64 * PAGE, at, READ | WRITE);
        yield* sys.store(at, new Uint8Array([4, 5]));
        const child = yield* sys.clone(sys.self, { argument: 99 });
        const { reason, code } = yield* sys.ended(child.id);
        log.push(reason, code, ...(yield* sys.load(at, 2)));
      },
    });
    expect(log).toEqual([4, 5, 9, 5, "exited", 3n, 4, 5]);
  });

  test("a program that is killed while another processor executes it leaves nothing behind", async () => {
    const spinner = allocating(AT, pagesOf(256), READ | WRITE | DISCARDABLE)
      .add(OP_TOUCH, R12, 0, AT, pagesOf(1), 256n)
      .add(OP_JUMP, 0, 0, -1n).image;
    const used: number[] = [];
    const machine = await runAgents(
      {
        *init(sys) {
          const image = yield* sys.image("spinner");
          yield* sys.sleep(0);
          const before = yield* sys.info(sys.self);
          for (let round = 0; round < 3; round++) {
            const child = yield* sys.spawn({ image, affinity: 2 });
            yield* sys.sleep(5_000_000n);
            used.push((yield* sys.info(sys.self)).used - before.used);
            yield* sys.kill(child.capability);
            yield* sys.ended(child.id);
          }
          yield* sys.sleep(1_000_000n);
          used.push((yield* sys.info(sys.self)).used - before.used);
        },
      },
      { cpus: 2, images: { spinner } },
    );
    expect(used.slice(0, 3).every((bytes) => bytes > 256 * PAGE)).toBe(true);
    // Capabilities to agents that have ended stay until their holder gives them up.
    expect(used[3]).toBeLessThan(1024);
    expect(quarantine(machine).frames).toBe(0);
  });
});
