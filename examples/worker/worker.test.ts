import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compileC, compileRust } from "../../sdk/testing/compilers.ts";
import { startSystem } from "../../sdk/testing/index.ts";
import { bundle } from "../../services/quickjs/bundle.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

test("each task is done by its tool, or its failure is told, and the code counts the failures", async () => {
  const tasks = [
    "sum 1 2 39",
    "sum 1 x",
    "shout hello",
    "shout again",
    "delete everything",
    "sum -5",
  ];
  const system = await startSystem({
    sum: { module: compileC(file("sum.c")) },
    shout: { script: await bundle(file("shout.ts")) },
    worker: { module: compileRust(file("worker.rs")), args: tasks, peers: ["sum", "shout"] },
  });
  expect(system.ended("worker")).toEqual({
    reason: "exited",
    code: 3,
    stdout: [
      "sum 1 2 39: 42",
      "sum 1 x: failed, no number: x",
      "shout hello: HELLO",
      "shout again: failed, no answer in time",
      "delete everything: failed, no capability to this tool",
      "sum -5: -5\n",
    ].join("\n"),
    stderr: "",
  });
  // It has asked nobody else.
  const asked = system.trace.filter(
    ({ agent, call }) => agent === "worker" && call === "aios.request",
  );
  expect(asked.map((it) => it.arguments.to)).toEqual(["sum", "sum", "shout", "shout", "sum"]);
});
