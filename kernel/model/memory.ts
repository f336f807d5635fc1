/**
 * Agents' memory: ranges of addresses, each with its pages. What is paid for is reserved when a range
 * is made, whether it is touched or not; tables are a matter of the addresses alone.
 */
import * as Rights from "../cap/rights.ts";
import { authorized, checkNew, giveNew } from "./authority.ts";
import { charge, left, pay, release } from "./pools.ts";
import {
  type Agent,
  type Answer,
  get,
  type Memory,
  type Name,
  NOBODY,
  PAGE,
  type Range,
  type Region,
  refuse,
  type World,
} from "./world.ts";

/** What one page table maps, and what a table of those does. */
const SPANS = [2 ** 21, 2 ** 30];

export const endOf = ({ start, pages }: Range): number => start + pages.length * PAGE;

/** Tables for all of these ranges: one for each span that any of them touches. */
function tables(ranges: readonly Range[]): number {
  const touched = SPANS.map((bytes) => new Set(ranges.flatMap((range) => spansOf(range, bytes))));
  return touched.reduce((sum, { size }) => sum + size, 0);
}

function spansOf(range: Range, bytes: number): number[] {
  const first = Math.floor(range.start / bytes);
  const last = Math.floor((endOf(range) - 1) / bytes);
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

/** What the tables cost that `more` adds to what there is; the first range of all costs more. */
export function tableCost(world: World, memory: Memory, more: readonly Range[]): number {
  if (more.length === 0) return 0;
  const added = tables([...memory.ranges, ...more]) - tables(memory.ranges);
  return added * PAGE + (memory.space ? 0 : world.costs.space);
}

/** What a range costs the pool that pays for it. */
export const rangeCost = (world: World, { region, pages }: Range): number =>
  world.costs.range + (region === NOBODY ? pages.length * PAGE : 0);

/** A page more for the list of its pages, 512 in each. */
export const regionCost = (world: World, pages: number): number =>
  world.costs.region + pages * PAGE + Math.ceil(pages / 512) * PAGE;

/** Puts ranges, which are paid for, among an agent's; `payer` pays for the tables. */
export function insert(world: World, memory: Memory, more: readonly Range[], payer: Name): void {
  charge(world, payer, tableCost(world, memory, more));
  memory.space ||= more.length > 0;
  memory.ranges = [...memory.ranges, ...more].sort((one, other) => one.start - other.start);
}

/** Takes ranges out, without what the ranges themselves cost. */
export function takeOut(world: World, memory: Memory, gone: readonly Range[], payer: Name): void {
  const before = tables(memory.ranges);
  memory.ranges = memory.ranges.filter((range) => !gone.includes(range));
  release(world, payer, (before - tables(memory.ranges)) * PAGE);
}

/** The end of a range that is in no list any more: a region lasts as long as anybody maps it. */
function endRange(world: World, range: Range): void {
  release(world, range.pool, rangeCost(world, range));
  if (range.region === NOBODY || mapped(world, range.region)) return;
  const region = get(world.regions, range.region);
  world.regions.delete(region.name);
  release(world, region.pool, regionCost(world, region.pages.length));
}

function mapped(world: World, region: Name): boolean {
  const agents = [...world.agents.values()];
  const memories = agents.flatMap(({ memory, kept }) => (kept ? [memory, kept.memory] : [memory]));
  const all = [...memories, ...world.remains.map(({ memory }) => memory)];
  return all.some(({ ranges }) => ranges.some((range) => range.region === region));
}

/** The end of all of a memory. */
export function endMemory(world: World, memory: Memory, payer: Name): void {
  for (const range of memory.ranges) {
    takeOut(world, memory, [range], payer);
    endRange(world, range);
  }
  if (memory.space) release(world, payer, world.costs.space);
  memory.space = false;
}

/** What [start, end) has of the ranges. */
export const rangesIn = ({ ranges }: Memory, start: number, end: number): Range[] =>
  ranges.filter((range) => range.start < end && endOf(range) > start);

/** Refuses unless all of [start, end) is in ranges. */
export function checkMapped(memory: Memory, start: number, end: number): void {
  let covered = start;
  for (const range of rangesIn(memory, start, end)) {
    if (range.start > covered) refuse("NOT_MAPPED");
    covered = endOf(range);
  }
  if (covered < end) refuse("NOT_MAPPED");
}

/** Cuts a range in two at `address` if one reaches over it; its pool pays for one range more. */
export function cutAt(world: World, memory: Memory, address: number): void {
  const whole = memory.ranges.find((range) => range.start < address && endOf(range) > address);
  if (!whole) return;
  if (whole.region !== NOBODY) refuse("BAD_ARGUMENT");
  pay(world, whole.pool, world.costs.range);
  const at = (address - whole.start) / PAGE;
  const [low, high] = [whole.pages.slice(0, at), whole.pages.slice(at)];
  const parts = [
    { ...whole, pages: low },
    { ...whole, start: address, pages: high },
  ];
  memory.ranges = memory.ranges.flatMap((range) => (range === whole ? parts : [range]));
}

/** A copy of all memory of an agent's own; `payer` pays for all of it. Regions are not for a copy. */
export function copyMemory(world: World, from: Memory, to: Memory, payer: Name): void {
  const own = from.ranges.filter(({ region }) => region === NOBODY);
  const copies = own.map((range) => ({ ...range, pages: [...range.pages], pool: payer }));
  const cost = copies.reduce((sum, range) => sum + rangeCost(world, range), 0);
  if (left(get(world.pools, payer)) < cost + tableCost(world, to, copies)) refuse("QUOTA");
  charge(world, payer, cost);
  insert(world, to, copies, payer);
}

/** Moves ranges to another memory, whose pool pays for them before the old one has its bytes back. */
export function moveRanges(
  world: World,
  moved: readonly Range[],
  from: { readonly memory: Memory; readonly pool: Name },
  to: { readonly memory: Memory; readonly pool: Name },
): void {
  const others = moved.filter(({ pool }) => pool !== to.pool);
  const cost = others.reduce((sum, range) => sum + rangeCost(world, range), 0);
  if (left(get(world.pools, to.pool)) < cost + tableCost(world, to.memory, moved)) refuse("QUOTA");
  charge(world, to.pool, cost);
  insert(world, to.memory, moved, to.pool);
  takeOut(world, from.memory, moved, from.pool);
  for (const range of others) {
    release(world, range.pool, rangeCost(world, range));
    range.pool = to.pool;
  }
}

export interface Allocate {
  readonly call: "AGENT_MEM_ALLOC";
  readonly capability: Name;
  readonly start: number;
  readonly pages: number;
}

/** Needs ALLOCATE on the pool that pays for the range; tables are for the caller's own. */
export function allocate(world: World, caller: Agent, call: Allocate): Answer {
  const { thing } = authorized(world, caller, call.capability, ["pool"], Rights.RIGHT_ALLOCATE);
  const { start } = call;
  const pages = Array.from({ length: call.pages }, () => 0);
  const range: Range = { start, pages, region: NOBODY, writable: true, pool: thing.name };
  addRange(world, caller, range);
  return { status: "OK", value: start };
}

function addRange(world: World, agent: Agent, range: Range): void {
  const { memory } = agent;
  if (rangesIn(memory, range.start, endOf(range)).length > 0) refuse("OVERLAP");
  const cost = rangeCost(world, range);
  const own = tableCost(world, memory, [range]);
  const both = range.pool === agent.pool;
  if (left(get(world.pools, range.pool)) < cost + (both ? own : 0)) refuse("QUOTA");
  if (left(get(world.pools, agent.pool)) < own) refuse("QUOTA");
  charge(world, range.pool, cost);
  insert(world, memory, [range], agent.pool);
}

export interface Free {
  readonly call: "AGENT_MEM_FREE";
  readonly capability: Name;
  readonly start: number;
  readonly pages: number;
}

/** Needs ALLOCATE on the pool that has paid. */
export function free(world: World, caller: Agent, call: Free): Answer {
  const { thing } = authorized(world, caller, call.capability, ["pool"], Rights.RIGHT_ALLOCATE);
  const { memory } = caller;
  const end = call.start + call.pages * PAGE;
  checkMapped(memory, call.start, end);
  for (const range of rangesIn(memory, call.start, end)) {
    if (range.region !== NOBODY) refuse("NOT_MAPPED");
    if (range.pool !== thing.name) refuse("BAD_ARGUMENT");
  }
  const hole = memory.ranges.find((range) => range.start < call.start && endOf(range) > end);
  if (hole) cutAt(world, memory, end);
  for (const range of rangesIn(memory, call.start, end)) shorten(world, caller, range, call.start, end);
  return { status: "OK", value: 0 };
}

/** Frees what a range has of [start, end), at one of its ends; what stays is the same range still. */
function shorten(world: World, agent: Agent, range: Range, start: number, end: number): void {
  const low = range.pages.slice(0, Math.max(0, (start - range.start) / PAGE));
  const high = range.pages.slice((end - range.start) / PAGE);
  const rest = { ...range, start: low.length > 0 ? range.start : end, pages: [...low, ...high] };
  const stays = rest.pages.length > 0 ? [rest] : [];
  // It pays for no more tables meanwhile: they are those of a part.
  takeOut(world, agent.memory, [range], agent.pool);
  insert(world, agent.memory, stays, agent.pool);
  release(world, range.pool, rangeCost(world, range) - (rest === stays[0] ? rangeCost(world, rest) : 0));
}

export interface Share {
  readonly call: "REGION_SHARE";
  readonly capability: Name;
  readonly start: number;
  readonly pages: number;
}

/** Needs SHARE on the pool that pays for the region from then on. */
export function share(world: World, caller: Agent, call: Share): Answer {
  const { thing } = authorized(world, caller, call.capability, ["pool"], Rights.RIGHT_SHARE);
  const { memory } = caller;
  const end = call.start + call.pages * PAGE;
  const first = rangesIn(memory, call.start, call.start + PAGE)[0];
  const paid = first?.pool === thing.name ? call.pages * PAGE : 0;
  // At the most: with a cut at either end.
  const most = regionCost(world, call.pages) - paid + 2 * world.costs.range;
  checkNew(world, caller, thing.name, first ? most : 0);
  checkMapped(memory, call.start, end);
  const within = rangesIn(memory, call.start, end);
  if (within.length !== 1 || within.some(({ region }) => region !== NOBODY)) refuse("BAD_ARGUMENT");
  cutAt(world, memory, end);
  cutAt(world, memory, call.start);
  const [range] = rangesIn(memory, call.start, end) as [Range];
  const region: Region = { name: ++world.thingsNamed, pages: range.pages, pool: thing.name };
  world.regions.set(region.name, region);
  charge(world, region.pool, regionCost(world, call.pages));
  release(world, range.pool, call.pages * PAGE);
  const shared = { ...range, region: region.name };
  memory.ranges = memory.ranges.map((one) => (one === range ? shared : one));
  return { status: "OK", made: giveNew(world, caller, { kind: "region", name: region.name }) };
}

export interface MapRegion {
  readonly call: "REGION_MAP";
  readonly capability: Name;
  readonly start: number;
  readonly writable: boolean;
}

/** Needs MAP, and READ and WRITE for what is to be done with it. */
export function map(world: World, caller: Agent, call: MapRegion): Answer {
  const found = authorized(world, caller, call.capability, ["region"], Rights.RIGHT_MAP);
  const needs = Rights.RIGHT_READ | (call.writable ? Rights.RIGHT_WRITE : 0);
  if ((found.rights & caller.rightsLeft & needs) !== needs) refuse("RIGHTS_MISSING");
  const { pages } = get(world.regions, found.thing.name);
  const { start, writable } = call;
  addRange(world, caller, { start, pages, region: found.thing.name, writable, pool: caller.pool });
  return { status: "OK", value: start };
}

export interface Unmap {
  readonly call: "REGION_UNMAP";
  readonly capability: Name;
  readonly start: number;
}

/** Needs MAP. */
export function unmap(world: World, caller: Agent, call: Unmap): Answer {
  const { thing } = authorized(world, caller, call.capability, ["region"], Rights.RIGHT_MAP);
  const { memory, pool } = caller;
  const range = memory.ranges.find(({ region, start }) => region === thing.name && start === call.start);
  if (!range) return refuse("NOT_MAPPED");
  takeOut(world, memory, [range], pool);
  endRange(world, range);
  return { status: "OK", value: 0 };
}

/** The agent writes `value` all over a page: no call, an instruction. */
export interface Store {
  readonly call: "STORE";
  readonly start: number;
  readonly value: number;
}

export function store(world: World, caller: Agent, call: Store): Answer {
  const [range] = rangesIn(caller.memory, call.start, call.start + PAGE);
  if (!range?.writable) return refuse("BAD_ADDRESS");
  pagesOf(world, range)[(call.start - range.start) / PAGE] = call.value;
  return { status: "OK" };
}

/** The pages of a range: a region's are the same for all that map it. */
export const pagesOf = (world: World, range: Range): number[] =>
  range.region === NOBODY ? range.pages : get(world.regions, range.region).pages;
