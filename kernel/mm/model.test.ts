/**
 * Any sequence of what can be done to memory, against a model that keeps each agent's bytes in a map
 * of pages; after each step all invariants of memory hold.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  BASE,
  FAULT_READ,
  FAULT_WRITE,
  GUARD,
  Memory,
  MIB,
  PAGE,
  READ,
  type Tenant,
  WRITE,
} from "../testing/memory-host.ts";

/** Pages that the sequences play with: they cross two borders between tables. */
const FIRST = BASE + 2 * MIB - 8 * PAGE;
const PAGES = 16;
const at = (page: number) => FIRST + page * PAGE;

/** What an agent should find: the number written last into a page, and whether it may write. */
interface Cell {
  value: number;
  writable: boolean;
}
interface Model {
  readonly tenant: Tenant;
  readonly cells: Map<number, Cell>;
}

const range = {
  page: fc.integer({ min: 0, max: PAGES - 1 }),
  count: fc.integer({ min: 1, max: 6 }),
};
const who = fc.integer({ min: 0, max: 2 });
const step = fc.oneof(
  fc.record({ do: fc.constant("allocate" as const), who, ...range, writable: fc.boolean() }),
  fc.record({ do: fc.constant("free" as const), who, ...range }),
  fc.record({ do: fc.constant("protect" as const), who, ...range, writable: fc.boolean() }),
  fc.record({
    do: fc.constant("write" as const),
    who,
    ...range,
    value: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({
    do: fc.constant("write" as const),
    who,
    ...range,
    value: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({ do: fc.constant("fault" as const), who, ...range, writable: fc.boolean() }),
  fc.record({ do: fc.constant("move" as const), who, to: who, ...range }),
  fc.record({ do: fc.constant("pages" as const), who, to: who, ...range, target: range.page }),
  fc.record({ do: fc.constant("clone" as const), who }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const pagesOf = (page: number, count: number) => Array.from({ length: count }, (_, n) => page + n);
const all = (model: Model, pages: number[], holds: (cell: Cell) => boolean) =>
  pages.every((page) => {
    const cell = model.cells.get(page);
    return cell !== undefined && holds(cell);
  });

function read(model: Model, page: number): number | string {
  const bytes = model.tenant.read(at(page), 1);
  return typeof bytes === "string" ? bytes : (bytes[0] ?? -1);
}

function apply(memory: Memory, models: Model[], action: Step): void {
  const model = models[action.who % models.length];
  if (model === undefined) return;
  const { tenant, cells } = model;
  if (action.do === "clone") {
    clone(memory, models, model);
    return;
  }
  const { page, count } = action;
  const pages = pagesOf(page, count);
  if (action.do === "allocate") {
    const flags = READ | (action.writable ? WRITE : 0);
    const result = tenant.call("AGENT_MEM_ALLOC", tenant.pool, count * PAGE, at(page), flags);
    const taken = pages.some((one) => cells.has(one));
    expect(result.status).toBe(taken ? "OVERLAP" : "OK");
    if (!taken) for (const one of pages) cells.set(one, { value: 0, writable: action.writable });
  } else if (action.do === "free") {
    const there = all(model, pages, () => true);
    expect(tenant.free(at(page), count * PAGE)).toBe(there ? "OK" : "NOT_MAPPED");
    if (there) for (const one of pages) cells.delete(one);
  } else if (action.do === "protect") {
    const flags = READ | (action.writable ? WRITE : 0);
    const { status } = tenant.call("PAGE_PROTECT", tenant.self, at(page), count * PAGE, flags);
    expect(status).toBe(all(model, pages, () => true) ? "OK" : "NOT_MAPPED");
    if (status === "OK")
      for (const one of pages) {
        const cell = cells.get(one);
        if (cell) cell.writable = action.writable;
      }
  } else if (action.do === "write") {
    const allowed = all(model, pages, ({ writable }) => writable);
    expect(tenant.check(at(page), count * PAGE, true)).toBe(allowed ? "OK" : "BAD_ADDRESS");
    if (!allowed) return;
    expect(tenant.write(at(page), new Uint8Array(count * PAGE).fill(action.value))).toBe("OK");
    for (const one of pages) cells.set(one, { value: action.value, writable: true });
  } else if (action.do === "fault") {
    const cell = cells.get(page);
    const allowed = cell !== undefined && (cell.writable || !action.writable);
    expect(tenant.fault(at(page), action.writable ? FAULT_WRITE : FAULT_READ)).toBe(allowed);
    if (allowed) expect(tenant.walk(at(page))?.user).toBe(true);
  } else two(memory, models, model, action);
}

/** What is between two agents: ranges that move, and pages that go by message. */
function two(memory: Memory, models: Model[], model: Model, action: Step): void {
  if (action.do !== "move" && action.do !== "pages") return;
  const other = models[action.to % models.length];
  if (other === undefined) return;
  const pages = pagesOf(action.page, action.count);
  const [from, to] = [BigInt(model.tenant.id), BigInt(other.tenant.id)];
  if (action.do === "move") {
    const [start, end] = [BigInt(at(action.page)), BigInt(at(action.page + action.count))];
    const clash = pages.some((page) => model.cells.has(page) && other.cells.has(page));
    const status = memory.exports.worldMove(from, to, start, end);
    if (model === other) expect(status).not.toBe(0);
    else expect(status === 0).toBe(!clash);
    if (status !== 0) return;
    for (const page of pages) {
      const cell = model.cells.get(page);
      if (cell) other.cells.set(page, cell);
      model.cells.delete(page);
    }
    return;
  }
  const list = memory.scratch.byteOffset + 128 * 1024;
  const targets = pagesOf(action.target, action.count);
  const takes = all(model, pages, ({ writable }) => writable);
  const gives = all(other, targets, ({ writable }) => writable);
  if (!takes || !gives) return;
  expect(memory.exports.worldTake(from, BigInt(at(action.page)), action.count, list)).toBe(0);
  expect(memory.broken).toBe("INVARIANTS_HOLD");
  expect(memory.exports.worldGive(to, BigInt(at(action.target)), action.count, list)).toBe(0);
  const values = pages.map((page) => model.cells.get(page)?.value ?? 0);
  for (const page of pages) model.cells.set(page, { value: 0, writable: true });
  targets.forEach((page, n) => {
    other.cells.set(page, { value: values[n] ?? 0, writable: true });
  });
}

/** A new agent with the memory of `model`; of four the oldest ends. */
function clone(memory: Memory, models: Model[], model: Model): void {
  const tenant = memory.tenant();
  expect(memory.exports.worldClone(BigInt(model.tenant.id), BigInt(tenant.id))).toBe(0);
  const cells = new Map([...model.cells].map(([page, cell]) => [page, { ...cell }]));
  models.push({ tenant, cells });
  if (models.length <= 3) return;
  const [oldest] = models.splice(0, 1);
  oldest?.tenant.destroy();
}

test("agrees with a model under any sequence, and all invariants of memory hold after each step", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 80, size: "max" }),
      async (actions) => {
        const memory = await Memory.create({ ramBytes: 16 * MIB });
        const free = memory.agentFrames;
        const models: Model[] = [{ tenant: memory.tenant(), cells: new Map() }];
        const first = memory.tenant();
        const guarded = first.allocate(PAGE, READ | WRITE | GUARD);
        expect(first.free(guarded, PAGE)).toBe("OK");
        models.push({ tenant: first, cells: new Map() });
        for (const action of actions) {
          apply(memory, models, action);
          expect(memory.broken).toBe("INVARIANTS_HOLD");
          for (const model of models)
            for (let page = 0; page < PAGES; page += 5)
              expect(read(model, page)).toBe(model.cells.get(page)?.value ?? "BAD_ADDRESS");
        }
        for (const { tenant } of models) tenant.destroy();
        expect(memory.broken).toBe("INVARIANTS_HOLD");
        expect(memory.exports.framesPromised()).toBe(0);
        expect(memory.agentFrames).toBe(free);
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);
