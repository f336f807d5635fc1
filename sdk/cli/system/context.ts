/** What every command that asks a running system has: a client, and where its output goes. */
import type { Readable } from "node:stream";
import { RequestError } from "../../../services/messages/errors.ts";
import type { Client } from "../../client/client.ts";
import { type Column, tableLines } from "./table.ts";

/** Options that all commands have. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly project?: string;
}

/** What an agent is given to read. */
export interface Input {
  readonly stream: Readable;
  /** At Ctrl-C the agent goes on without it, instead of being ended. */
  readonly leaves: boolean;
  /** Nothing more is read. */
  close(): void;
}

export interface Context {
  readonly client: Client;
  /** Opens standard input; null where commands come from there. */
  readonly input: (() => Input) | null;
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  /** Aborted when the user has had enough (Ctrl-C) of a command that follows something. */
  readonly signal: AbortSignal;
  readonly options: CommonOptions;
}

/** What a command does; its exit status, 0 if it says none. */
export type Act = (
  context: Context,
  args: readonly string[],
  options: unknown,
) => Promise<number | undefined>;

export function say({ out }: Context, text: string): void {
  out.write(`${text}\n`);
}

/** Rows as a table, as JSON, or their names only. */
export function show<T>(
  context: Context,
  rows: readonly T[],
  columns: readonly Column<T>[],
  name: (row: T) => string,
): undefined {
  const { options, out } = context;
  if (options.json) say(context, JSON.stringify(rows, null, 2));
  else if (options.quiet) for (const row of rows) say(context, name(row));
  else for (const line of tableLines(rows, columns, out.columns)) say(context, line);
}

/** A document as JSON, or in one line of words. */
export function report(context: Context, document: unknown, words: string): undefined {
  say(context, context.options.json ? JSON.stringify(document, null, 2) : words);
}

/** An agent as it is named at the command line: its name, or project/name. */
export function named(context: Context, text: string): { name: string; project: string } {
  const [name = "", project] = text.split("/").reverse();
  return { name, project: project ?? context.options.project ?? "default" };
}

/** A name that `named` takes for the same one: it stands alone in the project that is meant anyway. */
export const nameIn =
  ({ options: { project = "default" } }: Pick<Context, "options">) =>
  (it: { readonly name: string; readonly project: string }): string =>
    it.project === project ? it.name : `${it.project}/${it.name}`;

/** Those rows that are named, or all where none is. @throws RequestError not-found */
export function chosen<T>(
  rows: readonly T[],
  names: readonly string[],
  what: string,
  isIt: (row: T, name: string) => boolean,
): readonly T[] {
  if (names.length === 0) return rows;
  return names.flatMap((name) => {
    const found = rows.filter((row) => isIt(row, name));
    if (found.length === 0) throw new RequestError("not-found", `there is no ${what} ${name}`);
    return found;
  });
}

/** @throws RequestError bad-request */
export function requireNames(names: readonly string[], what: string): void {
  if (names.length === 0) throw new RequestError("bad-request", `which ${what}? None is named`);
}

/** Whether an agent, a job or a snapshot is the one that was written so. */
export const isNamed =
  (context: Context) =>
  (it: { readonly name: string; readonly project: string }, text: string): boolean => {
    const { name, project } = named(context, text);
    return it.name === name && it.project === project;
  };

/** Without what wasn't said: an option that is left out isn't one that is undefined. */
export const said = <T extends object>(it: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(it).filter(([, value]) => value !== undefined)) as never;
