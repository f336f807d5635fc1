/** Debian's own, unmodified kernel on the machine: nobody here wrote it, so it is a judge. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PCI_CAP_MSIX } from "../../spec/pci.ts";
import type { Machine } from "../machine.ts";
import { fileDrive } from "../node/file.ts";
import { ApicBench } from "../testing/apic.ts";
import { command, type DebianOptions, debian, PROMPT, SHELL } from "../testing/debian.ts";
import { configRead, findCapability, pciAddress } from "../testing/pci.ts";
import { requireTool } from "../testing/tools.ts";

/** Far more virtual time than any of these boots takes. */
const UNTIL = 120_000_000_000n;

/** Init waits until the clock is calibrated; then the log keeps out of what it prints. */
const SHOW = `
sleep 1
dmesg -n 1
echo "== cpuinfo"; grep -c ^processor /proc/cpuinfo
echo "== interrupts"; cat /proc/interrupts
echo "== partitions"; cat /proc/partitions
echo "== clock"; cat /sys/devices/system/clocksource/clocksource0/current_clocksource
echo "== clocks"; cat /sys/devices/system/clocksource/clocksource0/available_clocksource
echo "== warnings"; dmesg -r | grep '^<[0-4]>'
echo "== end"
`;
const OFF = "poweroff -f\n";
const TOOLS = `
echo "== lspci"; lspci -nn
echo "== nvme"; nvme list --output-format=json
echo "== id-ctrl"; nvme id-ctrl /dev/nvme0
echo "== done"
`;
const drives = () => [{ data: new Uint8Array(16 << 20) }];

async function boot(options: DebianOptions): Promise<Machine> {
  const machine = await debian(options);
  expect(machine.run({ until: UNTIL }), machine.consoleText.slice(-2_000)).toBe("power-off");
  return machine;
}

/** Lines that \`== name\` begins in what init printed. */
function section({ consoleText }: Machine, name: string): string {
  const from = consoleText.indexOf(`== ${name}\r\n`);
  return consoleText.slice(from + name.length + 5, consoleText.indexOf("== ", from + 3));
}

/** Of what the log has as a warning or worse: what it says on such a machine, whoever has made it. */
const EXPECTED: readonly (readonly [RegExp, string])[] = [
  [/Spectre|MDS|SRBDS|MMIO Stale|ITS:|RETBleed|L1TF|Speculative/, "a model with these weaknesses"],
  [/exceeds max_cpus limit of 0/, "nosmp: that is what was asked for"],
  [
    /ACPI: setting ELCR to 0200 \(from 0000\)/,
    "noapic: firmware leaves the PICs' modes to the kernel",
  ],
  [/hpet_acpi_add: no address or irqs in _CRS/, "nohpet: the kernel itself hides the resource"],
  [
    /tracing clock|local clock|trace_clock=local|on the kernel command line/,
    "tsc=unstable: follows",
  ],
];

/** What the log says of a device that was found, whatever has been typed at the kernel. */
const FOUND = [
  "ACPI: 2 ACPI AML tables successfully acquired and loaded",
  "PCI: MMCONFIG for domain 0000 [bus 00-ff] at [mem 0xb0000000-0xbfffffff]",
  "hpet0: 3 comparators, 64-bit 100.000000 MHz counter",
  "ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A",
  "TSC deadline timer available",
  "rtc_cmos 00:01: setting system clock to 2025-01-01T00:00:00 UTC (1735689600)",
  "DMAR-IR: IOAPIC id 0 under DRHD base  0xfed90000 IOMMU 0",
  "DMAR-IR: HPET id 0 under DRHD base 0xfed90000",
  "DMAR-IR: Enabled IRQ remapping in x2apic mode",
  "x2apic enabled",
  "DMAR: dmar0: Using Queued invalidation",
  "nvme nvme0: pci function 0000:01:00.0",
];

const warnings = (machine: Machine) =>
  section(machine, "warnings")
    .split("\r\n")
    .map((line) => line.replace(/^<\d+>\[[ \d.]+\] /, ""))
    .filter((line) => line !== "" && !EXPECTED.some(([pattern]) => pattern.test(line)));

interface Line {
  readonly counts: readonly number[];
  /** "IO-APIC 4-edge" */
  readonly kind: string;
}

/** /proc/interrupts by the device, or by the name of what belongs to no device. */
function interrupts(machine: Machine): Map<string, Line> {
  const [head = "", ...lines] = section(machine, "interrupts").trimEnd().split("\r\n");
  const cpus = head.trim().split(/\s+/).length;
  return new Map(
    lines.map((line) => {
      const [name = "", ...words] = line.trim().split(/\s+/);
      const counts = words.slice(0, cpus).map(Number);
      if (!/^\d/.test(name)) return [name.replace(":", ""), { counts, kind: "" }];
      // The PICs' lines have no more than their number.
      const rest = words.slice(cpus).join(" ");
      const [, kind = "", device = ""] = /^(\S+(?: \d*-\S+)?) (.*)$/.exec(rest) ?? [];
      return [device, { counts, kind }];
    }),
  );
}

const kindOf = (machine: Machine, device: string) => interrupts(machine).get(device)?.kind;
const total = (line: Line | undefined) => line?.counts.reduce((sum, count) => sum + count, 0) ?? 0;

/** Entry `vector` of the drive's MSI-X table, which a driver that means harm could write to. */
function nvmeMessage(machine: Machine, vector: number) {
  const { sim } = machine.core;
  const drive = pciAddress(1, 0);
  const msix = findCapability(machine, drive, PCI_CAP_MSIX);
  const offset = (configRead(machine, drive, msix + 4, 4) & ~7) + vector * 16;
  const entry = BigInt((configRead(machine, drive, 0x10, 4) & ~15) >>> 0) + BigInt(offset);
  return {
    read: (at: number, bytes: number) => sim.physicalRead(entry + BigInt(at), bytes),
    write: (at: number, bytes: number, value: bigint) =>
      sim.physicalWrite(entry + BigInt(at), bytes, value),
  };
}

describe("Debian's kernel", { timeout: 300_000 }, () => {
  test.each([1, 2, 4])(
    "boots on %i CPUs, finds the machine in order and turns it off",
    async (cpus) => {
      const machine = await boot({ cpus, drives: drives(), script: SHOW + OFF });
      expect(section(machine, "cpuinfo").trim()).toBe(`${cpus}`);
      expect(warnings(machine)).toEqual([]);
      expect(FOUND.filter((line) => !machine.consoleText.includes(line))).toEqual([]);
      expect(section(machine, "clock").trim()).toBe("tsc");
      expect(section(machine, "clocks").trim()).toBe("tsc hpet acpi_pm");
      const lines = interrupts(machine);
      expect(kindOf(machine, "timer")).toBe("IR-IO-APIC 2-edge");
      expect(kindOf(machine, "ttyS0")).toBe("IR-IO-APIC 4-edge");
      expect(kindOf(machine, "acpi")).toBe("IR-IO-APIC 9-fasteoi");
      // A queue of the drive for each CPU, each with a message of its own.
      for (let queue = 0; queue <= cpus; queue++)
        expect(kindOf(machine, `nvme0q${queue}`)).toMatch(/^IR-PCI-MSI 52\d+-edge$/);
      expect(total(lines.get("nvme0q0"))).toBeGreaterThan(0);
      expect(Math.min(...(lines.get("LOC")?.counts ?? []))).toBeGreaterThan(10);
      for (const name of ["RES", "CAL"]) expect(total(lines.get(name)) > 0, name).toBe(cpus > 1);
      for (const name of ["ERR", "MIS", "SPU"]) expect(total(lines.get(name)), name).toBe(0);
    },
  );

  test("shows its devices to Debian's own lspci and nvme, programs with libraries", async () => {
    const machine = await boot({
      drives: drives(),
      tools: ["lspci", "nvme"],
      script: `dmesg -n 1\nexport PATH=/bin:/usr/bin:/usr/sbin\n${TOOLS}${OFF}`,
    });
    expect(section(machine, "lspci").trim().split("\r\n")).toEqual([
      "00:00.0 Class [0600]: Device [8086:29c0]",
      "00:03.0 Class [0604]: Device [8086:3420] (rev 02)",
      "00:1f.0 Class [0601]: Device [8086:2918] (rev 02)",
      "01:00.0 Class [0108]: Device [1b36:0010] (rev 02)",
    ]);
    const { Devices } = JSON.parse(section(machine, "nvme")) as { Devices: unknown[] };
    expect(Devices).toEqual([
      expect.objectContaining({
        DevicePath: "/dev/nvme0n1",
        ModelNumber: "AIOS NVMe Controller",
        PhysicalSize: 16 << 20,
        SectorSize: 512,
      }),
    ]);
    expect(section(machine, "id-ctrl")).toMatch(/^ver +: 0x10400\r$/m);
  });

  test.each<[string, number, (machine: Machine) => void]>([
    ["nosmp", 2, (machine) => expect(interrupts(machine).get("LOC")?.counts).toHaveLength(1)],
    [
      "noapic",
      1,
      (machine) => {
        expect(kindOf(machine, "timer")).toMatch(/^XT-PIC/);
        expect(kindOf(machine, "ttyS0")).toMatch(/^XT-PIC/);
      },
    ],
    ["nohpet", 1, (machine) => expect(section(machine, "clocks").trim()).toBe("tsc acpi_pm")],
    ["tsc=unstable", 1, (machine) => expect(section(machine, "clock").trim()).toBe("hpet")],
    [
      "pci=nomsi",
      1,
      (machine) => expect(kindOf(machine, "nvme0q0, nvme0q1")).toBe("IR-IO-APIC 19-fasteoi"),
    ],
    [
      "nox2apic",
      2,
      (machine) => {
        expect(machine.consoleText).toContain("DMAR-IR: Enabled IRQ remapping in xapic mode");
        expect(machine.consoleText).not.toContain("x2apic enabled");
        expect(kindOf(machine, "nvme0q0")).toMatch(/^IR-PCI-MSI/);
        expect(Math.min(...(interrupts(machine).get("LOC")?.counts ?? []))).toBeGreaterThan(10);
      },
    ],
    [
      "x2apic_phys",
      4,
      (machine) => {
        expect(machine.consoleText).toContain("Switched APIC routing to physical x2apic");
        expect(kindOf(machine, "nvme0q4")).toMatch(/^IR-PCI-MSI/);
      },
    ],
    [
      "intremap=off",
      2,
      (machine) => {
        // Then it mustn't use x2APIC mode, either: no message would reach an ID from 255 up.
        expect(machine.consoleText).toContain("IRQ remapping doesn't support X2APIC mode");
        expect(kindOf(machine, "ttyS0")).toBe("IO-APIC 4-edge");
        expect(kindOf(machine, "nvme0q0")).toMatch(/^PCI-MSI/);
      },
    ],
  ])("boots with %s, on other devices", async (append, cpus, check) => {
    const machine = await boot({ cpus, append, drives: drives(), script: SHOW + OFF });
    expect(section(machine, "cpuinfo").trim()).toBe(append === "nosmp" ? "1" : `${cpus}`);
    expect(warnings(machine)).toEqual([]);
    check(machine);
  });

  test("reads in the IOMMU's fault records which interrupts of which device were refused", async () => {
    const machine = await debian({ drives: drives(), script: SHELL });
    while (!machine.consoleText.includes(PROMPT))
      machine.run({ until: machine.time + 20_000_000n });
    const entry = nvmeMessage(machine, 1);
    const message = [entry.read(0, 8), entry.read(8, 4)] as const;
    // The index of the serial line's entry, from the I/O APIC's own.
    const index = new ApicBench(machine).ioapicRead(0x11 + 2 * 4) >>> 17;
    const ask = (address: bigint, data: bigint, skip: number) => {
      entry.write(0, 8, address);
      entry.write(8, 4, data);
      // The driver finds the completion without its interrupt, after half a minute.
      const read = `dd if=/dev/nvme0n1 of=/dev/null bs=4k count=1 iflag=direct skip=${skip}`;
      command(machine, `dmesg -c >/dev/null; ${read} 2>&1`);
      const log = command(machine, "dmesg | grep INTR");
      return /\[INTR-REMAP\] Request device \[01:00\.0\] (.*)$/m.exec(log)?.[1];
    };
    expect(ask(0xfee0_0000n, 0x40n, 1)).toBe(
      "fault index 0x0 [fault reason 0x25] Blocked a compatibility format interrupt request",
    );
    expect(ask(0xfee0_0018n, 0x1_0000n, 2)).toBe(
      "fault index 0x0 [fault reason 0x20] Detected reserved fields in the decoded interrupt-remapped request",
    );
    // Handle 0xffff and subhandle 0xffff.
    expect(ask(0xfeef_fffcn, 0xffffn, 3)).toBe(
      "fault index 0xfffe [fault reason 0x21] Interrupt index exceeded the interrupt-remapping table size",
    );
    expect(ask(0xfee1_fff0n, 0n, 4)).toBe(
      "fault index 0xfff [fault reason 0x22] Present field in the IRTE entry is clear",
    );
    expect(ask(0xfee0_0010n | BigInt(index << 5), 0n, 5)).toBe(
      `fault index 0x${index.toString(16)} [fault reason 0x26] Blocked an interrupt request due to source-id verification failure`,
    );
    expect(ask(...message, 6)).toBeUndefined();
  });

  test("files on an NVMe drive survive a reboot, and the host's tools find them intact", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aios-ext4-"));
    try {
      const image = join(folder, "disk.img");
      execFileSync(requireTool("mke2fs"), ["-q", "-t", "ext4", image, "32M"]);
      const onFile = () => [fileDrive(image, { interface: "nvme" })];
      const write = "mount /dev/nvme0n1 /mnt && seq 1 20000 > /mnt/numbers && umount /mnt";
      await boot({ drives: onFile(), script: `${write}\npoweroff -f\n` });
      const read = "mount /dev/nvme0n1 /mnt && md5sum < /mnt/numbers && umount /mnt";
      const machine = await boot({
        drives: onFile(),
        script: `dmesg -n 1\necho "== sum"\n${read}\necho "== end"\npoweroff -f\n`,
      });
      const numbers = Array.from({ length: 20_000 }, (_, n) => `${n + 1}\n`).join("");
      const sum = execFileSync(requireTool("md5sum"), { input: numbers, encoding: "utf8" });
      expect(section(machine, "sum").trim()).toBe(sum.trim());
      execFileSync(requireTool("e2fsck"), ["-f", "-n", image]);
      const dumped = join(folder, "numbers");
      execFileSync(requireTool("debugfs"), ["-R", `dump /numbers ${dumped}`, image]);
      expect(readFileSync(dumped, "utf8")).toBe(numbers);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
