/** What the audit ring tells of agents' lives: each act, who did it, and to whom. */
import { beforeEach, expect, test } from "vitest";
import * as kinds from "../audit/kinds.ts";
import { RIGHT_ALLOCATE, RIGHTS_ALL } from "../cap/rights.ts";
import * as Views from "../host/views.generated.ts";
import {
  SCHEDULE_BUDGET,
  SCHEDULE_BYTES,
  SCHEDULE_CLASS,
  SCHEDULE_PERIOD,
} from "../syscall/layouts.ts";
import * as statuses from "../syscall/status.ts";
import { Life } from "../testing/life-host.ts";
import { CLASS_FAIR, CLASS_REALTIME, END_EXITED, END_FAULT, END_KILLED } from "./states.ts";

const PAGE_FAULT = 14;

let life: Life;

beforeEach(async () => {
  life = await Life.create();
  void life.init.memory;
});

/** What has been noted while `act` was done, but for the record's number, time and processor. */
function noted(act: () => void) {
  const ring = new Views.Audit(life.world.data, life.world.kernel.root.audit);
  const first = Number(ring.written);
  act();
  return Array.from({ length: Number(ring.written) - first }, (_, index) => {
    const at = ring.records + ((first + index) % ring.capacity) * Views.AuditRecord.size;
    const { kind, agent, object, status, detail, a, b } = new Views.AuditRecord(
      life.world.data,
      at,
    );
    return [kind, Number(agent), Number(object), status, Number(detail), Number(a), Number(b)];
  });
}

/** Puts what asks for a reservation where the first agent's memory begins. */
function reservation(budget: bigint, period: bigint): void {
  const schedule = life.init.bytes(0, SCHEDULE_BYTES);
  for (let at = 0; at < SCHEDULE_BYTES; at += 8) schedule.setBigUint64(at, 0n, true);
  schedule.setUint32(SCHEDULE_CLASS, CLASS_REALTIME, true);
  schedule.setBigUint64(SCHEDULE_BUDGET, budget, true);
  schedule.setBigUint64(SCHEDULE_PERIOD, period, true);
}

test("births are records, with each capability that was granted", () => {
  const { init } = life;
  const pool = Number(init.view.poolAt(0).id);
  let born = { id: 0, child: 0, grants: [0] as readonly number[] };
  const grants = [{ capability: init.self, rights: RIGHT_ALLOCATE }];
  const spawned = noted(() => {
    born = init.spawn({ grants, poolRights: 0 });
  });
  expect(spawned).toEqual([
    [kinds.AUDIT_SPAWN, init.id, born.id, 0, pool, 0, 0],
    [kinds.AUDIT_SCHEDULE, init.id, born.id, 0, CLASS_FAIR, 1024, 0],
    [kinds.AUDIT_GRANT, init.id, born.grants[0], 0, born.id, init.self, RIGHT_ALLOCATE],
  ]);
  life.settle();
  const original = born;
  init.call("AGENT_SUSPEND", original.child);
  const cloned = noted(() => {
    born = init.clone(original.child, { poolRights: 0 });
  });
  expect(cloned).toEqual([[kinds.AUDIT_CLONE, init.id, born.id, 0, original.id, 0, 0]]);
});

test("suspending, resuming, specializing, upgrading, scheduling and merging are records", () => {
  const { init } = life;
  const child = init.child();
  const survivor = init.child();
  const handle = init.handle(child.id);
  const image = life.secondImage(init.id);
  const record = (kind: number, detail = 0, a = 0, b = 0) => [
    [kind, init.id, child.id, 0, detail, a, b],
  ];
  const act = (name: Parameters<typeof init.call>[0], ...args: number[]) =>
    noted(() => expect(init.call(name, handle, ...args).status).toBe("OK"));

  reservation(3_000n, 90_000n);
  expect(act("AGENT_SCHEDULE", init.memory)).toEqual(
    record(kinds.AUDIT_SCHEDULE, CLASS_REALTIME, 3_000, 90_000),
  );
  expect(act("AGENT_SUSPEND")).toEqual(record(kinds.AUDIT_SUSPEND));
  const { id } = new Views.Image(life.world.data, life.authority.view(image).target);
  expect(act("AGENT_UPGRADE", image, 0)).toEqual(record(kinds.AUDIT_UPGRADE, Number(id), 0));
  expect(act("AGENT_UPGRADE", 0, 1)).toEqual(record(kinds.AUDIT_UPGRADE, Number(id), 1));
  expect(act("AGENT_RESUME")).toEqual(record(kinds.AUDIT_RESUME));
  const rights = RIGHTS_ALL & ~1;
  expect(act("AGENT_SPECIALIZE", rights)).toEqual(record(kinds.AUDIT_SPECIALIZE, rights));
  act("AGENT_SUSPEND");
  init.call("AGENT_SUSPEND", init.handle(survivor.id));
  const merged = act("AGENT_MERGE", init.handle(survivor.id));
  expect(merged).toContainEqual([kinds.AUDIT_MERGE, init.id, child.id, 0, survivor.id, 0, 0]);
});

test("ends are records: the kill with the size of the tree, each agent's end, and the fault before it", () => {
  const { init } = life;
  const parent = init.child();
  const child = parent.child();
  const killed = noted(() => {
    init.call("AGENT_KILL", init.handle(parent.id), 9);
    life.settle();
  });
  expect(killed).toEqual([
    [kinds.AUDIT_KILL, init.id, parent.id, 0, 2, 0, 0],
    [kinds.AUDIT_END, parent.id, parent.id, 0, END_KILLED, 9, 0],
    [kinds.AUDIT_END, parent.id, child.id, 0, END_KILLED, 0, 0],
  ]);
  const leaver = init.child();
  const left = noted(() => leaver.call("AGENT_KILL", leaver.self, 4));
  expect(left).toContainEqual([kinds.AUDIT_END, leaver.id, leaver.id, 0, END_EXITED, 4, 0]);
  const faulty = init.child();
  const fault = noted(() =>
    life.authority.exports.worldException(BigInt(faulty.id), PAGE_FAULT, 6, 0x1234n),
  );
  expect(fault).toEqual([
    [kinds.AUDIT_FAULT, faulty.id, faulty.id, 0, PAGE_FAULT, 0x1234, 6],
    [kinds.AUDIT_KILL, 0, faulty.id, 0, 1, 0, 0],
    [kinds.AUDIT_END, faulty.id, faulty.id, 0, END_FAULT, (6 << 8) | PAGE_FAULT, 0],
  ]);
});

test("the scheduler's configuration is a record", () => {
  const done = noted(() =>
    expect(life.init.configure(5_000_000, 500_000, 250_000, 7, 3)).toBe("OK"),
  );
  const quanta = 250_000 * 2 ** 32 + 500_000;
  expect(done).toEqual([
    [kinds.AUDIT_CONFIGURE, life.init.id, 0, 0, 5_000_000, quanta, 3 * 2 ** 32 + 7],
  ]);
  const refused = noted(() => life.init.configure(0, 0, 0, 0, 0));
  expect(refused.map(([kind]) => kind)).toEqual([kinds.AUDIT_REFUSAL]);
});

test("a plan that is not admitted is a record of a limit", () => {
  const { init } = life;
  reservation(100_000n, 100_000n);
  const refused = noted(() => init.call("AGENT_SCHEDULE", init.self, init.memory));
  expect(refused.map(([kind, agent, , status]) => [kind, agent, status])).toEqual([
    [kinds.AUDIT_LIMIT, init.id, statuses.STATUS_NOT_ADMITTED],
  ]);
});
