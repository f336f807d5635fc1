/**
 * Compiles sim/core/firmware/dsdt.asl with iasl into sim/core/firmware/dsdt.aml.ts, which is
 * committed: the build itself needs no iasl.
 *
 *   tsx sdk/build/dsdt.ts
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as acpi from "../../sim/spec/acpi.ts";
import * as platform from "../../sim/spec/platform.ts";

const FIRMWARE = fileURLToPath(new URL("../../sim/core/firmware/", import.meta.url));
export const DSDT_MODULE = join(FIRMWARE, "dsdt.aml.ts");

/** Ports behind those of the configuration mechanism: the second window of the host bridge. */
const PCI_IO_HIGH = platform.PCI_ADDRESS_PORT + 8;

/** The platform's constants as an include file for iasl. */
function platformHeader(): string {
  const constants = {
    ...platform,
    // iasl checks a window's figures before it computes with them.
    PCI_IO_LOW_LAST: platform.PCI_ADDRESS_PORT - 1,
    PCI_IO_HIGH,
    PCI_IO_HIGH_BYTES: 0x1_0000 - PCI_IO_HIGH,
    PCI_MEMORY_LAST: platform.PCI_MEMORY_END - 1,
    PCI_MEMORY_BYTES: platform.PCI_MEMORY_END - platform.PCI_MEMORY_BASE,
    PCI_HIGH_LAST: platform.PCI_HIGH_BASE + platform.PCI_HIGH_BYTES - 1,
    PM_PORTS: acpi.PM_PORTS,
    SLEEP_TYPE_S5: acpi.SLEEP_TYPE_S5,
  };
  return Object.entries(constants)
    .map(([name, value]) => `#define ${name} 0x${value.toString(16).toUpperCase()}\n`)
    .join("");
}

/** Compiles the source; any warning is an error. */
export function compileDsdt(): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), "dsdt-"));
  try {
    writeFileSync(join(directory, "platform.h"), platformHeader());
    copyFileSync(join(FIRMWARE, "dsdt.asl"), join(directory, "dsdt.asl"));
    execFileSync("iasl", ["-we", "-p", "dsdt", "dsdt.asl"], { cwd: directory, stdio: "pipe" });
    return readFileSync(join(directory, "dsdt.aml"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * Replaces the compiler's name and version in the table's header by the project's own, so that the
 * bytes depend on the source alone, and sets the checksum again.
 */
export function withoutCompilerVersion(aml: Uint8Array): Uint8Array {
  const table = Uint8Array.from(aml);
  table.set([...Buffer.from("AIOS"), 1, 0, 0, 0], 28);
  table[9] = 0;
  table[9] = -table.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return table;
}

/** Source text of the module that holds the table. */
export function dsdtModule(aml: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < aml.length; at += 16) {
    const row = [...aml.subarray(at, at + 16)].map(
      (byte) => `0x${byte.toString(16).padStart(2, "0")}`,
    );
    lines.push(`  ${row.join(", ")},`);
  }
  return `// Compiled from dsdt.asl by sdk/build/dsdt.ts. Do not edit.
export const DSDT: StaticArray<u8> = [
${lines.join("\n")}
];
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(DSDT_MODULE, dsdtModule(withoutCompilerVersion(compileDsdt())));
}
