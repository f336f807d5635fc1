/**
 * A file in the Trace Event Format (JSON object form), which Perfetto and chrome://tracing show:
 * rows are threads of processes. Written piece by piece.
 */
/** B begins and E ends a span of a row, b and e one that may overlap others, i is a moment. */
type Phase = "B" | "E" | "i" | "b" | "e" | "M";
export type Fields = Readonly<Record<string, unknown>>;

/** Nanoseconds as the format's microseconds, exactly. */
function microseconds(time: bigint): string {
  return `${time / 1000n}.${String(time % 1000n).padStart(3, "0")}`;
}

export class TraceFile {
  private readonly write: (text: string) => void;
  private first = true;

  constructor(write: (text: string) => void) {
    this.write = write;
    write('{"displayTimeUnit":"ns","traceEvents":[');
  }

  /** Names a process ("process_name") or one of its rows ("thread_name"). */
  name(what: "process_name" | "thread_name", pid: number, tid: number, name: string): void {
    this.emit("M", pid, tid, 0n, what, { args: { name } });
  }

  /** A moment in a row. */
  mark(pid: number, tid: number, time: bigint, name: string, args: Fields): void {
    this.emit("i", pid, tid, time, name, { s: "t", args });
  }

  emit(ph: Phase, pid: number, tid: number, time: bigint, name = "", more: Fields = {}): void {
    const rest = JSON.stringify({ name, ...more }).slice(1);
    const head = `{"ph":"${ph}","pid":${pid},"tid":${tid},"ts":${microseconds(time)},`;
    this.write(`${this.first ? "\n" : ",\n"}${head}${rest}`);
    this.first = false;
  }

  end(): void {
    this.write("\n]}\n");
  }
}
