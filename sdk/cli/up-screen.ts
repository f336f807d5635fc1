/** What `aios up` shows: a log, and on a terminal a line below it that says how the system is. */
import pc from "picocolors";
import { ERASE_LINE } from "./erase.ts";

export interface LogEntry {
  readonly kind: string;
  readonly text: string;
  /** What --json says besides. */
  readonly detail?: object;
}

export class Screen {
  private readonly out: NodeJS.WriteStream;
  private readonly json: boolean;
  private readonly live: boolean;
  private line = "";
  /** Nobody reads it any more: `aios up | head`, or a terminal that was closed. The system goes on. */
  private closed = false;

  constructor(out: NodeJS.WriteStream, json: boolean) {
    this.out = out;
    out.on("error", () => {
      this.closed = true;
    });
    this.json = json;
    this.live = out.isTTY && !json && process.env.TERM !== "dumb";
  }

  log({ kind, text, detail = {} }: LogEntry): void {
    const time = new Date().toISOString();
    if (this.json) this.write(`${JSON.stringify({ time, kind, text, ...detail })}\n`);
    else this.write(`${pc.dim(time.slice(11, 19))} ${kind === "error" ? pc.red(text) : text}\n`);
  }

  /** Replaces the line below the log; for a terminal only. */
  status(text: string): void {
    if (!this.live) return;
    const width = Math.max(10, (this.out.columns || 80) - 1);
    this.line = pc.dim(text.length > width ? `${text.slice(0, width - 1)}…` : text);
    this.put(ERASE_LINE + this.line);
  }

  close(): void {
    if (this.line !== "") this.put(ERASE_LINE);
    this.line = "";
  }

  private write(text: string): void {
    this.put(this.line === "" ? text : ERASE_LINE + text + this.line);
  }

  private put(text: string): void {
    if (!this.closed) this.out.write(text);
  }
}
