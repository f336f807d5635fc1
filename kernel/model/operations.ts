/** Operations: work that an agent asks for, and that a service does when it likes. */
import * as Rights from "../cap/rights.ts";
import { NOTICE_COMPLETED } from "../ipc/notice_kinds.ts";
import { STATUS_BAD_ADDRESS } from "../syscall/status.ts";
import { authorized, authorizedSelf } from "./authority.ts";
import { arrived, pagesFor, payload } from "./communication.ts";
import { hasDesk } from "./desk.ts";
import { IPC_MESSAGE_BYTES_MAX, OPERATIONS_PER_AGENT_MAX } from "./limits.ts";
import { post } from "./notices.ts";
import { pay, release } from "./pools.ts";
import { pending, wakeForContent } from "./waiting.ts";
import { type Agent, type Answer, get, KERNEL, type Name, NOBODY, type Operation, refuse, type World } from "./world.ts";

export interface Ask {
  readonly call: "PQC_OPERATION";
  readonly capability: Name;
  readonly number: number;
  readonly length: number;
  readonly seed: number;
  /** Most bytes that the result may have. */
  readonly room: number;
}

const workCost = ({ bytes, room }: Pick<Operation, "bytes" | "room">): number =>
  pagesFor(Math.max(bytes.length, room));

/** Needs CRYPTO on oneself. */
export function ask(world: World, caller: Agent, call: Ask): Answer {
  authorizedSelf(world, caller, call.capability, Rights.RIGHT_CRYPTO);
  const { number, length, room } = call;
  if (Math.max(length, room) > IPC_MESSAGE_BYTES_MAX) refuse("TOO_LARGE");
  const asked = [...world.operations.values()].filter(({ requester }) => requester === caller.name);
  if (asked.length >= OPERATIONS_PER_AGENT_MAX) refuse("LIMIT");
  const bytes = payload(length, call.seed);
  pay(world, caller.pool, world.costs.operation + workCost({ bytes, room }));
  const name = ++world.thingsNamed;
  world.operations.set(name, {
    name, requester: caller.name, number, bytes, room, pool: caller.pool,
    state: "pending", service: NOBODY, takenSince: 0,
  });
  wakeForContent(world, { kind: "kernel", name: KERNEL });
  return { status: "OK", operation: name };
}

export interface Take {
  readonly call: "PQC_TAKE";
  readonly capability: Name;
  readonly room: number;
}

/** Needs CRYPTO on the kernel. The oldest that nobody has taken. */
export function take(world: World, caller: Agent, call: Take): Answer {
  authorized(world, caller, call.capability, ["kernel"], Rights.RIGHT_CRYPTO);
  const [operation] = pending(world);
  if (!operation) {
    arrived(caller, KERNEL);
    return { status: "EMPTY" };
  }
  const { name, requester, number, bytes, room } = operation;
  if (bytes.length > call.room) refuse("TOO_LARGE", bytes.length);
  arrived(caller, KERNEL);
  operation.state = "taken";
  operation.service = caller.name;
  operation.takenSince = ++world.waitsBegun;
  return { status: "OK", operation: name, taken: { requester, number, bytes, room } };
}

export interface Complete {
  readonly call: "PQC_COMPLETE";
  readonly capability: Name;
  readonly operation: Name;
  readonly code: number;
  readonly length: number;
}

/** Needs CRYPTO on the kernel, and to have taken it. */
export function completeCall(world: World, caller: Agent, call: Complete): Answer {
  authorized(world, caller, call.capability, ["kernel"], Rights.RIGHT_CRYPTO);
  const operation = world.operations.get(call.operation);
  if (!operation) return refuse(call.operation === NOBODY ? "BAD_ARGUMENT" : "OBJECT_GONE");
  if (operation.state !== "taken") refuse("WRONG_STATE");
  if (operation.service !== caller.name) refuse("NOT_OWNER");
  if (call.length > operation.room) refuse("TOO_LARGE");
  const requester = get(world.agents, operation.requester);
  if (call.length === 0 || hasDesk(requester)) complete(world, operation, call.code, call.length);
  else complete(world, operation, STATUS_BAD_ADDRESS, 0);
  return { status: "OK", value: 0 };
}

/** It is done, and its asker is told so. */
export function complete(world: World, operation: Operation, status: number, value: number): void {
  operation.state = "done";
  operation.service = NOBODY;
  release(world, operation.pool, workCost(operation));
  post(world, operation.requester, { kind: NOTICE_COMPLETED, subject: operation.name, status, value });
}

/** Nobody asks for it any more. */
export function endOperation(world: World, operation: Operation): void {
  world.operations.delete(operation.name);
  const cost = operation.state === "done" ? 0 : workCost(operation);
  release(world, operation.pool, world.costs.operation + cost);
}
