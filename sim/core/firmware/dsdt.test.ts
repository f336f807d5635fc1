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

/** Runs ACPICA, the interpreter that Linux uses, over a machine's DSDT and SSDT. */
async function interpret(acpiexec: string, cpus: number, commands: string): Promise<string> {
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

const PCI_HOST_BRIDGE = "5B 4D DB 33 F7 1F 1C 40 96 57 74 41 C0 3D D7 66";
const COMMANDS = [
  "evaluate \\_SB.PCI0._PRT",
  "evaluate \\_S5",
  "evaluate \\_SB.CP3F._UID",
  // Asks for all six PCI Express features.
  `evaluate \\_SB.PCI0._OSC (${PCI_HOST_BRIDGE}) 1 3 (00 00 00 00 1F 00 00 00 3F 00 00 00)`,
  "resources \\_SB.PCI0",
].join(";");

let session: Promise<string> | undefined;

/** What the interpreter printed for the first of COMMANDS that names `path`. */
async function output(path: string): Promise<string> {
  const acpiexec = requireTool("acpiexec");
  session ??= interpret(acpiexec, 64, COMMANDS);
  const begin = (await session).indexOf(`Evaluating ${path}`);
  const end = (await session).indexOf("Evaluating ", begin + 1);
  return (await session).slice(begin, end < 0 ? undefined : end);
}

function integers(printed: string): number[] {
  return [...printed.matchAll(/\[Integer\] = ([0-9A-F]+)/g)].map(([, hex]) => Number(`0x${hex}`));
}

test("ACPICA loads the tables for 64 processors without a warning", async () => {
  await output("");
  expect((await session)?.match(/2 ACPI AML tables successfully/)).not.toBeNull();
  expect(await session).not.toMatch(/ACPI (BIOS )?(Error|Warning)/);
});

test("the last processor's device has its _UID", async () => {
  expect(integers(await output("\\_SB.CP3F._UID"))).toEqual([63]);
});

test("all 128 interrupt pins of bus 0 are routed, slot by slot, over GSI 16 to 19", async () => {
  const expected = Array.from({ length: 128 }, (_, n) => {
    const slot = n >> 2;
    const pin = n & 3;
    return [slot * 0x10000 + 0xffff, pin, 0, 16 + ((slot + pin) % 4)];
  });
  expect(integers(await output("\\_SB.PCI0._PRT"))).toEqual(expected.flat());
});

test("\\_S5 says SLP_TYP 0", async () => {
  expect(integers(await output("\\_S5"))).toEqual([0, 0, 0, 0]);
});

test("_OSC hands over all but SHPC and LTR, and says that it left something out", async () => {
  const bytes = /0000: ((?:[0-9A-F]{2} ){12})/.exec(await output("\\_SB.PCI0._OSC"))?.[1];
  expect(bytes?.trim()).toBe("10 00 00 00 1F 00 00 00 1D 00 00 00");
});

test("the host bridge's windows are bus 0 to 255, ports, and memory below and above 4 GiB", async () => {
  const windows = [
    ...(await output("_CRS")).matchAll(/Address Minimum : (\w+)\s+Address Maximum : (\w+)/g),
  ].map(([, first, last]) => [Number(`0x${first}`), Number(`0x${last}`)]);
  expect(windows).toEqual([
    [0, 255],
    [0xcf8, 0xcf8],
    [0, 0xcf7],
    [0xd00, 0xffff],
    [0xc0000000, 0xfebfffff],
    [0x8000000000, 0xbfffffffff],
  ]);
});
