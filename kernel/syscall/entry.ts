/** The SYSCALL instruction arrives here. */
import { readRegister, writeRegister } from "../../hal/x86_64/machine";
import { kernelCpu } from "../cpu/cpu";
import { Call, callerOf } from "./call";
import { dispatch } from "./dispatch";

const RAX: u32 = 0;
const RDX: u32 = 2;
const RSI: u32 = 6;
const RDI: u32 = 7;
const R8: u32 = 8;
const R9: u32 = 9;
const R10: u32 = 10;

/** Carries out the call of the agent that CPU `cpu` runs. */
export function systemCall(cpu: u32): void {
  const self = kernelCpu(cpu);
  const call = changetype<Call>(self.call);
  const number = readRegister(RAX);
  call.number = number <= 0xffff_ffff ? <u32>number : 0xffff_ffff;
  call.cpu = cpu;
  call.agent = self.current;
  call.capability = readRegister(RDI);
  call.a1 = readRegister(RSI);
  call.a2 = readRegister(RDX);
  call.a3 = readRegister(R10);
  call.a4 = readRegister(R8);
  call.a5 = readRegister(R9);
  call.value = 0;
  callerOf(call).syscalls += 1;
  const status = dispatch(call);
  writeRegister(RAX, status);
  writeRegister(RDX, call.value);
}
