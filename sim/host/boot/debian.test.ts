/** Debian's own, unmodified kernel on the machine: nobody here wrote it, so it is a judge. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Machine } from "../machine.ts";
import { fileDrive } from "../node/file.ts";
import { type DebianOptions, debian } from "../testing/debian.ts";
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
echo "== end"
poweroff -f
`;

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

/** What the kernel's log says of a machine that isn't as it should be. */
const COMPLAINT =
  /\b(BUG|WARNING|Oops|firmware bug|FW_BUG|unexpected|not responding|timed out|spurious|error|fail(ed|ure)?)\b/i;
/** What it says on any machine without what is named. */
const EXPECTED =
  /RETBleed|Spectre|MDS|TAA|MMIO Stale|vmscape|acpi PNP0A08|pci=nocrs|EFI|i8042|Failed to load|integrity|blacklist/i;

const complaints = ({ consoleText }: Machine) =>
  consoleText
    .split("\r\n")
    .filter((line) => /^\[ *\d/.test(line) && COMPLAINT.test(line) && !EXPECTED.test(line));

describe("Debian's kernel", () => {
  test.each([1, 2, 4])(
    "boots on %i CPUs, finds the machine in order and turns it off",
    async (cpus) => {
      const machine = await boot({ cpus, script: SHOW });
      expect(section(machine, "cpuinfo").trim()).toBe(`${cpus}`);
      expect(complaints(machine)).toEqual([]);
      expect(section(machine, "clock").trim()).toBe("tsc");
    },
  );

  test.each([
    ["nosmp", 2],
    ["noapic", 1],
    ["nohpet", 1],
    ["tsc=unstable", 1],
    ["pci=nomsi", 1],
    ["nox2apic", 2],
  ])("boots with %s", async (append, cpus) => {
    const machine = await boot({ cpus, append, script: SHOW });
    expect(section(machine, "cpuinfo").trim()).toBe(append === "nosmp" ? "1" : `${cpus}`);
  });

  test("files on an NVMe drive survive a reboot, and the host's tools find them intact", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aios-ext4-"));
    try {
      const image = join(folder, "disk.img");
      execFileSync(requireTool("mke2fs"), ["-q", "-t", "ext4", image, "32M"]);
      const drives = () => [fileDrive(image, { interface: "nvme" })];
      const write = "mount /dev/nvme0n1 /mnt && seq 1 20000 > /mnt/numbers && umount /mnt";
      await boot({ drives: drives(), script: `${write}\npoweroff -f\n` });
      const read = "mount /dev/nvme0n1 /mnt && md5sum < /mnt/numbers && umount /mnt";
      const machine = await boot({
        drives: drives(),
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
