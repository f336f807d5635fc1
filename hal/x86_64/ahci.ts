/**
 * AHCI driver (AHCI 1.3.1) behind hal/block.ts: one device a port, up to 32 commands outstanding on
 * each, which the adapter works off one after the other.
 *
 * An error ends one command: the engine is stopped, started again, and the others are issued anew
 * (6.2.2). A command that is past its deadline is looked for first (the interrupt may be lost), then
 * the link is reset (10.4.2); a port whose link doesn't come up again has failed. Registers that
 * read as all ones mean that the adapter is gone.
 */
import {
  BLOCK_ABSENT,
  BLOCK_DEVICES_MAX,
  BLOCK_DISCARD,
  BLOCK_ERROR_BUSY,
  BLOCK_ERROR_DEVICE,
  BLOCK_ERROR_NOT_READY,
  BLOCK_ERROR_TIMEOUT,
  BLOCK_ERROR_VANISHED,
  BLOCK_FAILED,
  BLOCK_FLUSH,
  BLOCK_NEVER,
  BLOCK_OK,
  BLOCK_PENDING,
  BLOCK_READ,
  BLOCK_READY,
  BLOCK_RESETTING,
  BLOCK_STARTING,
  BLOCK_STOPPED,
  BLOCK_STOPPING,
  BLOCK_TIMEOUT_NS,
  BLOCK_WRITE,
  BLOCK_ZEROES,
  blockCheck,
  BlockController,
  BlockDevice,
  blockDeviceAt,
  blockFinish,
  BlockRequest,
} from "../block";
import { pointer } from "../memory";
import {
  AHCI_GHC,
  AHCI_IS,
  AHCI_PI,
  AHCI_SLOTS,
  ATA_DATA_SET_MANAGEMENT,
  ATA_FLUSH_EXT,
  ATA_IDENTIFY,
  ATA_READ_DMA_EXT,
  ATA_SIGNATURE,
  ATA_STATUS_ERR,
  ATA_WRITE_DMA_EXT,
  DSM_TRIM,
  GHC_AE_SHIFT,
  GHC_HR,
  GHC_IE,
  PORT_CI,
  PORT_CMD,
  PORT_CMD_CCS_SHIFT,
  PORT_CMD_CR,
  PORT_CMD_FRE,
  PORT_CMD_SUD,
  PORT_IE,
  PORT_IS,
  PORT_IS_DHRS,
  PORT_IS_HBDS,
  PORT_IS_HBFS,
  PORT_IS_IFS,
  PORT_IS_OFS,
  PORT_IS_PSS,
  PORT_IS_TFES,
  PORT_SCTL,
  PORT_SIG,
  PORT_SSTS,
  PORT_TFD,
  SCTL_DET_RESET,
  SSTS_DET_MASK,
  SSTS_DET_NONE,
  SSTS_DET_READY,
} from "../../sim/spec/ahci";
import {
  AhciDriver,
  AhciDriverPort,
  clearPort,
  freeSlot,
  IDENTIFY_OFFSET,
  isBusy,
  issueCommand,
  isRunning,
  PORT_ABSENT,
  PORT_COMRESET,
  PORT_DONE,
  PORT_FAILED,
  PORT_FLUSHING,
  PORT_HALTING,
  PORT_IDENTIFY,
  PORT_LINK,
  PORT_PAGES,
  PORT_READY,
  portDeadline,
  portRead,
  PORTS_SERVED,
  portWrite,
  prepareCommand,
  RANGES_OFFSET,
  requestAt,
  requestOf,
  setUpPort,
  startEngine,
  takeSlot,
} from "./ahci-port";
import { mmioRead32, mmioWrite32 } from "./machine";

const ALL_ONES: u32 = 0xffff_ffff;
const GHC_AE: u32 = <u32>1 << GHC_AE_SHIFT;
/** What interrupts: the ends of commands. A change of the link shows in the commands' deadlines. */
const PORT_INTERRUPTS: u32 =
  PORT_IS_DHRS | PORT_IS_PSS | PORT_IS_TFES | PORT_IS_HBFS | PORT_IS_HBDS | PORT_IS_IFS | PORT_IS_OFS;
const PORT_ERRORS: u32 =
  PORT_IS_TFES | PORT_IS_HBFS | PORT_IS_HBDS | PORT_IS_IFS | PORT_IS_OFS;
/** Longest request: one PRDT entry could do 4 MiB. */
const REQUEST_BYTES_MAX: u32 = 1 << 18;

/** What the specification allows, in ns: reset of the adapter (10.4.3), of a link, and CR (10.3.2). */
const HOST_RESET_NS: u64 = 1_000_000_000;
const LINK_NS: u64 = 1_000_000_000;
const HALT_NS: u64 = 500_000_000;
/** DET stays 1 for at least 1 ms (10.4.2). A link with nobody at it is given 10 ms to change. */
const COMRESET_NS: u64 = 1_000_000;
const EMPTY_NS: u64 = 10_000_000;
/** Registers that change by themselves are looked at this often. */
const WATCH_NS: u64 = 1_000_000;
/** Link resets without a success in between, before a port counts as failed. */
const ATTEMPTS_MAX: u32 = 2;

const STEP_RESET: u32 = 1;
const STEP_PORTS: u32 = 2;

/** Offsets in the driver's memory of its devices, its ports' state and the ports' own pages. */
const DEVICES_OFFSET: u64 = 512;
const STATES_OFFSET: u64 = 4096;
const STATE_BYTES: u64 = 256;
const REQUESTS_OFFSET: u64 = 128;
const PORTS_OFFSET: u64 = 8192;
/** Pages at the start of its memory that the adapter doesn't use. */
export const AHCI_OWN_PAGES: u64 = PORTS_OFFSET >> 12;
/** Pages of DMA memory; the BlockController is at their start. */
export const AHCI_PAGES: u64 = AHCI_OWN_PAGES + <u64>PORTS_SERVED * PORT_PAGES;

@inline
function driverOf(controller: BlockController): AhciDriver {
  return changetype<AhciDriver>(controller);
}

@inline
function portAt(driver: AhciDriver, index: u32): AhciDriverPort {
  return changetype<AhciDriverPort>(driver.ports + <usize>index * <usize>STATE_BYTES);
}

@inline
function isGone(driver: AhciDriver): bool {
  return mmioRead32(driver.registers + AHCI_PI) == ALL_ONES;
}

/** Begins with a reset of the adapter. */
export function ahciStart(controller: BlockController, now: u64): void {
  const driver = driverOf(controller);
  assert(offsetof<AhciDriver>() <= <usize>DEVICES_OFFSET, "ahci: driver structure too large");
  assert(offsetof<AhciDriverPort>() <= <usize>REQUESTS_OFFSET, "ahci: port structure too large");
  const devices = <u64>(BLOCK_DEVICES_MAX * <u32>offsetof<BlockDevice>());
  assert(DEVICES_OFFSET + devices <= STATES_OFFSET, "ahci: device table too large");
  driver.devices = pointer(driver.memory + DEVICES_OFFSET);
  driver.ports = pointer(driver.memory + STATES_OFFSET);
  driver.deviceCount = 0;
  driver.queues = 1;
  if (driver.timeoutNs == 0) driver.timeoutNs = BLOCK_TIMEOUT_NS;
  driver.state = BLOCK_STARTING;
  if (isGone(driver)) return fail(driver, BLOCK_ERROR_VANISHED);
  driver.step = STEP_RESET;
  driver.stepDeadline = now + HOST_RESET_NS;
  mmioWrite32(driver.registers + AHCI_GHC, GHC_AE);
  mmioWrite32(driver.registers + AHCI_GHC, GHC_AE | GHC_HR);
  driver.deadline = now + WATCH_NS;
}

/** Moves start, recovery and stop on, and deals with commands that are past their deadline. */
export function ahciAdvance(controller: BlockController, now: u64): void {
  const driver = driverOf(controller);
  if (driver.state == BLOCK_FAILED || driver.state == BLOCK_STOPPED) return;
  if (isGone(driver)) return fail(driver, BLOCK_ERROR_VANISHED);
  if (driver.step == STEP_RESET) return awaitReset(driver, now);
  for (let index: u32 = 0; index < driver.deviceCount; index++) advancePort(driver, index, now);
  settle(driver, now);
}

/** The adapter has reset itself, or has not within the time it is given. */
function awaitReset(driver: AhciDriver, now: u64): void {
  if (mmioRead32(driver.registers + AHCI_GHC) & GHC_HR) {
    if (now >= driver.stepDeadline) return fail(driver, BLOCK_ERROR_TIMEOUT);
    driver.deadline = now + WATCH_NS;
    return;
  }
  driver.step = STEP_PORTS;
  mmioWrite32(driver.registers + AHCI_GHC, GHC_AE | (driver.vectors != 0 ? GHC_IE : 0));
  const implemented = mmioRead32(driver.registers + AHCI_PI);
  for (let number: u32 = 0; number < 32; number++)
    if ((implemented >> number) & 1 && driver.deviceCount < PORTS_SERVED) addPort(driver, number, now);
  settle(driver, now);
}

function addPort(driver: AhciDriver, number: u32, now: u64): void {
  const index = driver.deviceCount;
  driver.deviceCount = index + 1;
  const state = driver.memory + STATES_OFFSET + <u64>index * STATE_BYTES;
  const port = changetype<AhciDriverPort>(pointer(state));
  port.requests = pointer(state + REQUESTS_OFFSET);
  port.memory = driver.memory + PORTS_OFFSET + ((<u64>index * PORT_PAGES) << 12);
  const device = blockDeviceAt(driver, index);
  device.controller = changetype<usize>(driver);
  device.state = BLOCK_ABSENT;
  device.unit = number;
  clearPort(port);
  setUpPort(port, driver.registers, number);
  enter(port, PORT_LINK, now, LINK_NS);
}

/** Goes to a step that is over by itself or after `limit` ns. */
function enter(port: AhciDriverPort, step: u32, now: u64, limit: u64): void {
  port.step = step;
  port.stepEnd = now + limit;
  port.stepDeadline = now + min(WATCH_NS, limit);
}

function rest(port: AhciDriverPort, step: u32): void {
  port.step = step;
  port.stepDeadline = BLOCK_NEVER;
}

/** What the controller as a whole has come to, and when it must be looked at again. */
function settle(driver: AhciDriver, now: u64): void {
  if (driver.state == BLOCK_FAILED) return;
  let deadline = BLOCK_NEVER;
  let working = false;
  for (let index: u32 = 0; index < driver.deviceCount; index++) {
    const port = portAt(driver, index);
    if (port.step == PORT_READY && driver.state == BLOCK_STOPPING) flushPort(driver, port, now);
    if (isAtWork(port, driver.state)) working = true;
    deadline = min(deadline, portDeadline(port));
  }
  driver.deadline = deadline;
  if (driver.state == BLOCK_STOPPING) {
    if (working) return;
    mmioWrite32(driver.registers + AHCI_GHC, GHC_AE);
    driver.state = BLOCK_STOPPED;
    driver.deadline = BLOCK_NEVER;
  } else if (driver.state == BLOCK_STARTING) {
    if (!working) driver.state = BLOCK_READY;
  } else driver.state = working ? BLOCK_RESETTING : BLOCK_READY;
}

/** Whether the controller waits for the port to get to where it should be. */
function isAtWork(port: AhciDriverPort, state: u32): bool {
  if (port.step == PORT_READY) return state == BLOCK_STOPPING;
  return port.step != PORT_ABSENT && port.step != PORT_DONE && port.step != PORT_FAILED;
}

function advancePort(driver: AhciDriver, index: u32, now: u64): void {
  const port = portAt(driver, index);
  switch (port.step) {
    case PORT_LINK:
      awaitLink(driver, port, index, now);
      break;
    case PORT_HALTING:
      awaitHalt(driver, port, index, now);
      break;
    case PORT_COMRESET:
      if (now < port.stepEnd) break;
      portWrite(port, PORT_SCTL, 0);
      enter(port, PORT_LINK, now, LINK_NS);
      break;
    case PORT_IDENTIFY:
    case PORT_READY:
    case PORT_FLUSHING:
      if (now >= portDeadline(port)) expire(driver, port, index, now);
      break;
    default:
  }
}

/** The link is up and the device has sent its signature: it is asked who it is. */
function awaitLink(driver: AhciDriver, port: AhciDriverPort, index: u32, now: u64): void {
  const detection = portRead(port, PORT_SSTS) & SSTS_DET_MASK;
  const isNew = blockDeviceAt(driver, index).state == BLOCK_ABSENT;
  if (detection == SSTS_DET_READY && !isBusy(port)) {
    // Packet devices and port multipliers have other signatures; they are not served.
    if (portRead(port, PORT_SIG) != ATA_SIGNATURE) return failPort(driver, port, index, BLOCK_ERROR_DEVICE);
    portWrite(port, PORT_IE, PORT_INTERRUPTS);
    startEngine(port);
    if (isNew) return identify(driver, port, now);
    rest(port, PORT_READY);
    return reissue(driver, port, now);
  }
  const began = port.stepEnd - LINK_NS;
  if (isNew && detection == SSTS_DET_NONE && now >= began + EMPTY_NS) return rest(port, PORT_ABSENT);
  if (now >= port.stepEnd) return failPort(driver, port, index, BLOCK_ERROR_TIMEOUT);
  port.stepDeadline = now + WATCH_NS;
}

function identify(driver: AhciDriver, port: AhciDriverPort, now: u64): void {
  rest(port, PORT_IDENTIFY);
  prepareCommand(port, 0, ATA_IDENTIFY, 0, 0, 0, port.memory + IDENTIFY_OFFSET, 512, false);
  issueCommand(port, 0, 0, now + driver.timeoutNs);
}

/** A word of the IDENTIFY DEVICE data. */
@inline
function word(page: usize, index: u32): u32 {
  return load<u16>(page + (<usize>index << 1));
}

/** Reads capacity, block size and features (ACS-2, 7.12.7). */
function identified(driver: AhciDriver, port: AhciDriverPort, index: u32): void {
  const device = blockDeviceAt(driver, index);
  const page = pointer(port.memory + IDENTIFY_OFFSET);
  const layout = word(page, 106);
  const isValid = (layout & 0xc000) == 0x4000;
  device.blockBytes = isValid && layout & 0x1000 ? load<u32>(page, 117 * 2) * 2 : 512;
  // 48-bit addresses; drives without them are older than Serial ATA.
  const isWide = (word(page, 83) & 0x0400) != 0;
  device.blocks = load<u64>(page, 100 * 2) & 0xffff_ffff_ffff;
  if (!isWide || device.blockBytes < 512 || device.blockBytes > 4096 || device.blocks == 0)
    return failPort(driver, port, index, BLOCK_ERROR_DEVICE);
  device.maxBlocks = REQUEST_BYTES_MAX / device.blockBytes;
  device.operations = (1 << BLOCK_READ) | (1 << BLOCK_WRITE) | (1 << BLOCK_FLUSH);
  if (word(page, 169) & 1) {
    device.operations |= 1 << BLOCK_DISCARD;
    // Deterministic, and zeroes: TRIM can serve as a write of zeroes.
    if ((word(page, 69) & 0x4020) == 0x4020) device.operations |= 1 << BLOCK_ZEROES;
  }
  device.state = BLOCK_READY;
  rest(port, PORT_READY);
}

/** Takes what is finished, and deals with what went wrong. Whether there was anything. */
function service(driver: AhciDriver, index: u32, now: u64): bool {
  const port = portAt(driver, index);
  const status = portRead(port, PORT_IS);
  if (status != 0) {
    portWrite(port, PORT_IS, status);
    // Also after a look without an interrupt: a bit that stays set announces nothing more (10.7.2).
    mmioWrite32(driver.registers + AHCI_IS, 1 << blockDeviceAt(driver, index).unit);
  }
  if (port.outstanding == 0 || !isRunning(port)) return status != 0;
  const active = portRead(port, PORT_CI);
  if (active == ALL_ONES && isGone(driver)) {
    fail(driver, BLOCK_ERROR_VANISHED);
    return true;
  }
  let done = port.outstanding & ~active;
  const any = done != 0 || (status & PORT_ERRORS) != 0;
  while (done != 0) {
    complete(driver, port, index, <u32>ctz(done));
    done &= done - 1;
  }
  if (any) port.commandEnd = now + driver.timeoutNs;
  if (status & PORT_ERRORS && port.outstanding != 0) recover(driver, port, index, now);
  return any || status != 0;
}

/** The adapter is done with `slot`. */
function complete(driver: AhciDriver, port: AhciDriverPort, index: u32, slot: u32): void {
  const request = takeSlot(port, slot);
  port.attempts = 0;
  if (request != 0) blockFinish(driver, requestOf(request), BLOCK_OK);
  else if (port.step == PORT_IDENTIFY) identified(driver, port, index);
  else if (port.step == PORT_FLUSHING) quiet(port);
}

/** The command that the engine stands at has failed; the engine is stopped (6.2.2.1). */
function recover(driver: AhciDriver, port: AhciDriverPort, index: u32, now: u64): void {
  const slot = (portRead(port, PORT_CMD) >> PORT_CMD_CCS_SHIFT) & 31;
  const taskFile = portRead(port, PORT_TFD);
  // Without an error from the device it was the link or the memory: only a reset helps.
  port.mustReset = (taskFile & ATA_STATUS_ERR) == 0 || isBusy(port) ? 1 : 0;
  blame(driver, port, index, slot, BLOCK_ERROR_DEVICE, taskFile);
  halt(port, now);
}

/** Ends the command in `slot` with an error; the driver's own is the end of the port. */
function blame(
  driver: AhciDriver,
  port: AhciDriverPort,
  index: u32,
  slot: u32,
  error: u32,
  deviceStatus: u32,
): void {
  if (!((port.outstanding >> slot) & 1)) return;
  const request = takeSlot(port, slot);
  if (request != 0) {
    requestOf(request).deviceStatus = deviceStatus;
    blockFinish(driver, requestOf(request), error);
  } else if (port.step == PORT_IDENTIFY || port.step == PORT_FLUSHING) {
    // A flush that fails is not tried again: a drive that never succeeds would never let go.
    failPort(driver, port, index, error);
  }
}

function halt(port: AhciDriverPort, now: u64): void {
  if (port.step == PORT_FAILED) return;
  portWrite(port, PORT_CMD, PORT_CMD_FRE | PORT_CMD_SUD);
  enter(port, PORT_HALTING, now, HALT_NS);
}

/** The engine has stopped: start it again, or reset the link first. */
function awaitHalt(driver: AhciDriver, port: AhciDriverPort, index: u32, now: u64): void {
  if (portRead(port, PORT_CMD) & PORT_CMD_CR && now < port.stepEnd) {
    port.stepDeadline = now + WATCH_NS;
    return;
  }
  if (!port.mustReset) {
    startEngine(port);
    rest(port, PORT_READY);
    return reissue(driver, port, now);
  }
  port.mustReset = 0;
  port.attempts += 1;
  driver.resets += 1;
  if (port.attempts > ATTEMPTS_MAX) return failPort(driver, port, index, BLOCK_ERROR_TIMEOUT);
  portWrite(port, PORT_SCTL, SCTL_DET_RESET);
  enter(port, PORT_COMRESET, now, COMRESET_NS);
}

/** Issues again what the adapter forgot when it was stopped, and what came since. */
function reissue(driver: AhciDriver, port: AhciDriverPort, now: u64): void {
  port.commandEnd = now + driver.timeoutNs;
  if (port.outstanding != 0) portWrite(port, PORT_CI, port.outstanding);
}

/** A deadline has passed: a last look, then the command under way is given up. */
function expire(driver: AhciDriver, port: AhciDriverPort, index: u32, now: u64): void {
  const before = port.outstanding;
  service(driver, index, now);
  if (port.outstanding != before) {
    driver.lostInterrupts += 1;
    return;
  }
  if (port.step == PORT_HALTING || driver.state == BLOCK_FAILED) return;
  driver.timeouts += 1;
  const current = (portRead(port, PORT_CMD) >> PORT_CMD_CCS_SHIFT) & 31;
  const slot = (port.outstanding >> current) & 1 ? current : <u32>ctz(port.outstanding);
  port.mustReset = 1;
  blame(driver, port, index, slot, BLOCK_ERROR_TIMEOUT, portRead(port, PORT_TFD));
  port.commandEnd = now + driver.timeoutNs;
  halt(port, now);
}

/** The port is lost: its commands end, its device is of no use. */
function failPort(driver: AhciDriver, port: AhciDriverPort, index: u32, error: u32): void {
  rest(port, PORT_FAILED);
  blockDeviceAt(driver, index).state = BLOCK_FAILED;
  while (port.outstanding != 0) {
    const request = takeSlot(port, <u32>ctz(port.outstanding));
    if (request != 0) blockFinish(driver, requestOf(request), error);
  }
}

function fail(driver: AhciDriver, error: u32): void {
  for (let index: u32 = 0; index < driver.deviceCount; index++)
    failPort(driver, portAt(driver, index), index, error);
  driver.state = BLOCK_FAILED;
  driver.error = error;
  driver.deadline = BLOCK_NEVER;
}

/** Whether there are ports to look at: not before they are set up, nor after the end. */
@inline
function isServed(driver: AhciDriver): bool {
  return driver.step == STEP_PORTS && driver.state != BLOCK_FAILED && driver.state != BLOCK_STOPPED;
}

/** A vector fired: looks at the ports that ask. */
export function ahciInterrupt(controller: BlockController, vector: u32, now: u64): void {
  const driver = driverOf(controller);
  if (!isServed(driver)) return;
  const pending = mmioRead32(driver.registers + AHCI_IS);
  if (pending == ALL_ONES) return fail(driver, BLOCK_ERROR_VANISHED);
  if (pending == 0) driver.spuriousInterrupts += 1;
  for (let index: u32 = 0; index < driver.deviceCount && driver.state != BLOCK_FAILED; index++)
    if ((pending >> blockDeviceAt(driver, index).unit) & 1) service(driver, index, now);
  if (driver.state == BLOCK_FAILED) return;
  // Ports first, then IS: what is still set raises the interrupt again (10.7.2).
  if (pending != 0) mmioWrite32(driver.registers + AHCI_IS, pending);
  settle(driver, now);
}

/** Takes completions without an interrupt. */
export function ahciPoll(controller: BlockController, now: u64): void {
  const driver = driverOf(controller);
  if (!isServed(driver)) return;
  for (let index: u32 = 0; index < driver.deviceCount && driver.state != BLOCK_FAILED; index++)
    if (portAt(driver, index).outstanding != 0) service(driver, index, now);
  settle(driver, now);
}

/** Hands a request to the adapter; BLOCK_OK, or an error and nothing has happened. */
export function ahciSubmit(device: BlockDevice, request: BlockRequest, cpu: u32, now: u64): u32 {
  const error = blockCheck(device, request);
  if (error != BLOCK_OK) return error;
  const driver = changetype<AhciDriver>(device.controller);
  if (driver.state != BLOCK_READY && driver.state != BLOCK_RESETTING) return BLOCK_ERROR_NOT_READY;
  const index = deviceIndex(driver, device);
  const port = portAt(driver, index);
  const slot = freeSlot(port);
  if (slot == AHCI_SLOTS) return BLOCK_ERROR_BUSY;
  // One TRIM at a time: the port has one page for ranges.
  if (request.operation >= BLOCK_ZEROES && trimUnderWay(port)) return BLOCK_ERROR_BUSY;
  prepareRequest(port, slot, request, device.blockBytes);
  request.status = BLOCK_PENDING;
  request.deviceStatus = 0;
  issueCommand(port, slot, changetype<usize>(request), now + driver.timeoutNs);
  // A port that is being recovered takes it when it is ready again.
  if (isRunning(port)) driver.deadline = min(driver.deadline, now + driver.timeoutNs);
  return BLOCK_OK;
}

function deviceIndex(driver: AhciDriver, device: BlockDevice): u32 {
  return <u32>((changetype<usize>(device) - driver.devices) / offsetof<BlockDevice>());
}

function trimUnderWay(port: AhciDriverPort): bool {
  let waiting = port.outstanding;
  while (waiting != 0) {
    const request = requestAt(port, <u32>ctz(waiting));
    if (request != 0 && requestOf(request).operation >= BLOCK_ZEROES) return true;
    waiting &= waiting - 1;
  }
  return false;
}

function prepareRequest(port: AhciDriverPort, slot: u32, request: BlockRequest, unit: u32): void {
  const bytes = request.blocks * unit;
  switch (request.operation) {
    case BLOCK_READ:
    case BLOCK_WRITE: {
      const write = request.operation == BLOCK_WRITE;
      const opcode = write ? ATA_WRITE_DMA_EXT : ATA_READ_DMA_EXT;
      prepareCommand(port, slot, opcode, 0, request.lba, request.blocks, request.buffer, bytes, write);
      break;
    }
    case BLOCK_FLUSH:
      prepareCommand(port, slot, ATA_FLUSH_EXT, 0, 0, 0, 0, 0, false);
      break;
    default: {
      // A range is 48 bits of LBA and 16 bits of count (ACS-2, 7.10.3); the rest of the block is 0.
      const ranges = port.memory + RANGES_OFFSET;
      store<u64>(pointer(ranges), request.lba | (<u64>request.blocks << 48));
      prepareCommand(port, slot, ATA_DATA_SET_MANAGEMENT, DSM_TRIM, 0, 1, ranges, 512, true);
    }
  }
}

/** Begins an orderly shutdown: requests finish, caches are written back, engines stop. */
export function ahciStop(controller: BlockController, now: u64): void {
  const driver = driverOf(controller);
  if (driver.state == BLOCK_FAILED || driver.state == BLOCK_STOPPED) return;
  driver.state = BLOCK_STOPPING;
  if (driver.step == STEP_PORTS) settle(driver, now);
}

/** Once nothing else is outstanding, the port's cache is written back. */
function flushPort(driver: AhciDriver, port: AhciDriverPort, now: u64): void {
  if (port.outstanding != 0) return;
  port.step = PORT_FLUSHING;
  prepareCommand(port, 0, ATA_FLUSH_EXT, 0, 0, 0, 0, 0, false);
  issueCommand(port, 0, 0, now + driver.timeoutNs);
}

/** Stops the port's engines for good. */
function quiet(port: AhciDriverPort): void {
  portWrite(port, PORT_IE, 0);
  portWrite(port, PORT_CMD, PORT_CMD_SUD);
  rest(port, PORT_DONE);
}
