/** Where a value stands in a workload file. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Keys from the root, like "tasks.reader.phases.start.run"; "" is the file as a whole. */
  readonly path: string;
}

/** A workload file that can't be used: its place, the key and the reason, in one line. */
export class WorkloadError extends Error {
  override readonly name = "WorkloadError";
  readonly place: Place;
  readonly reason: string;

  constructor(place: Place, reason: string) {
    const { file, line, column, path } = place;
    super(`${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${reason}`);
    this.place = place;
    this.reason = reason;
  }
}
