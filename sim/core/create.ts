/** Builds the machine from its configuration and powers it on. */
import { createBus } from "./bus/bus";
import { CPU_RUNNING, cpuAt, cpuSignal, createCpus } from "./cpu/cpu";
import { entryAddress } from "./cpu/entry";
import { createRdseed } from "./cpu/rdseed";
import { longState, protectedState, pvhState, resetCpu } from "./cpu/reset";
import { createAhci } from "./devices/ahci/hba";
import { createDrives } from "./devices/drive";
import { createNvme } from "./devices/nvme/nvme";
import { createUart } from "./devices/uart";
import { createNic } from "./devices/virtio/function";
import { createEventQueue } from "./events";
import { createFaults } from "./faults";
import { createFirmware } from "./firmware/firmware";
import { createCoprocessor } from "./interrupts/coprocessor";
import { createIoapic } from "./interrupts/ioapic";
import { createLapics } from "./interrupts/lapic";
import { createPics } from "./interrupts/pic";
import { createIommu } from "./iommu/vtd";
import { machine, NO_CPU } from "./machine";
import { LOW_RAM_MAX, STATE_BASE } from "./memory";
import { createPci } from "./pci/topology";
import { createPower } from "./platform/power";
import { createHpet } from "./timers/hpet";
import { createPit } from "./timers/pit";
import { createRtc } from "./timers/rtc";
import { createTrace } from "./trace";
import { ENTRY_START } from "../spec/entries";
import { START_INFO_ADDRESS } from "../spec/platform";

/** "AIOS", little-endian. */
const MAGIC: u32 = 0x534f_4941;

/**
 * Builds a machine in zeroed memory.
 * @param cpuCount 1 to 64
 * @param ramBytes a multiple of 4096; the host has made memory large enough
 * @param epochSeconds wall-clock time at power-on, seconds since 1970
 */
export function create(cpuCount: u32, ramBytes: f64, epochSeconds: f64): void {
  const state = machine();
  state.magic = MAGIC;
  state.cpuCount = cpuCount;
  state.ramBytes = <u64>ramBytes;
  state.lowRamBytes = min(state.ramBytes, LOW_RAM_MAX);
  state.epochSeconds = <u64>epochSeconds;
  state.running = NO_CPU;
  state.arenaTop = <u32>STATE_BASE + 4096;
  createTrace();
  createFaults();
  createEventQueue();
  createBus();
  createCpus(cpuCount);
  createRdseed();
  createDrives();
}

/** Plugs in a network controller before power-on; `address` is its MAC, first byte lowest. */
export function addNic(address: u64): void {
  machine().nicAddress = address;
}

/** Adds the debug exit port before power-on. */
export function addDebugExit(port: u32): void {
  machine().debugExitPort = port;
}

/** Builds the devices, in the order in which the bus asks them. */
function createDevices(): void {
  createLapics();
  createIoapic();
  createPics();
  createCoprocessor();
  createPit();
  createRtc();
  createHpet();
  createUart();
  createPower();
  createIommu();
  createPci();
  createNic();
  createAhci();
  createNvme();
  createFirmware();
}

/**
 * Builds the devices and, when `start` says so, releases the bootstrap processor at the kernel's
 * start entry; without, no CPU ever runs, which is how devices are tested on their own.
 */
export function powerOn(start: bool): void {
  createDevices();
  for (let index: u32 = 0; index < machine().cpuCount; index++) resetCpu(cpuAt(index));
  if (!start) return;
  const bootstrap = cpuAt(0);
  pvhState(bootstrap, START_INFO_ADDRESS);
  bootstrap.rip = entryAddress(ENTRY_START);
  bootstrap.activity = CPU_RUNNING;
  cpuSignal(0);
}

/**
 * Releases the bootstrap processor of a machine that was powered on without a start into a guest's
 * own code, which the host has put into RAM.
 * @param cr3 physical address of the PML4 for a 64-bit entry; 0: 32 bits, no paging
 */
export function startGuest(cr3: u32, rip: u64, rax: u32, rbx: u32, rsi: u32): void {
  const bootstrap = cpuAt(0);
  machine().guest = 1;
  if (cr3 != 0) longState(bootstrap, cr3);
  else protectedState(bootstrap);
  bootstrap.rip = rip;
  bootstrap.rax = rax;
  bootstrap.rbx = rbx;
  bootstrap.rsi = rsi;
  bootstrap.activity = CPU_RUNNING;
  cpuSignal(0);
}
