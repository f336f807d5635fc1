import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  compileDsdt,
  DSDT_MODULE,
  dsdtModule,
  withoutCompilerVersion,
} from "../../../sdk/build/dsdt.ts";
import { Machine } from "../../host/machine.ts";
import { readTables } from "../../host/testing/acpi.ts";
import { requireTool } from "../../host/testing/tools.ts";

test("iasl makes the committed table from the source", () => {
  requireTool("iasl");
  const module = dsdtModule(withoutCompilerVersion(compileDsdt()));
  expect(module).toBe(readFileSync(DSDT_MODULE, "utf8"));
});

/** Evaluates names in a machine's tables with ACPICA, the interpreter that Linux uses. */
async function evaluate(cpus: number, commands: string): Promise<string> {
  const acpiexec = requireTool("acpiexec");
  const machine = await Machine.create({ cpus, start: false });
  const directory = mkdtempSync(join(tmpdir(), "acpiexec-"));
  try {
    const files = readTables(machine)
      .filter(({ signature }) => ["DSDT", "SSDT"].includes(signature))
      .map(({ signature, bytes }) => {
        const file = join(directory, `${signature}.aml`);
        writeFileSync(file, bytes);
        return file;
      });
    return execFileSync("sh", ["-c", '"$0" "$@" 2>&1', acpiexec, "-b", commands, ...files], {
      encoding: "utf8",
      cwd: directory,
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("all 128 interrupt pins of bus 0 are routed, slot by slot, over GSI 16 to 19", async () => {
  const output = await evaluate(1, "evaluate \\_SB.PCI0._PRT");
  const numbers = [...output.matchAll(/\[Integer\] = ([0-9A-F]+)/g)].map(([, hex]) =>
    Number.parseInt(hex ?? "", 16),
  );
  const expected = Array.from({ length: 128 }, (_, n) => {
    const slot = n >> 2;
    const pin = n & 3;
    return [slot * 0x10000 + 0xffff, pin, 0, 16 + ((slot + pin) % 4)];
  });
  expect(numbers).toEqual(expected.flat());
});

test("\\_S5 says SLP_TYP 0", async () => {
  const output = await evaluate(1, "evaluate \\_S5");
  const numbers = [...output.matchAll(/\[Integer\] = ([0-9A-F]+)/g)].map(([, hex]) => Number(hex));
  expect(numbers).toEqual([0, 0, 0, 0]);
});

test("ACPICA loads the tables for 64 processors and reads the last one's _UID", async () => {
  const output = await evaluate(64, "evaluate \\_SB.CP3F._UID");
  expect(output).toMatch(/\[Integer\] = 0+3F/);
  expect(output).not.toMatch(/ACPI (Error|Warning|BIOS Error)/);
});
