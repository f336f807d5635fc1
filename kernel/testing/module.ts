/** Loads kernel-testing.wasm over a memory of its own. */
import { instantiate } from "@assemblyscript/loader";
import { loadModule } from "../../sim/host/modules.ts";
import { stubMachine } from "./stub.ts";
import { memoryBytes } from "../../sim/host/core.ts";

export interface KernelTesting {
  setUpFrames(frameCount: number): bigint;
  setUpPaging(): bigint;
  tableCount(): number;
  linear(address: bigint): number;
  framesAdd(start: bigint, end: bigint): void;
  frameAlloc(order: number, owner: number): bigint;
  frameFree(address: bigint): void;
  framesFree(): number;
  framesOwned(owner: number): number;
  framesValid(): number;
  mapPage(root: bigint, address: bigint, target: bigint, size: number, flags: bigint): number;
  unmapPage(root: bigint, address: bigint): number;
  translate(root: bigint, address: bigint): bigint;
  mapMany(root: bigint, address: bigint, target: bigint, size: number, count: number): number;
  unmapMany(root: bigint, address: bigint, size: number, count: number): number;
  worldCreate(cpus: number, ramBytes: number): bigint;
  worldTime(now: bigint): void;
  worldCall(
    cpu: number,
    agent: bigint,
    number: number,
    capability: bigint,
    a1: bigint,
    a2: bigint,
    a3: bigint,
    a4: bigint,
    a5: bigint,
  ): number;
  worldValue(cpu: number): bigint;
  worldCallAddress(cpu: number): number;
  worldFrame(at: number, bytes: number): void;
  checkInvariants(): number;
  worldStore(agent: bigint, address: bigint, from: number, bytes: number): number;
  worldLoad(agent: bigint, address: bigint, to: number, bytes: number): number;
  sipHash(k0: bigint, k1: bigint, at: number, bytes: number): bigint;
  chacha20Block(
    key: number,
    w12: number,
    w13: number,
    w14: number,
    w15: number,
    to: number,
  ): void;
  worldAgent(quota: bigint): bigint;
  worldRaw(kind: number): bigint;
  worldFree(id: bigint): void;
  worldObject(id: bigint): number;
  worldCapability(holder: bigint, kind: number, object: bigint, rights: number): bigint;
  worldAuthorize(agent: bigint, capability: bigint, kinds: number, rights: number): number;
  worldRoom(holder: bigint, from: bigint, count: number): number;
  worldDelete(capability: bigint): void;
  worldKey(key: number): void;
  worldGrant(from: bigint, to: bigint, rights: number): bigint;
  worldDrop(agent: bigint, most: number): number;
  worldRevoke(capability: bigint): number;
  authorizeMany(
    agent: bigint,
    ids: number,
    idCount: number,
    kinds: number,
    rights: number,
    count: number,
  ): number;
  deriveMany(from: bigint, to: bigint, count: number, chain: boolean): bigint;
  sipHashMany(at: number, bytes: number, count: number): bigint;
  framesPromised(): number;
  memoryHolds(): number;
  worldFault(cpu: number, agent: bigint, address: bigint, errorCode: number): number;
  worldRun(cpu: number, agent: bigint): void;
  worldShootdown(cpu: number): void;
  worldEnter(cpu: number): void;
  worldQuarantined(): number;
  worldRoot(agent: bigint): bigint;
  worldCheck(agent: bigint, address: bigint, bytes: bigint, write: boolean): number;
  worldRead(agent: bigint, address: bigint, to: number, bytes: number): number;
  worldWrite(agent: bigint, address: bigint, from: number, bytes: number): number;
  worldClone(from: bigint, to: bigint): number;
  worldDestroy(agent: bigint): number;
  worldMove(from: bigint, to: bigint, start: bigint, end: bigint): number;
  worldTake(agent: bigint, address: bigint, pages: number, list: number): number;
  worldGive(agent: bigint, address: bigint, pages: number, list: number): number;
  worldImage(agent: bigint, at: number, bytes: bigint): number;
  worldAllocate(agent: bigint, address: bigint, pages: number): number;
  fillPagesMany(to: number, bytes: number, stride: number, count: number): void;
  copyPagesMany(
    to: number,
    from: number,
    bytes: number,
    stride: number,
    count: number,
  ): void;
  copyToUserMany(
    agent: bigint,
    address: bigint,
    from: number,
    bytes: number,
    count: number,
  ): number;
  userReachMany(agent: bigint, address: bigint, bytes: number, count: number): number;
  faultMany(agent: bigint, address: bigint, count: number, errorCode: number): number;
  worldSchedule(cpu: number): bigint;
  worldPages(agent: bigint, address: bigint, count: number): number;
  worldLinear(agent: bigint, address: bigint): number;
  worldReady(agent: bigint): void;
  worldResult(agent: bigint): bigint;
  worldResultValue(agent: bigint): bigint;
  worldTimer(cpu: number): void;
  worldNotice(agent: bigint, about: bigint, kind: number, status: bigint, value: bigint): void;
  worldPark(agent: bigint): void;
  worldUnpark(agent: bigint): number;
  worldIpcDrop(agent: bigint, units: number): number;
  birthMany(
    parent: bigint,
    number: number,
    capability: bigint,
    address: bigint,
    list: number,
    count: number,
  ): number;
  killMany(parent: bigint, list: number, count: number): number;
  worldLife(cpu: number): number;
  worldEmptyImage(): bigint;
  worldImageValid(at: number, bytes: bigint): number;
  worldElf(at: number, bytes: bigint): number;
  worldException(agent: bigint, vector: number, errorCode: number, address: bigint): void;
  worldReach(agent: bigint, address: bigint): number;
  ipcPairs(
    sender: bigint,
    target: bigint,
    receiver: bigint,
    source: bigint,
    address: bigint,
    bytes: number,
    header: bigint,
    count: number,
  ): number;
  ipcMoves(
    one: bigint,
    oneSelf: bigint,
    oneTo: bigint,
    other: bigint,
    otherSelf: bigint,
    otherTo: bigint,
    address: bigint,
    bytes: number,
    count: number,
  ): number;
  copyMany(to: number, from: number, bytes: number, count: number): void;
  translateMany(root: bigint, address: bigint, stride: bigint, count: number): bigint;
}

export interface Loaded {
  readonly exports: KernelTesting;
  readonly data: DataView;
}

/** Where RAM begins in the module's memory. */
export const RAM_BASE = 0x0200_0000;

/**
 * A fresh instance over `ramBytes` of RAM, by the AssemblyScript loader: nothing here is hot, and its
 * `abort` says which assertion failed. The machine interface does nothing.
 */
export async function loadKernelTesting(ramBytes: number): Promise<Loaded> {
  const memory = new WebAssembly.Memory({ initial: memoryBytes(ramBytes) / 65536 });
  const machine = stubMachine();
  const module = await loadModule("kernel-testing");
  const { exports } = await instantiate(module, { env: { memory }, machine });
  return { exports: exports as unknown as KernelTesting, data: new DataView(memory.buffer) };
}
