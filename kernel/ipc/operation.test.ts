import { expect, test } from "vitest";
import { BASE, Ipc, type Party, pattern } from "../testing/ipc-host.ts";
import { NOTICE_COMPLETED } from "./notice_kinds.ts";

const END = BASE + 40 * 4096;
const NOTICE = 17;
const INPUT = BASE;
const RESULT = BASE + 20 * 4096;
const RECORD = BASE + 39 * 4096;
const OPERATIONS_PER_AGENT_MAX = 16;
const STATUS_BAD_ADDRESS = 12;
const STATUS_ABANDONED = 32;

class Scene {
  readonly ipc: Ipc;
  readonly asker: Party;
  readonly service: Party;
  readonly authority: number;

  constructor(ipc: Ipc) {
    this.ipc = ipc;
    this.asker = ipc.party();
    this.service = ipc.party();
    this.authority = this.service.kernel();
  }

  ask(bytes: Uint8Array, room: number, number = 7) {
    this.asker.write(INPUT, bytes);
    return this.asker.call(
      "PQC_OPERATION",
      this.asker.self,
      number,
      INPUT,
      bytes.length,
      RESULT,
      room,
    );
  }

  take(capacity = 65536) {
    return this.service.call("PQC_TAKE", this.authority, RECORD, INPUT, capacity);
  }

  record(): number[] {
    return [0, 8, 16, 24, 32].map((offset) => this.service.number(RECORD + offset));
  }

  complete(id: number, code: number, bytes: Uint8Array) {
    this.service.write(INPUT, bytes);
    return this.service.call("PQC_COMPLETE", this.authority, id, code, INPUT, bytes.length);
  }

  end(party: Party): void {
    this.ipc.exports.worldIpcDrop(BigInt(party.id), 1000);
  }
}

const scene = async () => new Scene(await Ipc.create());

test("a service takes what was asked, and its result comes back with a notice", async () => {
  const it = await scene();
  for (const [length, room] of [
    [10, 64],
    [64, 5000],
    [65536, 65536],
    [0, 0],
  ] as const) {
    const used = it.asker.used;
    const { status, value: id } = it.ask(pattern(length, 3), room);
    expect(status).toBe("OK");
    expect(it.take()).toEqual({ status: "OK", value: id });
    expect(it.record()).toEqual([id, it.asker.id, 7, length, room]);
    expect(it.service.read(INPUT, length)).toEqual(pattern(length, 3));
    expect(it.complete(id, 99, pattern(room, 4)).status).toBe("OK");
    expect(it.asker.read(RESULT, room)).toEqual(pattern(room, 4));
    expect(it.asker.wait({ notices: true }).value).toBe(NOTICE);
    expect(it.asker.notice).toEqual({
      kind: NOTICE_COMPLETED,
      subject: id,
      status: 99,
      value: room,
    });
    expect(it.asker.used).toBe(used);
    expect(it.complete(id, 0, pattern(0)).status).toBe("OBJECT_GONE");
  }
});

test("operations are taken in the order in which they were asked for, and a service can wait for one", async () => {
  const it = await scene();
  expect(it.take().status).toBe("EMPTY");
  it.service.wait({ list: [it.authority] });
  const ids = [1, 2, 3].map((number) => it.ask(pattern(number), 0, number).value);
  expect(it.service.result).toEqual({ status: "OK", value: 0 });
  expect(it.service.wait({ list: [it.authority] }).value).toBe(0);
  expect([it.take(), it.take(), it.take()].map(({ value }) => value)).toEqual(ids);
  expect(it.take().status).toBe("EMPTY");
});

test("an agent has 16 operations on their way at most, and pays for each of them", async () => {
  const it = await scene();
  for (let n = 0; n < OPERATIONS_PER_AGENT_MAX; n++)
    expect(it.ask(pattern(1), 0).status).toBe("OK");
  expect(it.ask(pattern(1), 0).status).toBe("LIMIT");
  const other = it.ipc.party();
  other.quota = other.used + 4096;
  expect(other.call("PQC_OPERATION", other.self, 1, BASE, 10, BASE, 65).status).toBe("QUOTA");
  expect(other.call("PQC_OPERATION", other.self, 1, BASE, 10, BASE, 64).status).toBe("OK");
});

test("a result that the asker can't take any more is an error for the asker alone", async () => {
  const it = await scene();
  const { value: id } = it.ask(pattern(1), 100);
  expect(it.asker.call("AGENT_MEM_FREE", it.asker.pool, RESULT, 4096).status).toBe("OK");
  it.take();
  expect(it.complete(id, 0, pattern(100)).status).toBe("OK");
  it.asker.wait({ notices: true });
  expect(it.asker.notice).toMatchObject({ status: STATUS_BAD_ADDRESS, value: 0 });
});

test("a service that ends leaves what it had taken to the askers, as abandoned", async () => {
  const it = await scene();
  const ids = [it.ask(pattern(1), 0).value, it.ask(pattern(1), 0).value];
  it.take();
  it.asker.wait({ notices: true });
  it.end(it.service);
  expect(it.asker.notice).toMatchObject({ subject: ids[0], status: STATUS_ABANDONED });
  const next = it.ipc.party();
  expect(next.call("PQC_TAKE", next.kernel(), RECORD, INPUT, 100).value).toBe(ids[1]);
});

test("an asker that ends takes its operations along, pending or taken", async () => {
  const it = await scene();
  const used = it.asker.used;
  const taken = it.ask(pattern(5000), 10).value;
  const pending = it.ask(pattern(5000), 10).value;
  it.take();
  it.end(it.asker);
  expect(it.asker.used).toBe(used);
  expect(it.take().status).toBe("EMPTY");
  for (const id of [taken, pending])
    expect(it.complete(id, 0, pattern(0)).status).toBe("OBJECT_GONE");
});

test("bad arguments are refused by name, and change nothing", async () => {
  const it = await scene();
  const ask = (...args: readonly (number | bigint)[]) =>
    it.asker.call("PQC_OPERATION", it.asker.self, 1, ...args).status;
  expect(ask(BASE, 65537, BASE, 0)).toBe("TOO_LARGE");
  expect(ask(BASE, 0, BASE, 65537)).toBe("TOO_LARGE");
  expect(ask(0, 1, BASE, 0)).toBe("BAD_ADDRESS");
  expect(ask(BASE, 1, END - 1, 2)).toBe("BAD_ADDRESS");
  expect(it.asker.view.operationCount).toBe(0);
  const { value: id } = it.ask(pattern(100), 50);
  expect(it.take(99)).toEqual({ status: "TOO_LARGE", value: 100 });
  const take = (...args: readonly number[]) =>
    it.service.call("PQC_TAKE", it.authority, ...args).status;
  expect(take(RECORD + 4, INPUT, 100)).toBe("MISALIGNED");
  expect(take(INPUT + 96, INPUT, 100)).toBe("OVERLAP");
  expect(take(END, INPUT, 100)).toBe("BAD_ADDRESS");
  expect(take(RECORD, END - 50, 100)).toBe("BAD_ADDRESS");
  // Half of it would fit: none of it is written.
  it.service.write(END - 50, new Uint8Array(50));
  expect(take(RECORD, END - 50, 100)).toBe("BAD_ADDRESS");
  expect(it.service.read(END - 50, 50)).toEqual(new Uint8Array(50));
  expect(it.complete(id, 0, pattern(0)).status).toBe("WRONG_STATE");
  expect(it.take().status).toBe("OK");
  expect(it.complete(id, 0, pattern(51)).status).toBe("TOO_LARGE");
  expect(it.complete(id + 1, 0, pattern(0)).status).toBe("BAD_ARGUMENT");
  expect(it.complete(0, 0, pattern(0)).status).toBe("BAD_ARGUMENT");
  const other = it.ipc.party();
  expect(other.call("PQC_COMPLETE", other.kernel(), id, 0, BASE, 0).status).toBe("NOT_OWNER");
  expect(other.call("PQC_COMPLETE", other.kernel(1), id, 0, BASE, 0).status).toBe("RIGHTS_MISSING");
  expect(it.complete(id, 0, pattern(50)).status).toBe("OK");
});
