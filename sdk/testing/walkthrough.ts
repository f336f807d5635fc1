/** What a README says, done on a running system: its commands, in a folder of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export class Walkthrough {
  /** Where the commands are given; the examples are there. */
  readonly folder = mkdtempSync(join(tmpdir(), "aios-examples-"));
  private readonly cli = join(process.cwd(), "pkg/cli.js");
  private up: { child: ChildProcess; ended: Promise<Ended> } | null = null;

  /** Turns a system on; done when it is ready. */
  async begin(): Promise<void> {
    cpSync("examples", join(this.folder, "examples"), { recursive: true });
    const up = this.start(["up", "--json", "--port", "0"]);
    this.up = up;
    await new Promise<void>((resolve, reject) => {
      // Its first line says so.
      up.child.stdout?.once("data", () => resolve());
      void up.ended.then(({ err }) => reject(new Error(err)));
    });
  }

  /** Turns it off: its exit status. */
  async end(): Promise<number | null> {
    this.up?.child.kill("SIGTERM");
    const status = (await this.up?.ended)?.status ?? null;
    rmSync(this.folder, { recursive: true });
    return status;
  }

  /** The path of one of the examples' files. */
  file(path: string): string {
    return join(this.folder, "examples", path);
  }

  /**
   * Runs the commands that the README of an example has, and compares what the last ones say with its next block.
   * @throws Error with what a command has said against it
   */
  async perform(example: string): Promise<{ said: string; told: string }> {
    const readme = readFileSync(this.file(`${example}/README.md`), "utf8");
    const [, commands = "", told = ""] = /```sh\n(.*?)```.*?```\n(.*?)```/s.exec(readme) ?? [];
    let said = "";
    for (const line of commands.trim().split("\n")) {
      const [npx, aios, ...args] = line.split(" ");
      if (npx !== "npx" || aios !== "aios") throw new Error(`"${line}" is no command of aios`);
      const { out, err } = await this.start(args).ended;
      if (err) throw new Error(`${line}: ${err}`);
      said += out;
    }
    return { said: said.slice(-told.length), told };
  }

  private start(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
    const state = join(this.folder, "state");
    const env = { ...process.env, AIOS_STATE: state, AIOS_HOST: "", AIOS_TOKEN: "" };
    const { folder: cwd } = this;
    const child = spawn("node", [this.cli, ...args], {
      ...{ cwd, env, stdio: ["ignore", "pipe", "pipe"] },
    });
    let [out, err] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr?.setEncoding("utf8").on("data", (text) => (err += text));
    const ended = new Promise<Ended>((resolve) =>
      child.on("close", (status) => resolve({ status, out, err })),
    );
    return { child, ended };
  }
}
