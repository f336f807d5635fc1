/** What the parts of WASI share: an agent's descriptors, what it was given, and how they answer. */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Contacts } from "./contacts.ts";
import type { Instance, Value } from "./instance.ts";
import type { QuickAnswer, StepAnswer } from "./personality.ts";
import type { FilesClient } from "./wasi_client.ts";
import { ERRNO_SUCCESS } from "./wasi_constants.ts";
import { Refusal } from "./wasi_memory.ts";
import type { Table } from "./wasi_table.ts";

export interface Context {
  readonly table: Table;
  readonly files: FilesClient;
  readonly contacts: Contacts;
  /** Capabilities to pipes by descriptor: 0 is read from, the others are written to. */
  readonly streams: readonly (number | null)[];
  /** Nanoseconds since 1970 at which the machine was turned on. */
  readonly epoch: bigint;
}

/** Answers by throwing a Refusal, or with success. What it changes, it changes after its last step. */
export type Call = (
  context: Context,
  sys: Sys,
  instance: Instance,
  args: readonly Value[],
) => Step<void>;
export type QuickCall = (context: Context, instance: Instance, args: readonly Value[]) => void;

export function stepsOf(context: Context, calls: Readonly<Record<string, Call>>) {
  const answer = (call: Call): StepAnswer =>
    function* (sys, instance, args) {
      try {
        yield* call(context, sys, instance, args);
        return ERRNO_SUCCESS;
      } catch (error) {
        return errnoOf(error);
      } finally {
        context.contacts.settle();
      }
    };
  return Object.entries(calls).map(([name, call]) => [name, answer(call)] as const);
}

export function quickOf(context: Context, calls: Readonly<Record<string, QuickCall>>) {
  const answer =
    (call: QuickCall): QuickAnswer =>
    (instance, args) => {
      try {
        call(context, instance, args);
        return ERRNO_SUCCESS;
      } catch (error) {
        return errnoOf(error);
      }
    };
  return Object.entries(calls).map(([name, call]) => [name, answer(call)] as const);
}

function errnoOf(error: unknown): number {
  if (error instanceof Refusal) return error.errno;
  throw error;
}
