/**
 * What is left to be done for agents' lives. A system call does what must be so when it returns; the
 * rest is done by the CPU in bounded steps, one at the end of each entry until nothing is left. A
 * step that leaves something behind sends its own CPU an interrupt.
 *
 * There is a list for each kind of work, so that one never waits for another: those that are to be
 * stopped come before everything, and a large tree that is taken apart holds up no new agent.
 */
import { interruptsSend } from "../../hal/interrupts";
import { interruptController } from "../boot/interrupts";
import { KernelCpu, kernelCpu } from "../cpu/cpu";
import { letGo } from "../cpu/switch";
import { VECTOR_RESCHEDULE } from "../cpu/vector_numbers";
import { DISMANTLE_STEP, START_STEP, STOP_STEP } from "../limits";
import { Ptr } from "../state";
import { Agent } from "./agent";
import { agentDismantled, dismantle, stopChildren } from "./end";
import { finishSpawn } from "./spawn";
import { AGENT_DYING } from "./states";

/** To be started: SPAWNING. */
export const WORK_START: u32 = 0;
/** Its children are to be stopped: DYING. */
export const WORK_STOP: u32 = 1;
/** What it holds is to be given back: DYING, without children. */
export const WORK_DISMANTLE: u32 = 2;
export const WORK_LISTS: u32 = 3;

@unmanaged
export class WorkList {
  first: Ptr<Agent>;
  last: Ptr<Agent>;
}

@inline
function listOf(cpu: KernelCpu, work: u32): WorkList {
  return changetype<WorkList>(cpu.work + <usize>work * offsetof<WorkList>());
}

/** Appends `agent` to the list `work` of CPU `index`. */
export function workAdd(index: u32, work: u32, agent: Agent): void {
  assert(agent.workQueued == 0, "workAdd: in a list already");
  const list = listOf(kernelCpu(index), work);
  const at = changetype<usize>(agent);
  agent.workQueued = work + 1;
  agent.workNext = 0;
  if (list.first == 0) list.first = at;
  else changetype<Agent>(list.last).workNext = at;
  list.last = at;
}

/** Takes the first agent off the list; it must have one. */
function workTake(list: WorkList): Agent {
  const agent = changetype<Agent>(list.first);
  list.first = agent.workNext;
  if (list.first == 0) list.last = 0;
  agent.workNext = 0;
  agent.workQueued = 0;
  return agent;
}

/** Does one step of what CPU `index` has to do; whether more is left. */
export function lifeStep(index: u32): bool {
  const cpu = kernelCpu(index);
  stopStep(index, cpu);
  // What the CPU holds may be what was stopped just now: somebody who ends its own parent.
  letGo(cpu);
  startStep(index, cpu);
  dismantleStep(cpu);
  return (
    listOf(cpu, WORK_STOP).first != 0 ||
    listOf(cpu, WORK_START).first != 0 ||
    listOf(cpu, WORK_DISMANTLE).first != 0
  );
}

/** As lifeStep; what is left is done in an entry of its own, which follows at once. */
export function lifeWork(index: u32): void {
  if (!lifeStep(index)) return;
  interruptsSend(interruptController(), kernelCpu(index).apicId, VECTOR_RESCHEDULE);
}

function stopStep(index: u32, cpu: KernelCpu): void {
  const list = listOf(cpu, WORK_STOP);
  let units = STOP_STEP;
  while (units > 0 && list.first != 0) {
    units = stopChildren(changetype<Agent>(list.first), units);
    if (units > 0) workAdd(index, WORK_DISMANTLE, workTake(list));
  }
}

function startStep(index: u32, cpu: KernelCpu): void {
  const list = listOf(cpu, WORK_START);
  for (let units = START_STEP; units > 0 && list.first != 0; units--) {
    const agent = workTake(list);
    if (agent.state == AGENT_DYING) workAdd(index, WORK_STOP, agent);
    else finishSpawn(agent);
  }
}

function dismantleStep(cpu: KernelCpu): void {
  const list = listOf(cpu, WORK_DISMANTLE);
  let units = DISMANTLE_STEP;
  while (units > 0 && list.first != 0) {
    const agent = changetype<Agent>(list.first);
    units = dismantle(agent, units);
    // It is off the list before it is gone.
    if (units > 0) {
      workTake(list);
      agentDismantled(agent);
    }
  }
}
