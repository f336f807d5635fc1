/** Every way in which an agent's image, or the file that it is made from, can be wrong. */
export type OciErrorCode =
  /** The archive around it: POSIX ustar. */
  | "tar"
  /** No JSON, or JSON that two readers may understand differently. */
  | "json"
  /** A member that is missing, unknown, of the wrong type or out of range. */
  | "schema"
  /** Content of a kind that isn't read here. */
  | "media-type"
  /** Something that is named isn't there, or something is there that nobody names. */
  | "missing"
  | "surplus"
  /** Content that is no longer what its descriptor says. */
  | "size"
  | "digest"
  /** Code that can't run. */
  | "code"
  /** A path that leads out of the agent's folder, or a file that can't be bundled. */
  | "source";

/** The one kind of error that this folder throws for bad input. Its message is one line: place, reason, code. */
export class OciError extends Error {
  override readonly name = "OciError";
  readonly code: OciErrorCode;
  /** As a reader finds it: a name in the archive, with a byte, a line or a member. */
  readonly place: string;
  readonly reason: string;

  constructor(code: OciErrorCode, place: string, reason: string) {
    super(printable(`${place === "" ? "" : `${place}: `}${reason} (${code})`));
    this.code = code;
    this.place = place;
    this.reason = reason;
  }
}

/** What comes out of an image is shown to people; its control characters must not reach a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Surrogate}]/gu, "\ufffd");
}
