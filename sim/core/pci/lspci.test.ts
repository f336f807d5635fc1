import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Machine } from "../../host/machine.ts";
import { configRead, pciAddress, pciName } from "../../host/testing/pci.ts";
import { addEndpoint, createPciMachine } from "../../host/testing/pciDevice.ts";
import { requireFile, requireTool } from "../../host/testing/tools.ts";
import * as Pci from "../../spec/pci.ts";

let m: Machine;
beforeEach(async () => {
  const machine = await createPciMachine({
    drives: [{ data: new Uint8Array(1 << 20) }],
    nic: [0x52, 0x54, 0, 0, 0, 1],
  });
  m = machine.m;
  addEndpoint(machine.pci, pciAddress(5, 0));
});

/** Every function there is, in the format of `lspci -xxxx`. */
function dump(): string {
  const lines: string[] = [];
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  for (let address = 0; address < 0x2000; address++) {
    if (configRead(m, address, 0, 4) === 0xffff_ffff) continue;
    lines.push(`${pciName(address)} device`);
    for (let row = 0; row < 4096; row += 16) {
      const bytes = Array.from({ length: 16 }, (_, n) =>
        hex(configRead(m, address, row + n, 1), 2),
      );
      lines.push(`${hex(row, row < 256 ? 2 : 3)}: ${bytes.join(" ")}`);
    }
    lines.push("");
  }
  return lines.join("\n");
}

describe("lspci decodes configuration space", () => {
  function decode(): Map<string, string> {
    const lspci = requireTool("lspci");
    const folder = mkdtempSync(join(tmpdir(), "lspci-"));
    const file = join(folder, "dump");
    writeFileSync(file, dump());
    const result = spawnSync(lspci, ["-F", file, "-nn", "-vvv"], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    // The machine that runs the test may lack kernel modules: no business of ours.
    expect(result.stderr.replace(/^lspci: Unable to load libkmod.*\n/, "")).toBe("");
    expect(result.status).toBe(0);
    expect(result.stdout).not.toMatch(/<chain (looped|broken)>|<access denied>|[?]|!!!/);
    const blocks = result.stdout.trim().split("\n\n");
    return new Map(blocks.map((block) => [block.slice(0, 7), block]));
  }

  test("of every function without complaint", () => {
    const found = decode();
    expect(found.get("00:00.0")).toContain("[8086:29c0]");
    expect(found.get("00:1f.0")).toContain("[8086:2918]");
    expect(found.get("00:07.0")).toContain("PCI bridge");
  });

  test("of a root port: slot, link and bus numbers", () => {
    const port = decode().get("00:07.0") ?? "";
    expect(port).toContain("Bus: primary=00, secondary=05, subordinate=05");
    expect(port).toContain("Express (v2) Root Port (Slot+)");
    expect(port).toMatch(/LnkSta:\s+Speed 8GT\/s.*Width x4/);
    expect(port).toMatch(/DLActive\+/);
    expect(port).toMatch(/SltSta:.*PresDet\+/);
    expect(port).toMatch(/MSI: Enable- Count=1\/1 Maskable\+ 64bit\+/);
    expect(port).toMatch(/Power Management version 3/);
  });

  test("of an endpoint: power, Express with FLR, MSI and MSI-X", () => {
    const endpoint = decode().get("05:00.0") ?? "";
    expect(endpoint).toContain("Express (v2) Endpoint");
    expect(endpoint).toContain("FLReset+");
    expect(endpoint).toMatch(/MSI: Enable- Count=1\/4 Maskable\+ 64bit\+/);
    expect(endpoint).toMatch(/MSI-X: Enable- Count=8 Masked-/);
    expect(endpoint).toContain("Vector table: BAR=0 offset=00008000");
    expect(endpoint).toContain("PBA: BAR=0 offset=00009000");
    expect(endpoint).toMatch(/Status: D0 NoSoftRst\+/);
  });
});

test("offsets and bits are those of linux/pci_regs.h", () => {
  const defined = new Map<string, number>();
  for (const [, name, value] of requireFile("/usr/include/linux/pci_regs.h").matchAll(
    /^#define\s+(PCI_\w+)\s+(0x[0-9a-fA-F]+|\d+)/gm,
  ))
    defined.set(name ?? "", Number(value));
  for (const [linux, ours] of PAIRS) expect([linux, defined.get(linux)]).toEqual([linux, ours]);
});

/** Linux's name, our number. */
const PAIRS: readonly (readonly [string, number])[] = [
  ["PCI_COMMAND", Pci.PCI_COMMAND],
  ["PCI_COMMAND_IO", Pci.PCI_COMMAND_IO],
  ["PCI_COMMAND_MEMORY", Pci.PCI_COMMAND_MEMORY],
  ["PCI_COMMAND_MASTER", Pci.PCI_COMMAND_MASTER],
  ["PCI_COMMAND_INTX_DISABLE", Pci.PCI_COMMAND_INTX_DISABLE],
  ["PCI_STATUS", Pci.PCI_STATUS],
  ["PCI_STATUS_INTERRUPT", Pci.PCI_STATUS_INTERRUPT],
  ["PCI_STATUS_CAP_LIST", Pci.PCI_STATUS_CAPABILITIES],
  ["PCI_CLASS_REVISION", Pci.PCI_CLASS_REVISION],
  ["PCI_HEADER_TYPE", Pci.PCI_HEADER_TYPE],
  ["PCI_BASE_ADDRESS_0", Pci.PCI_BAR],
  ["PCI_SUBSYSTEM_VENDOR_ID", Pci.PCI_SUBSYSTEM],
  ["PCI_CAPABILITY_LIST", Pci.PCI_CAPABILITIES],
  ["PCI_INTERRUPT_LINE", Pci.PCI_INTERRUPT_LINE],
  ["PCI_INTERRUPT_PIN", Pci.PCI_INTERRUPT_PIN],
  ["PCI_PRIMARY_BUS", Pci.PCI_PRIMARY_BUS],
  ["PCI_SECONDARY_BUS", Pci.PCI_SECONDARY_BUS],
  ["PCI_SUBORDINATE_BUS", Pci.PCI_SUBORDINATE_BUS],
  ["PCI_IO_BASE", Pci.PCI_IO_WINDOW_BASE],
  ["PCI_IO_LIMIT", Pci.PCI_IO_WINDOW_LIMIT],
  ["PCI_SEC_STATUS", Pci.PCI_SECONDARY_STATUS],
  ["PCI_MEMORY_BASE", Pci.PCI_MEMORY_WINDOW_BASE],
  ["PCI_MEMORY_LIMIT", Pci.PCI_MEMORY_WINDOW_LIMIT],
  ["PCI_PREF_MEMORY_BASE", Pci.PCI_PREFETCH_WINDOW_BASE],
  ["PCI_PREF_MEMORY_LIMIT", Pci.PCI_PREFETCH_WINDOW_LIMIT],
  ["PCI_PREF_BASE_UPPER32", Pci.PCI_PREFETCH_BASE_HIGH],
  ["PCI_PREF_LIMIT_UPPER32", Pci.PCI_PREFETCH_LIMIT_HIGH],
  ["PCI_IO_BASE_UPPER16", Pci.PCI_IO_BASE_HIGH],
  ["PCI_IO_LIMIT_UPPER16", Pci.PCI_IO_LIMIT_HIGH],
  ["PCI_BRIDGE_CONTROL", Pci.PCI_BRIDGE_CONTROL],
  ["PCI_BRIDGE_CTL_BUS_RESET", Pci.PCI_BRIDGE_RESET],
  ["PCI_CAP_ID_PM", Pci.PCI_CAP_POWER],
  ["PCI_CAP_ID_MSI", Pci.PCI_CAP_MSI],
  ["PCI_CAP_ID_VNDR", Pci.PCI_CAP_VENDOR],
  ["PCI_CAP_ID_SSVID", Pci.PCI_CAP_SUBSYSTEM],
  ["PCI_CAP_ID_EXP", Pci.PCI_CAP_EXPRESS],
  ["PCI_CAP_ID_MSIX", Pci.PCI_CAP_MSIX],
  ["PCI_CAP_ID_SATA", Pci.PCI_CAP_SATA],
  ["PCI_PM_CTRL", Pci.PCI_POWER_CONTROL],
  ["PCI_PM_CTRL_STATE_MASK", Pci.PCI_POWER_STATE],
  ["PCI_PM_CTRL_NO_SOFT_RESET", Pci.PCI_POWER_NO_SOFT_RESET],
  ["PCI_MSI_FLAGS", Pci.PCI_MSI_CONTROL],
  ["PCI_MSI_FLAGS_ENABLE", Pci.PCI_MSI_ENABLE],
  ["PCI_MSI_FLAGS_64BIT", Pci.PCI_MSI_64],
  ["PCI_MSI_FLAGS_MASKBIT", Pci.PCI_MSI_MASKABLE],
  ["PCI_MSI_ADDRESS_LO", Pci.PCI_MSI_ADDRESS],
  ["PCI_MSI_ADDRESS_HI", Pci.PCI_MSI_ADDRESS_HIGH],
  ["PCI_MSI_DATA_64", Pci.PCI_MSI_DATA],
  ["PCI_MSI_MASK_64", Pci.PCI_MSI_MASK],
  ["PCI_MSI_PENDING_64", Pci.PCI_MSI_PENDING],
  ["PCI_MSIX_FLAGS", Pci.PCI_MSIX_CONTROL],
  ["PCI_MSIX_FLAGS_MASKALL", Pci.PCI_MSIX_FUNCTION_MASK],
  ["PCI_MSIX_FLAGS_ENABLE", Pci.PCI_MSIX_ENABLE],
  ["PCI_MSIX_TABLE", Pci.PCI_MSIX_TABLE],
  ["PCI_MSIX_PBA", Pci.PCI_MSIX_PBA],
  ["PCI_MSIX_ENTRY_SIZE", Pci.PCI_MSIX_ENTRY_BYTES],
  ["PCI_EXP_FLAGS", Pci.PCI_EXPRESS_FLAGS],
  ["PCI_EXP_DEVCAP", Pci.PCI_EXPRESS_DEVICE_CAP],
  ["PCI_EXP_DEVCAP_FLR", Pci.PCI_EXPRESS_FLR_CAPABLE],
  ["PCI_EXP_DEVCTL", Pci.PCI_EXPRESS_DEVICE_CONTROL],
  ["PCI_EXP_DEVCTL_BCR_FLR", Pci.PCI_EXPRESS_FLR],
  ["PCI_EXP_DEVSTA", Pci.PCI_EXPRESS_DEVICE_STATUS],
  ["PCI_EXP_LNKCAP", Pci.PCI_EXPRESS_LINK_CAP],
  ["PCI_EXP_LNKCTL", Pci.PCI_EXPRESS_LINK_CONTROL],
  ["PCI_EXP_LNKSTA", Pci.PCI_EXPRESS_LINK_STATUS],
  ["PCI_EXP_LNKSTA_DLLLA", Pci.PCI_EXPRESS_LINK_ACTIVE],
  ["PCI_EXP_SLTCAP", Pci.PCI_EXPRESS_SLOT_CAP],
  ["PCI_EXP_SLTCTL", Pci.PCI_EXPRESS_SLOT_CONTROL],
  ["PCI_EXP_SLTCTL_PDCE", Pci.PCI_EXPRESS_PRESENCE_ENABLE],
  ["PCI_EXP_SLTCTL_HPIE", Pci.PCI_EXPRESS_HOTPLUG_ENABLE],
  ["PCI_EXP_SLTCTL_DLLSCE", Pci.PCI_EXPRESS_LINK_ENABLE],
  ["PCI_EXP_SLTSTA", Pci.PCI_EXPRESS_SLOT_STATUS],
  ["PCI_EXP_SLTSTA_PDC", Pci.PCI_EXPRESS_PRESENCE_CHANGED],
  ["PCI_EXP_SLTSTA_PDS", Pci.PCI_EXPRESS_PRESENCE],
  ["PCI_EXP_SLTSTA_DLLSC", Pci.PCI_EXPRESS_LINK_CHANGED],
  ["PCI_EXP_RTCTL", Pci.PCI_EXPRESS_ROOT_CONTROL],
  ["PCI_EXP_RTCAP", Pci.PCI_EXPRESS_ROOT_CAP],
  ["PCI_EXP_RTSTA", Pci.PCI_EXPRESS_ROOT_STATUS],
  ["PCI_EXP_DEVCAP2", Pci.PCI_EXPRESS_DEVICE_CAP2],
  ["PCI_EXP_DEVCTL2", Pci.PCI_EXPRESS_DEVICE_CONTROL2],
  ["PCI_EXP_LNKCAP2", Pci.PCI_EXPRESS_LINK_CAP2],
  ["PCI_EXP_LNKCTL2", Pci.PCI_EXPRESS_LINK_CONTROL2],
  ["PCI_EXP_LNKSTA2", Pci.PCI_EXPRESS_LINK_STATUS2],
];
