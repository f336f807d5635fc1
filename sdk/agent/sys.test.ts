import { describe, expect, test } from "vitest";
import { INSTRUCTION_BYTES, OP_JUMP, OP_LOAD, OP_RUN } from "../../sim/spec/synthetic.ts";
import { agentImage } from "../image/agent-image.ts";
import type { SyscallError } from "./error.ts";
import { runAgents } from "./testing.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** One synthetic instruction. */
function instruction(opcode: number, x: bigint, a = 0, b = 0): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(INSTRUCTION_BYTES));
  bytes.setUint16(0, opcode, true);
  bytes.setUint8(2, a);
  bytes.setUint8(3, b);
  bytes.setBigInt64(8, x, true);
  return new Uint8Array(bytes.buffer);
}

/** Runs for ever. */
const SPINNER = agentImage({
  runtime: "synthetic",
  text: Buffer.concat([instruction(OP_RUN, 1_000_000n), instruction(OP_JUMP, -1n)]),
});
/** Reads what isn't there. */
const FAULTY = agentImage({ runtime: "synthetic", text: instruction(OP_LOAD, 0x1234_5000n, 0, 1) });

describe("TypeScript agents on the machine", () => {
  test("a parent spawns a child, they talk, and the parent learns of its end", async () => {
    const log: string[] = [];
    await runAgents({
      *init(sys) {
        const image = yield* sys.image("child");
        const child = yield* sys.spawn({ image, argument: 7, grants: [{ capability: sys.self }] });
        yield* sys.send(child.capability, bytesOf("ping"), sys.self);
        const answer = yield* sys.receive();
        log.push(`${textOf(answer.bytes)} from ${answer.sender === child.id}`);
        const { reason, code } = yield* sys.ended(child.id);
        log.push(`${reason} ${code}`);
      },
      *child(sys) {
        const { bytes, capability } = yield* sys.receive();
        log.push(`${textOf(bytes)} with ${sys.argument}`);
        yield* sys.send(capability, bytesOf("pong"));
        yield* sys.exit(42);
      },
    });
    expect(log).toEqual(["ping with 7", "pong from true", "exited 42"]);
  });

  test("payloads of every size arrive whole, in order, whether their receiver waits or not", async () => {
    // Around what is loaded with the header, what fits the scratch page, a page, and the most.
    const sizes = [0, 1, 63, 64, 65, 983, 984, 985, 4096, 5000, 65_536, 0, 64, 100];
    const payload = (size: number) => Uint8Array.from({ length: size }, (_, n) => size + 7 * n);
    for (const pause of [0, 50_000]) {
      const received: Uint8Array[] = [];
      await runAgents({
        *init(sys) {
          const image = yield* sys.image("child");
          const child = yield* sys.spawn({ image });
          for (const size of sizes) {
            yield* sys.send(child.capability, payload(size));
            if (pause !== 0) yield* sys.sleep(pause);
          }
          yield* sys.ended(child.id);
        },
        *child(sys) {
          if (pause === 0) yield* sys.sleep(10_000_000);
          for (const _ of sizes) received.push((yield* sys.receive()).bytes);
        },
      });
      expect(received).toEqual(sizes.map(payload));
    }
  });

  test("an exchange is a send and a receive: of every size, from mailbox or queue, with capabilities", async () => {
    const sizes = [0, 1, 64, 64, 65, 1471, 1472, 1473, 64, 5000, 64, 65_536, 64, 64];
    const payload = (size: number) => Uint8Array.from({ length: size }, (_, n) => size + 3 * n);
    const answers: Uint8Array[] = [];
    let passed = 0;
    await runAgents({
      *init(sys) {
        const image = yield* sys.image("echo");
        const queue = yield* sys.endpoint("queue", 2);
        const child = yield* sys.spawn({ image, grants: [{ capability: sys.self }] });
        yield* sys.send(child.capability, new Uint8Array(), sys.self);
        yield* sys.send(child.capability, new Uint8Array(), queue);
        for (const size of sizes)
          answers.push((yield* sys.exchange(child.capability, payload(size))).bytes);
        const last = yield* sys.exchange(child.capability, payload(3), image, queue);
        passed = last.bytes.length;
        yield* sys.ended(child.id);
      },
      *echo(sys) {
        const { capability } = yield* sys.receive();
        const { capability: queue } = yield* sys.receive();
        let message = yield* sys.receive();
        for (const _ of sizes) message = yield* sys.exchange(capability, message.bytes);
        expect(message.capability).not.toBe(0);
        yield* sys.send(queue, new Uint8Array(7));
      },
    });
    expect(answers).toEqual(sizes.map(payload));
    expect(passed).toBe(7);
  });

  test("what is refused in an exchange says which of its calls that was, and the next one works", async () => {
    const refused: string[] = [];
    await runAgents({
      *init(sys) {
        const queue = yield* sys.endpoint("queue", 1);
        yield* sys.send(sys.self, new Uint8Array(8));
        yield* sys.receive();
        const full = yield* sys.endpoint("queue", 1);
        yield* sys.send(full, new Uint8Array(8));
        for (const attempt of [
          () => sys.exchange(full, new Uint8Array(8)),
          () => sys.exchange(sys.pool, new Uint8Array(8)),
          () => sys.exchange(sys.self, new Uint8Array(8), 0, sys.pool),
          () => sys.receive(sys.pool),
        ])
          try {
            yield* attempt();
          } catch (error) {
            const { call, status } = error as SyscallError;
            refused.push(`${call} ${status}`);
          }
        expect((yield* sys.receive()).bytes.length).toBe(8);
        expect((yield* sys.exchange(sys.self, new Uint8Array(9))).bytes.length).toBe(9);
        yield* sys.close(queue);
      },
    });
    expect(refused).toEqual([
      "IPC_SEND FULL",
      "IPC_SEND CAPABILITY_KIND",
      "receive CAPABILITY_KIND",
      "receive CAPABILITY_KIND",
    ]);
  });

  test("steps that were made first and are taken later each do their own", async () => {
    const got: number[] = [];
    await runAgents({
      *init(sys) {
        yield* sys.send(sys.self, new Uint8Array(1));
        const first = sys.send(sys.self, new Uint8Array(2));
        const second = sys.send(sys.self, new Uint8Array(3));
        const received = [sys.receive(), sys.receive(), sys.receive()];
        yield* second;
        yield* first;
        for (const step of received) got.push((yield* step).bytes.length);
      },
    });
    expect(got).toEqual([1, 3, 2]);
  });

  test("what an agent's processor forbids ends that agent, with vector and address, and nobody else", async () => {
    const machine = await runAgents(
      {
        *init(sys) {
          const image = yield* sys.image("faulty");
          const child = yield* sys.spawn({ image });
          const { reason, code } = yield* sys.ended(child.id);
          // A page that isn't present, read by ring 3: #PF, error code 4 (Intel SDM 3A, 4.7).
          expect([reason, code]).toEqual(["fault", (4n << 8n) | 14n]);
        },
      },
      { images: { faulty: FAULTY } },
    );
    expect(machine.kernel.panic).toBeNull();
    // The first agent has ended in order; its control block stays for whoever looks from outside.
    const [init] = machine.kernel.agents;
    expect([machine.kernel.agents.length, init?.state, init?.end]).toEqual([
      1,
      "dead",
      { reason: "exited", code: 0n },
    ]);
    expect(machine.kernel.agent(init?.id ?? 0)?.class).toBe("fair");
    expect(machine.kernel.agent((init?.id ?? 0) + 1)).toBeNull();
  });

  test("a refusal is an error with the status's name, and changes nothing", async () => {
    await runAgents({
      *init(sys) {
        const refused: string[] = [];
        for (const attempt of [
          () => sys.image("nobody"),
          () => sys.spawn({ image: sys.pool }),
          () => sys.resume(sys.self),
          () => sys.spawn({ image: 0, quota: 1n << 60n }),
        ]) {
          try {
            yield* attempt();
          } catch (error) {
            refused.push((error as SyscallError).status);
          }
        }
        expect(refused).toEqual([
          "UNKNOWN_NAME",
          "CAPABILITY_KIND",
          "WRONG_STATE",
          "CAPABILITY_FORGED",
        ]);
      },
    });
  });

  test("a killed tree on four processors is gone, with all that it held, within a quantum", async () => {
    const quantum = 1_000_000n;
    let gone = 0n;
    await runAgents(
      {
        *init(sys) {
          const image = yield* sys.image("branch");
          yield* sys.room(1);
          const before = yield* sys.info(sys.self);
          const child = yield* sys.spawn({ image, argument: 3 });
          yield* sys.send(child.capability, new Uint8Array(), image);
          yield* sys.sleep(50_000_000);
          expect((yield* sys.info(child.capability)).tree).toBe(1 + 4 + 16 + 64);
          const start = yield* sys.now();
          expect(yield* sys.kill(child.capability)).toBe(85);
          yield* sys.ended(child.id);
          gone = (yield* sys.now()) - start;
          yield* sys.drop(child.capability);
          expect((yield* sys.info(sys.self)).used).toBe(before.used);
        },
        *branch(sys) {
          const { capability: image } = yield* sys.receive();
          for (let count = 0; sys.argument > 0n && count < 4; count++) {
            const child = yield* sys.spawn({ image, argument: sys.argument - 1n });
            yield* sys.send(child.capability, new Uint8Array(), image);
          }
          // Leaves never stop, and never look at their mail again.
          while (true) {
            sys.work(100_000);
            yield* sys.yield();
          }
        },
      },
      { cpus: 4 },
    );
    expect(gone).toBeGreaterThan(0n);
    expect(gone).toBeLessThan(quantum);
  });

  test("synthetic agents are suspended on another processor, cloned, and go on", async () => {
    const machine = await runAgents(
      {
        *init(sys) {
          const image = yield* sys.image("spinner");
          const child = yield* sys.spawn({ image, affinity: 2n });
          yield* sys.sleep(5_000_000);
          expect((yield* sys.info(child.capability)).state).toBe("running");
          yield* sys.suspend(child.capability);
          yield* sys.sleep(1_000_000);
          expect((yield* sys.info(child.capability)).state).toBe("suspended");
          const clone = yield* sys.clone(child.capability);
          yield* sys.resume(child.capability);
          yield* sys.sleep(5_000_000);
          for (const { capability } of [child, clone]) {
            expect(["running", "ready"]).toContain((yield* sys.info(capability)).state);
            yield* sys.kill(capability);
          }
        },
      },
      { cpus: 2, images: { spinner: SPINNER } },
    );
    expect(machine.kernel.panic).toBeNull();
  });

  test("an agent upgrades itself; when the new program fails, the old one starts anew", async () => {
    const log: string[] = [];
    await runAgents({
      *init(sys) {
        const good = yield* sys.image("good");
        const bad = yield* sys.image("bad");
        const image = yield* sys.image("service");
        for (const next of [bad, good]) {
          const child = yield* sys.spawn({ image });
          yield* sys.send(child.capability, new Uint8Array(), next);
          const { reason, code } = yield* sys.ended(child.id);
          log.push(`${reason} ${code}`);
        }
      },
      *service(sys) {
        log.push(`service ${sys.argument}`);
        // Started again after a failed upgrade, it finds what the failure was.
        if (sys.argument !== 0n) yield* sys.exit(1);
        const { capability } = yield* sys.receive();
        yield* sys.upgrade(sys.self, capability, 5);
      },
      *bad(sys) {
        log.push(`bad ${sys.argument}`);
        yield* sys.load(0, 8);
      },
      *good(sys) {
        log.push(`good ${sys.argument}`);
        yield* sys.confirmUpgrade(sys.self);
        yield* sys.exit(2);
      },
    });
    expect(log).toEqual([
      "service 0",
      "bad 5",
      `service ${(4 << 8) | 14}`,
      "exited 1",
      "service 0",
      "good 5",
      "exited 2",
    ]);
  });
});
