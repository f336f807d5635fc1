import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("index.ts", import.meta.url));

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const bench = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", PROGRAM, ...args], (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

test("--help names all subjects and options, and builds nothing first", async () => {
  const { status, stdout, stderr } = await bench("--help");
  expect([status, stderr]).toEqual([0, ""]);
  for (const subject of "boot mm nvme sched machine cap cpu ipc agents up gateway wasm".split(" "))
    expect(stdout).toMatch(new RegExp(`\\b${subject}\\b`));
  for (const option of ["--json <file>", "--docs", "--no-build"]) expect(stdout).toContain(option);
});

test("a subject that doesn't exist is named with those that do, before anything is built", async () => {
  const { status, stdout, stderr } = await bench("cpu", "gpu");
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^bench: there is no subject "gpu"; there are boot, .*cpu/);
});
