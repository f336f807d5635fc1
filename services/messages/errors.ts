/** Why a request is refused: one table for services, the gateway's status codes and shells. */
import { SyscallError } from "../../sdk/agent/error.ts";

/** Each with the status that HTTP has for it. */
export const ERRORS = {
  "bad-request": 400,
  "bad-token": 401,
  denied: 403,
  "not-found": 404,
  "unknown-method": 404,
  exists: 409,
  "wrong-state": 409,
  "too-large": 413,
  "quota-exceeded": 429,
  "too-many-requests": 429,
  internal: 500,
  unavailable: 503,
} as const;
export type ErrorCode = keyof typeof ERRORS;

/** Characters of a message; what it quotes may be as long as a request. */
const MESSAGE_MAX = 1000;

export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX)}…` : message);
    this.code = code;
  }

  get plain(): { code: ErrorCode; message: string } {
    return { code: this.code, message: this.message };
  }

  /** Anything that was thrown, as what its asker may know of it. */
  static from(error: unknown): RequestError {
    if (error instanceof RequestError) return error;
    if (error instanceof SyscallError)
      return new RequestError(
        OF_STATUS[error.status] ?? "internal",
        `the kernel refuses: ${error.message}`,
      );
    return new RequestError("internal", error instanceof Error ? error.message : String(error));
  }
}

/** Refusals of the kernel that say something to whoever asked. */
const OF_STATUS: Readonly<Record<string, ErrorCode>> = {
  QUOTA: "quota-exceeded",
  LIMIT: "quota-exceeded",
  FULL: "quota-exceeded",
  NO_MEMORY: "quota-exceeded",
  NOT_ADMITTED: "quota-exceeded",
  WRONG_STATE: "wrong-state",
  OBJECT_GONE: "not-found",
  RIGHTS_MISSING: "denied",
  CAPABILITY_REVOKED: "denied",
  CAPABILITY_EXPIRED: "denied",
  WOULD_WIDEN: "denied",
};
