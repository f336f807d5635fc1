/** A process that runs an image under v86 and prints its `Sample`: IMAGE. */
import { readFileSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { V86 } from "v86";
import type { Sample } from "./ours.ts";

const MEMORY = 64 * 2 ** 20;
const [image = ""] = process.argv.slice(2);
const { buffer } = new Uint8Array(readFileSync(image));
const emulator = new V86({
  wasm_path: fileURLToPath(new URL("v86.wasm", import.meta.resolve("v86"))),
  memory_size: MEMORY,
  multiboot: { buffer },
  autostart: true,
  disable_speaker: true,
});

let text = "";
let start = process.cpuUsage();
let spent = start;
// Called while the guest's OUT is executed: the time is that of the mark.
emulator.add_listener("serial0-output-byte", (byte: number) => {
  const character = String.fromCharCode(byte);
  text += character;
  if (character === "<") start = process.cpuUsage();
  if (character === ">") spent = process.cpuUsage(start);
  if (character !== "\n") return;
  const checksum = text.split(">")[1]?.trim() ?? "";
  const sample: Sample = { seconds: (spent.user + spent.system) / 1e6, checksum };
  writeSync(1, JSON.stringify(sample));
  process.exit(0);
});
