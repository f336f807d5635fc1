/** The driver, by its one function, and what it says when something is refused. */
import * as op from "./operations.ts";

type Host = (operation: number, ...args: unknown[]) => unknown;
const world = globalThis as unknown as Record<string, unknown>;
export const host = world.host as Host;
delete world.host;

export type Bytes = string | Uint8Array;

interface Names {
  /** Numbers of the kernel's statuses by name. */
  readonly statuses: Readonly<Record<string, number>>;
  /** POSIX's names of errnos, by number. */
  readonly errnos: readonly string[];
}

const { statuses, errnos } = JSON.parse(host(op.OP_TEXT, op.TEXT_NAMES) as string) as Names;
const statusNames = new Map(Object.entries(statuses).map(([name, code]) => [code, name]));
export const STATUS_TIMED_OUT = statuses.TIMED_OUT as number;
export const STATUS_CAPABILITY_FOREIGN = statuses.CAPABILITY_FOREIGN as number;
export const STATUS_CAPABILITY_REVOKED = statuses.CAPABILITY_REVOKED as number;
export const STATUS_OBJECT_GONE = statuses.OBJECT_GONE as number;

/** Something has been refused; `code` is the name of the kernel's status, or of an errno. */
export class SystemError extends Error {
  readonly code: string;
  constructor(what: string, status: number) {
    const code = status < 0 ? errnos[-status] : statusNames.get(status);
    super(`${what}: ${code ?? status}`);
    this.name = "SystemError";
    this.code = code ?? String(status);
  }
}

/** A number below 0 is a refusal: an errno, as it is. */
export function done<T>(what: string, answer: unknown): T {
  if (typeof answer === "number" && answer < 0) throw new SystemError(what, answer);
  return answer as T;
}

/** A capability; below 0 is a status. */
export function made(what: string, handle: unknown): number {
  if ((handle as number) < 0) throw new SystemError(what, -(handle as number));
  return handle as number;
}

export const decode = (bytes: Uint8Array): string => host(op.OP_DECODE, bytes) as string;
export const encode = (text: string): Uint8Array => host(op.OP_ENCODE, text) as Uint8Array;

/** Who waits for something. */
export interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export function waiting<T>(list: Waiter<T>[]): Promise<T> {
  return new Promise((resolve, reject) => {
    list.push({ resolve, reject });
  });
}

let owner = 0;
const forgotten: (() => void)[] = [];

/** `forget` is called in a clone, before it uses what only its original has: queues, children. */
export function inClones(forget: () => void): void {
  forgotten.push(forget);
}

/** Whether the agent has become another one since the last look: a clone. */
export function isAnother(): boolean {
  const who = host(op.OP_WHO) as number;
  if (who === owner) return false;
  const wasBorn = owner === 0;
  owner = who;
  if (!wasBorn) for (const forget of forgotten) forget();
  return !wasBorn;
}
