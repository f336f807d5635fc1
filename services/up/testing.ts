/** A running system for tests: in a directory of its own, which goes with it, and with a client. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../../sdk/client/client.ts";
import { System, type SystemOptions } from "./system.ts";

export class RunningSystem {
  readonly state: string;
  readonly system: System;
  readonly client: Client;
  private readonly running: Promise<void>;

  private constructor(state: string, system: System) {
    this.state = state;
    this.system = system;
    this.running = system.run();
    this.client = new Client({ socket: system.socket });
  }

  /** `options`: what it has beside its directory, in which there is nothing yet. */
  static async start(
    options: (state: string) => Omit<SystemOptions, "state"> = () => ({}),
  ): Promise<RunningSystem> {
    const state = mkdtempSync(join(tmpdir(), "aios-"));
    return new RunningSystem(state, await System.start({ ...options(state), state }));
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.system.stop();
    await this.running;
    rmSync(this.state, { recursive: true });
  }
}
