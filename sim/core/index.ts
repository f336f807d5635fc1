/** Exports of sim.wasm: what the host calls, and the machine interface that kernel.wasm imports. */
export { addDebugExit, addNic, create, powerOn, startGuest } from "./create";
export { advanceIdle, endPausedTurn, run } from "./run";
export {
  debugAddBreakpoint,
  debugAddress,
  debugAddWatchpoint,
  debugApply,
  debugClear,
} from "./debug";
export {
  beginFetching,
  endFetching,
  fetchFrames,
  forgetFrames,
  framesShared,
  nextChangedFrame,
} from "./frames";
export * from "./interface";
export { HOST_BUFFER, HOST_BUFFER_BYTES } from "./host";
export { physicalRead, physicalWrite, portRead, portWrite } from "./bus/bus";
export { nicReceive } from "./devices/virtio/net";
export { addDrive } from "./devices/drive";
export { pressPowerButton } from "./platform/power";
export { uartReceive, uartRoom } from "./devices/uart";
export { armFault } from "./faults";
export { agentChain } from "./user/host";
export { goOn } from "./run";
export { loadedAddress } from "./cpu/inspect";
export { HASH_RESULT, hashBegin, hashEnd, hashMachine, hashUpdate, nextUsedPage } from "./hash";
export { peekTranslate, translateFor } from "./cpu/inspect";
export { driveLine, pendingInterrupt, takeInterrupt } from "./interrupts/host";
export { deliverMessage } from "./interrupts/lines";
export { codeChanged, memoryChanged } from "./engine/blocks";
export { agentCall, agentFault, agentLoad, agentStore } from "./user/host";
export { nowAddress, registersAddress, stepsAddress } from "./cpu/inspect";
export { DECODED_INSTRUCTION, decodeFor } from "./decode/host";
