/** The images of transcript.ts on Bochs, whose processor was written beside the manual. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireTool } from "../tools.ts";
import { transcript } from "./transcript.ts";

const ROM_SOURCE = fileURLToPath(new URL("rom.S", import.meta.url));
const HALF = 0x1_0000;
const IMAGE_BYTES = 0xfc00;
const PARAMETERS = 0xfff0;
const LOAD = 0x10_0000;
const LOADABLE = 1;
/** Host time, ms; a run takes about a second. */
const LIMIT = 15_000;

/** A model that has SMEP, SMAP, PCID and pages of 1 GiB; a graphic window that nobody looks at. */
const configuration = (folder: string) => `display_library: rfb, options="timeout=0"
romimage: file=${folder}/rom, address=0xfffe0000
vgaromimage: file=/usr/share/seabios/vgabios-bochs-display.bin
megs: 64
cpu: model=broadwell_ult, count=1, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0
com1: enabled=1, mode=file, dev=${folder}/serial
log: ${folder}/log
panic: action=fatal
clock: sync=none
sound: driver=dummy, waveout=none, wavein=none, midiout=none
speaker: enabled=0
plugin_ctrl: unmapped=1
`;

/** The loadable segments of an ELF file of either class as they lie from 1 MiB on, and its entry. */
function laidOut(elf: Uint8Array): { bytes: Uint8Array; entry: number } {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.length);
  const wide = elf[4] === 2;
  const word = (at: number) => view.getUint32(at, true);
  const bytes = new Uint8Array(HALF);
  const count = view.getUint16(wide ? 56 : 44, true);
  for (let n = 0; n < count; n++) {
    const row = word(wide ? 32 : 28) + n * view.getUint16(wide ? 54 : 42, true);
    if (word(row) !== LOADABLE) continue;
    const [from, address, size] = wide ? [8, 16, 32] : [4, 8, 16];
    const at = word(row + address) - LOAD;
    if (at + word(row + size) > IMAGE_BYTES) throw new Error("the image doesn't fit into the ROM");
    bytes.set(elf.subarray(word(row + from), word(row + from) + word(row + size)), at);
  }
  return { bytes, entry: word(24) };
}

/** Without a monitor's command the Debian build waits for its debugger: "c" lets it go. */
export async function onBochs(elf: Uint8Array): Promise<string[]> {
  const bochs = requireTool("bochs");
  const folder = mkdtempSync(join(tmpdir(), "bochs-"));
  try {
    const upper = join(folder, "upper");
    const layout = ["-Wl,--build-id=none", "-Wl,-Ttext=0", "-Wl,-e,0", "-Wl,--oformat=binary"];
    const flags = ["-m32", "-nostdlib", "-static", "-no-pie", ...layout];
    execFileSync(requireTool("gcc"), [...flags, ROM_SOURCE, "-o", upper]);
    const { bytes, entry } = laidOut(elf);
    new DataView(bytes.buffer).setUint32(PARAMETERS + 8, entry, true);
    writeFileSync(join(folder, "bochsrc"), configuration(folder));
    return await transcript(async (first) => {
      bytes.fill(0, PARAMETERS, PARAMETERS + 8);
      bytes.set(new TextEncoder().encode(`${first}`), PARAMETERS);
      writeFileSync(
        join(folder, "rom"),
        Buffer.concat([bytes, readFileSync(upper).subarray(0, HALF)]),
      );
      const options = { input: "c\nc\nc\nq\n", timeout: LIMIT };
      spawnSync(bochs, ["-q", "-f", join(folder, "bochsrc")], options);
      return readFileSync(join(folder, "serial"), "latin1");
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
