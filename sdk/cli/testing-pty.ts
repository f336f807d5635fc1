/** Commands in a real terminal, for tests; util-linux's script makes one. */
import { type ChildProcess, spawn } from "node:child_process";
import { requireTool } from "../../sim/host/testing/tools.ts";

/** Longer than anything takes on a slow and busy computer; shorter than tests may take. */
const PATIENCE_MS = 60_000;

/** A command in a pseudo-terminal of its own, typed at as a user does: after looking. */
export class Pty {
  readonly ended: Promise<number>;
  /** Those that a test has given up. */
  private static readonly children = new Set<ChildProcess>();
  private readonly child: ChildProcess;
  private text = "";
  private seen = 0;
  private wake = (): void => {};

  constructor(command: string, env: NodeJS.ProcessEnv = process.env) {
    const options = ["--quiet", "--flush", "--return", "--echo", "never"];
    this.child = spawn(requireTool("script"), [...options, "--command", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env,
    });
    Pty.children.add(this.child);
    this.child.stdout?.setEncoding("latin1").on("data", (part: string) => {
      this.text += part;
      this.wake();
    });
    this.ended = new Promise((resolve) => {
      this.child.on("close", (status) => {
        Pty.children.delete(this.child);
        resolve(status ?? -1);
      });
    });
  }

  static killAll(): void {
    for (const child of Pty.children) child.kill("SIGKILL");
  }

  type(text: string): void {
    this.child.stdin?.write(text, "latin1");
  }

  /**
   * What has come up to the end of `text`, since the last time.
   * @throws Error the command has ended, or shows nothing of the kind for so long that it never will
   */
  async shows(text: string): Promise<string> {
    const over = setTimeout(() => void this.child.kill("SIGKILL"), PATIENCE_MS);
    try {
      return await this.comes(text);
    } finally {
      clearTimeout(over);
    }
  }

  private async comes(text: string): Promise<string> {
    for (;;) {
      const at = this.text.indexOf(text, this.seen);
      const from = this.seen;
      if (at >= 0) {
        this.seen = at + text.length;
        return this.text.slice(from, this.seen);
      }
      const ended = await Promise.race([
        this.ended,
        new Promise<void>((resolve) => {
          this.wake = resolve;
        }),
      ]);
      if (ended !== undefined && !this.text.includes(text, this.seen))
        throw new Error(`"${text}" never came; the end is "${this.text.slice(-500)}"`);
    }
  }
}
