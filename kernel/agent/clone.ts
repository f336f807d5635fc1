/** AgentClone: a new agent that has the memory and the registers of another one. */
import { saveContext } from "../cpu/switch";
import { audit } from "../audit/audit";
import { AUDIT_CLONE } from "../audit/kinds";
import { spaceCloneCow } from "../mm/clone";
import { AddressSpace } from "../mm/address_space";
import { extendedCopy } from "../mm/extended";
import { readRegister, writeRegister } from "../../hal/x86_64/machine";
import { CLONE_COUNT, REGISTER_R13, REGISTER_R15, RUNTIME_HOST } from "../../sim/spec/user";
import { Call, callerOf } from "../syscall/call";
import { CLONE_BYTES } from "../syscall/layouts";
import { STATUS_OK, STATUS_WRONG_STATE } from "../syscall/status";
import { Agent, Context, contextOf } from "./agent";
import {
  birthFinish,
  birthFrom,
  birthRead,
  birthUndo,
  capabilitiesRelease,
  capabilitiesReserve,
  payerOf,
} from "./birth";
import { contextInit } from "./create";
import { Image, isNative } from "./image";
import { AGENT_WAITING } from "./states";
import { standsStill } from "./suspend";

/**
 * AgentClone(agent, structure): the new agent's identifier. The agent must be the caller, or stand
 * still. Its memory is shared until one of the two writes (mm/clone.ts). The clone has an identifier,
 * a random stream and an empty mailbox of its own; of its original's capabilities, endpoints,
 * timers and regions it has none.
 *
 * It goes on where its original is, in the system call if that is in one, and finds its own
 * capabilities and the argument in RDI, RSI and RDX, as any new agent does, and 0 in RAX. A program
 * of the host's is copied by the host, if it can be: registers say what of (sim/spec/user.ts).
 *
 * Machine code that somebody else clones doesn't expect that. In a system call, only the registers that
 * SYSCALL changes differ: 0 in RAX, the argument in RDX, and its capabilities to itself and to its pool in
 * RCX and R11. Anywhere else all of its registers are the original's.
 */
export function agentClone(call: Call): u32 {
  const original = changetype<Agent>(call.object);
  if (!standsStill(call, original)) return STATUS_WRONG_STATE;
  let status = birthRead(call, CLONE_BYTES) || birthFrom(call, original);
  if (status != STATUS_OK) return status;
  const clone = changetype<Agent>(call.made);
  status = copyMemory(call, original, clone);
  if (status != STATUS_OK) return birthUndo(clone, status);
  copyRegisters(call, original, clone);
  audit(AUDIT_CLONE, callerOf(call).id, clone.id, original.id);
  birthFinish(call, payerOf(call), clone);
  if (isNative(original) && original != callerOf(call)) keepRegisters(original, clone);
  return STATUS_OK;
}

/** Registers of a clone of machine code that stands still: what birthFinish has told it, where it may be. */
function keepRegisters(original: Agent, clone: Agent): void {
  const context = contextOf(clone);
  const argument = context.rdx;
  memory.copy(changetype<usize>(context), changetype<usize>(contextOf(original)), offsetof<Context>());
  if (original.resumeState != AGENT_WAITING) return;
  context.rax = STATUS_OK;
  context.rdx = argument;
  context.rcx = clone.self;
  context.r11 = clone.purse;
}

function copyMemory(call: Call, original: Agent, clone: Agent): u32 {
  capabilitiesReserve(call, clone);
  const status = spaceCloneCow(original, clone);
  capabilitiesRelease(call, clone);
  return status;
}

function copyRegisters(call: Call, original: Agent, clone: Agent): void {
  if (changetype<Image>(original.image).runtime == RUNTIME_HOST) return tellOriginal(call, original, clone);
  if (original == callerOf(call)) saveContext(original);
  memory.copy(changetype<usize>(contextOf(clone)), changetype<usize>(contextOf(original)), offsetof<Context>());
  if (isNative(original))
    extendedCopy(changetype<AddressSpace>(original.space), changetype<AddressSpace>(clone.space));
  contextOf(clone).rax = STATUS_OK;
}

/** A clone whose program is the host's begins; its original's count of clones says that there is one more. */
function tellOriginal(call: Call, original: Agent, clone: Agent): void {
  contextInit(clone, 0, 0, 0);
  const to = contextOf(clone);
  const from = contextOf(original);
  to.rcx = original.id;
  if (original == callerOf(call)) {
    to.rbx = readRegister(REGISTER_R13);
    to.r8 = 1;
    writeRegister(REGISTER_R15, readRegister(REGISTER_R15) + CLONE_COUNT);
    return;
  }
  from.r15 += CLONE_COUNT;
  to.rbx = from.r13;
  if (from.r13 != 0) return;
  to.rcx = from.rcx;
  to.rbx = from.rbx;
  to.r8 = from.r8;
}
