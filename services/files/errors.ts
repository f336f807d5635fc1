/** Why an operation on files was refused: POSIX's names, and WASI's ENOTCAPABLE. */

/** What the host says and agents may hear; anything else is EIO. */
const HEARD = new Set([
  ...["EACCES", "EBUSY", "EDQUOT", "EEXIST", "EFBIG", "EINVAL", "EISDIR", "ELOOP", "EMFILE"],
  ...["EMLINK", "ENAMETOOLONG", "ENFILE", "ENOENT", "ENOMEM", "ENOSPC", "ENOTDIR", "ENOTEMPTY"],
  ...["ENOTSUP", "EPERM", "EROFS", "ESTALE", "ETXTBSY", "EXDEV", "EBADF", "EAGAIN", "ENOTCAPABLE"],
]);

export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export function nameOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && HEARD.has(code) ? code : "EIO";
}
