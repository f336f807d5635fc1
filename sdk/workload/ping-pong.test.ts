/** Two agents of synthetic instructions that send bursts of messages forth and back on a machine. */
import { describe, expect, test } from "vitest";
import { WAIT_MAILBOX } from "../../kernel/ipc/flags.ts";
import { PROTECTION_READ, PROTECTION_WRITE } from "../../kernel/mm/protection.ts";
import { HEADER_CAPABILITY } from "../../kernel/syscall/ipc_layouts.ts";
import {
  SYSCALL_AGENT_KILL,
  SYSCALL_AGENT_MEM_ALLOC,
  SYSCALL_IPC_RECV,
  SYSCALL_IPC_SEND,
  SYSCALL_WAIT,
} from "../../kernel/syscall/numbers.ts";
import { STATUS_EMPTY } from "../../kernel/syscall/status.ts";
import { runAgents } from "../agent/testing.ts";
import { agentImage } from "../image/agent-image.ts";
import { Assembler, type Label } from "./assembler.ts";

// Registers, numbered as x86 encodes them.
const [RAX, RDX, RSP, BASE, RSI, RDI, R8, R9, R10] = [0, 2, 4, 5, 6, 7, 8, 9, 10];
const [SELF, SOURCE, TARGET] = [12, 14, 15];
/** How many messages have arrived. */
const ARRIVED = RSP;
const BYTES = 64;
/** Offsets in the agent's page: what it sends and how much it has sent, a header, a list to wait for. */
const [OUTGOING, SENT, HEADER, LIST] = [64, 256, 512, 1024];
const BURST = 3;
const MESSAGES = 300;
/** What a player ends with when a message is not the one that is due, or a call is refused. */
const WRONG = 0xbad;

type Way = "mailbox" | "queue";

class Player extends Assembler {
  private readonly way: Way;
  private readonly wrong: Label = this.label();

  constructor(way: Way, isFirst: boolean) {
    super();
    this.way = way;
    this.begin();
    const round = this.here();
    for (let n = 0; isFirst && n < BURST; n++) this.send();
    for (let n = 0; n < BURST; n++) this.takeNext();
    for (let n = 0; !isFirst && n < BURST; n++) this.send();
    this.set(R9, MESSAGES);
    this.jumpBelow(ARRIVED, R9, round);
    this.end();
    this.place(this.wrong);
    this.set(ARRIVED, WRONG);
    this.end();
  }

  /** A page, and the capabilities that the parent sends. */
  private begin(): void {
    this.move(SELF, RDI);
    this.move(RDI, RSI);
    this.set(RSI, 4096);
    this.set(RDX, 0);
    this.set(R10, PROTECTION_READ | PROTECTION_WRITE);
    this.call(SYSCALL_AGENT_MEM_ALLOC);
    this.move(BASE, RDX);
    this.move(SOURCE, SELF);
    this.receive("mailbox");
    this.load(TARGET, BASE, HEADER + HEADER_CAPABILITY);
    if (this.way === "queue") {
      this.receive("mailbox");
      this.load(SOURCE, BASE, HEADER + HEADER_CAPABILITY);
    }
    this.store(SOURCE, BASE, LIST);
    this.set(ARRIVED, 0);
  }

  private call(number: number): void {
    this.set(RAX, number);
    this.systemCall();
    this.jumpIf(RAX, this.wrong);
  }

  /** The messages are numbered from 1. */
  private send(): void {
    this.load(R9, BASE, SENT);
    this.add(R9, R9, 1);
    this.store(R9, BASE, SENT);
    this.store(R9, BASE, OUTGOING);
    this.move(RDI, TARGET);
    this.add(RSI, BASE, OUTGOING);
    this.set(RDX, BYTES);
    this.set(R10, 0);
    this.set(R8, 0);
    this.call(SYSCALL_IPC_SEND);
  }

  private receive(way: Way): void {
    const again = this.here();
    const done = this.label();
    this.move(RDI, SOURCE);
    this.move(RSI, BASE);
    this.set(RDX, BYTES);
    this.add(R10, BASE, HEADER);
    this.set(R8, 0);
    this.set(R9, 0);
    this.set(RAX, SYSCALL_IPC_RECV);
    this.systemCall();
    this.jumpUnless(RAX, done);
    this.add(RAX, RAX, -STATUS_EMPTY);
    this.jumpIf(RAX, this.wrong);
    this.move(RDI, SELF);
    this.add(RSI, BASE, LIST);
    this.set(RDX, way === "queue" ? 1 : 0);
    this.set(R10, -1);
    this.set(R8, way === "queue" ? 0 : WAIT_MAILBOX);
    this.call(SYSCALL_WAIT);
    this.jump(again);
    this.place(done);
  }

  /** The next message, which must be the one that is due. */
  private takeNext(): void {
    this.receive(this.way);
    this.add(ARRIVED, ARRIVED, 1);
    this.load(R9, BASE, 0);
    this.jumpBelow(R9, ARRIVED, this.wrong);
    this.jumpBelow(ARRIVED, R9, this.wrong);
  }

  private end(): void {
    this.move(RDI, SELF);
    this.move(RSI, ARRIVED);
    this.set(RAX, SYSCALL_AGENT_KILL);
    this.systemCall();
  }
}

const imageOf = (way: Way, isFirst: boolean) =>
  agentImage({ runtime: "synthetic", text: new Player(way, isFirst).bytes() });

describe("bursts of messages forth and back", () => {
  for (const way of ["mailbox", "queue"] as const)
    for (const cpus of [1, 2])
      test(`every message arrives, in order: by ${way}, ${cpus} CPU${cpus === 1 ? "" : "s"}`, async () => {
        const ends: unknown[] = [];
        await runAgents(
          {
            *init(sys) {
              const players = [];
              for (const [index, name] of ["ping", "pong"].entries()) {
                const image = yield* sys.image(name);
                const affinity = cpus === 1 ? 1 : 1 << index;
                players.push(yield* sys.spawn({ image, affinity }));
              }
              // Until they have what they wait for.
              yield* sys.sleep(1_000_000);
              for (const [index, { capability }] of players.entries())
                expect((yield* sys.info(capability)).cpu).toBe(cpus === 1 ? 0 : index);
              const inboxes = players.map(({ capability }) => capability);
              if (way === "queue")
                for (const index of players.keys())
                  inboxes[index] = yield* sys.endpoint("queue", BURST);
              for (const [index, { capability }] of players.entries()) {
                yield* sys.send(capability, new Uint8Array(), inboxes[1 - index]);
                if (way === "queue") yield* sys.send(capability, new Uint8Array(), inboxes[index]);
              }
              while (ends.length < players.length) {
                const notice = yield* sys.notice();
                if (notice.kind === "ended") ends.push([notice.reason, notice.code]);
              }
            },
          },
          { cpus, images: { ping: imageOf(way, true), pong: imageOf(way, false) } },
        );
        expect(ends).toEqual(Array(2).fill(["exited", BigInt(MESSAGES)]));
      });
});
