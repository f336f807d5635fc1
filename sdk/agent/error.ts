import * as statuses from "../../kernel/syscall/status.ts";

type Suffix<K, P extends string> = K extends `${P}${infer Rest}` ? Rest : never;

/** Name of a status, as kernel/syscall/status.ts has it without its prefix: "RIGHTS_MISSING". */
export type StatusName = Suffix<keyof typeof statuses, "STATUS_">;

const NAMES = new Map<number, string>(
  Object.entries(statuses).map(([name, code]) => [code, name.slice("STATUS_".length)]),
);

/** The name of a status that the kernel answered. */
export function statusName(code: number): StatusName {
  return (NAMES.get(code) ?? `STATUS_${code}`) as StatusName;
}

/** A system call was refused; nothing has changed but the audit record. */
export class SyscallError extends Error {
  override readonly name = "SyscallError";
  readonly status: StatusName;
  /** The status's number. */
  readonly code: number;
  /** The call, as it is named in `Sys`. */
  readonly call: string;

  constructor(call: string, code: number) {
    const status = statusName(code);
    super(`${call}: ${status}`);
    this.status = status;
    this.code = code;
    this.call = call;
  }
}
