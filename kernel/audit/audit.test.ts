import { beforeEach, describe, expect, test } from "vitest";
import { RIGHT_AUDIT, RIGHT_DERIVE, RIGHT_INFO, RIGHTS_ALL } from "../cap/rights.ts";
import { KIND_KERNEL } from "../object/kinds.ts";
import * as layout from "../syscall/cap_layouts.ts";
import * as numbers from "../syscall/numbers.ts";
import * as statuses from "../syscall/status.ts";
import { Authority } from "../testing/cap-host.ts";
import * as kinds from "./kinds.ts";

/** kernel/limits.ts */
const RECORDS = 4096;
const RESERVE = 1024;
const DRAIN_MAX = 64;

let authority: Authority;
let agent: number;
let self: number;
let kernel: number;
let memory: number;

beforeEach(async () => {
  authority = await Authority.create();
  agent = authority.agent();
  self = authority.root(agent);
  const object = Number(authority.world.kernel.root.authorityAt(0).id);
  kernel = authority.root(agent, object, RIGHTS_ALL, KIND_KERNEL);
  memory = authority.memory(agent);
  drainAll();
});

function drain(bytes = DRAIN_MAX * layout.RECORD_BYTES) {
  const { status, value } = authority.world.call(agent, "AUDIT_DRAIN", kernel, memory, bytes);
  if (status !== "OK") return { status, records: [] };
  const loaded = authority.load(agent, memory, value * layout.RECORD_BYTES);
  const records = Array.from({ length: value }, (_, index) => {
    const at = index * layout.RECORD_BYTES;
    const field = (offset: number) => Number(loaded.readBigUInt64LE(at + offset));
    return {
      sequence: field(layout.RECORD_SEQUENCE),
      time: field(layout.RECORD_TIME),
      agent: field(layout.RECORD_AGENT),
      object: field(layout.RECORD_OBJECT),
      kind: loaded.readUInt16LE(at + layout.RECORD_KIND),
      cpu: loaded.readUInt16LE(at + layout.RECORD_CPU),
      status: loaded.readUInt32LE(at + layout.RECORD_STATUS),
      detail: field(layout.RECORD_DETAIL),
      a: field(layout.RECORD_A),
      b: field(layout.RECORD_B),
    };
  });
  return { status, records };
}

function drainAll() {
  const all = [];
  for (;;) {
    const { status, records } = drain();
    if (status !== "OK") return all;
    all.push(...records);
  }
}

const append = (text: string) => {
  authority.store(agent, memory, Buffer.from(text));
  return authority.world.call(agent, "AUDIT_APPEND", kernel, memory, text.length).status;
};
/** A refused call: it leaves one record. */
const denied = () => authority.world.call(agent, "AGENT_KILL", 0).status;

describe("the audit ring", () => {
  test("a denial is a record: who, by what, which call, why, when", () => {
    authority.time = 77_000n;
    authority.world.call(agent, "AGENT_KILL", self + 2 ** 26, 5, 6);
    const [record] = drainAll();
    expect(record).toMatchObject({
      time: 77_000,
      agent,
      object: self + 2 ** 26,
      kind: kinds.AUDIT_DENIAL,
      cpu: 0,
      status: statuses.STATUS_CAPABILITY_FORGED,
      detail: numbers.SYSCALL_AGENT_KILL,
      a: 5,
      b: 6,
    });
  });

  test("limits and wrong arguments have kinds of their own; an empty queue is no event", () => {
    const before = authority.agentView(agent).poolAt(0);
    authority.store(agent, memory, Buffer.alloc(layout.DERIVE_BYTES));
    const quota = before.quota;
    before.quota = before.used;
    authority.world.call(agent, "CAP_DERIVE", self, memory);
    before.quota = quota;
    authority.world.call(agent, "CAP_DERIVE", self, memory + 4);
    const found = drainAll().map(({ kind, status }) => [kind, status]);
    expect(found).toEqual([
      [kinds.AUDIT_LIMIT, statuses.STATUS_QUOTA],
      [kinds.AUDIT_REFUSAL, statuses.STATUS_MISALIGNED],
    ]);
    expect(drain().status).toBe("EMPTY");
    expect(drainAll()).toEqual([]);
  });

  test("grants and revocations are records", () => {
    const bytes = Buffer.alloc(layout.DERIVE_BYTES);
    bytes.writeUInt32LE(RIGHT_INFO | RIGHT_DERIVE, layout.DERIVE_RIGHTS);
    authority.store(agent, memory, bytes);
    const made = authority.world.call(agent, "CAP_DERIVE", self, memory).value;
    authority.world.call(agent, "CAP_REVOKE", self, 0);
    authority.world.call(agent, "CAP_REVOKE", made, 1);
    const [grant, revoked, dropped] = drainAll();
    const by = { agent, status: 0 };
    const rights = RIGHT_INFO | RIGHT_DERIVE;
    expect(grant).toMatchObject({
      ...by,
      kind: kinds.AUDIT_GRANT,
      object: made,
      detail: agent,
      a: self,
      b: rights,
    });
    expect(revoked).toMatchObject({
      ...by,
      kind: kinds.AUDIT_REVOKE,
      object: self,
      detail: 1,
      a: 0,
    });
    expect(dropped).toMatchObject({
      ...by,
      kind: kinds.AUDIT_REVOKE,
      object: made,
      detail: 0,
      a: 1,
    });
  });

  test("numbers records without a gap while none is lost, in the order of events", () => {
    for (let count = 0; count < 200; count++) denied();
    const sequence = drainAll().map((record) => record.sequence);
    const [first = 0] = sequence;
    expect(sequence).toEqual(Array.from({ length: 200 }, (_, index) => first + index));
    expect(authority.broken).toBe(0);
  });

  test("full, it keeps the oldest, counts the rest, and the loss becomes a record", () => {
    denied();
    const [{ sequence: start = 0 } = {}] = drainAll();
    for (let count = 0; count < RECORDS + 10; count++) denied();
    expect(authority.broken).toBe(0);
    const all = drainAll();
    expect(all).toHaveLength(RECORDS + 1);
    expect(all[RECORDS - 1]?.sequence).toBe(start + RECORDS);
    expect(all[RECORDS]).toMatchObject({
      kind: kinds.AUDIT_LOST,
      agent: 0,
      detail: 10,
      a: start + 1 + RECORDS,
      sequence: start + 1 + RECORDS + 10,
    });
    expect(drainAll()).toEqual([]);
    expect(authority.broken).toBe(0);
  });

  test("what happens after a loss stands behind the record of the loss", () => {
    for (let count = 0; count < RECORDS + 3; count++) denied();
    drain();
    denied();
    const all = drainAll();
    expect(all.slice(-2).map(({ kind }) => kind)).toEqual([kinds.AUDIT_LOST, kinds.AUDIT_DENIAL]);
  });
});

describe("AuditAppend", () => {
  test("keeps what an agent says, marked as the agent's", () => {
    expect(append("hello, auditors")).toBe("OK");
    const [record] = drainAll();
    expect(record).toMatchObject({ kind: kinds.AUDIT_APPENDED, agent });
    const words = Buffer.alloc(24);
    words.write("hello, auditors");
    expect(record?.detail).toBe(Number(words.readBigUInt64LE(0)));
    expect([record?.a, record?.b]).toEqual([Number(words.readBigUInt64LE(8)), 0]);
  });

  test("takes 1 to 24 bytes", () => {
    expect(append("")).toBe("BAD_ARGUMENT");
    expect(append("x".repeat(24))).toBe("OK");
    expect(append("x".repeat(25))).toBe("TOO_LARGE");
    expect(authority.world.call(agent, "AUDIT_APPEND", kernel, 8, 8).status).toBe("BAD_ADDRESS");
  });

  test("is FULL while the kernel's own records can still be kept", () => {
    for (let count = 0; count < RECORDS - RESERVE; count++) expect(append("spam")).toBe("OK");
    expect(append("spam")).toBe("FULL");
    for (let count = 0; count < RESERVE; count++) denied();
    expect(drainAll().filter(({ kind }) => kind === kinds.AUDIT_LOST)).toEqual([]);
  });

  test("needs a capability to the kernel with RIGHT_AUDIT", () => {
    const call = (id: number) => authority.world.call(agent, "AUDIT_APPEND", id, memory, 8).status;
    expect(call(self)).toBe("CAPABILITY_KIND");
    const object = Number(authority.world.kernel.root.authorityAt(0).id);
    const rights = RIGHTS_ALL & ~RIGHT_AUDIT;
    expect(call(authority.root(agent, object, rights, KIND_KERNEL))).toBe("RIGHTS_MISSING");
  });
});

describe("AuditDrain", () => {
  test("gives as many records as fit, at most 64, the oldest first", () => {
    for (let count = 0; count < 100; count++) denied();
    const first = drain(2 * layout.RECORD_BYTES + 63).records;
    const second = drain(1000 * layout.RECORD_BYTES).records;
    expect([first.length, second.length]).toEqual([2, DRAIN_MAX]);
    expect(second[0]?.sequence).toBe((first[1]?.sequence ?? 0) + 1);
  });

  test("refuses wrong arguments by name, and what it refuses stays", () => {
    denied();
    const call = (...args: number[]) =>
      authority.world.call(agent, "AUDIT_DRAIN", kernel, ...args).status;
    expect(call(memory, 63)).toBe("BAD_ARGUMENT");
    expect(call(memory + 4, 64)).toBe("MISALIGNED");
    expect(call(8, 64)).toBe("BAD_ADDRESS");
    const kindsLeft = drainAll().map(({ kind }) => kind);
    expect(kindsLeft).toEqual([
      kinds.AUDIT_DENIAL,
      kinds.AUDIT_REFUSAL,
      kinds.AUDIT_REFUSAL,
      kinds.AUDIT_REFUSAL,
    ]);
  });
});
