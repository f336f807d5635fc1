/** What a machine boots from when no drive is named: an image made on the spot. */
import { existsSync, readFileSync } from "node:fs";
import type { DriveOptions } from "../../sim/host/drives.ts";
import { buildBootImage, writeGpt } from "../image/index.ts";

const MIB = 1024 * 1024;
/** Set by the bundler of pkg/, where the modules lie beside the code. */
declare const AIOS_PACKAGED: boolean | undefined;
const LINUX_FILESYSTEM = "0fc63daf-8483-4772-8e79-3d69d8477de4";
const DATA_DISK = "5b0c3c1e-6f1b-4d0e-9d5a-0a1a6d2f7c11";
const DATA_PARTITION = "c1a7c8ea-0e42-4c1a-b0a5-3a5d1b9e6f22";

/** The modules that the machine itself is made of, so that what booted can be told from its bundle. */
function modules(): { name: string; data: Uint8Array }[] {
  const folder = typeof AIOS_PACKAGED === "undefined" ? "../../build/" : "./";
  return ["kernel.wasm", "sim.wasm"].flatMap((name) => {
    const url = new URL(`${folder}${name}`, import.meta.url);
    return existsSync(url) ? [{ name, data: readFileSync(url) }] : [];
  });
}

/** A boot drive with 512-byte blocks and an empty data drive with 4096-byte ones. */
export async function defaultDrives(): Promise<DriveOptions[]> {
  const welcome = new TextEncoder().encode("This machine was booted without a drive of its own.\n");
  const boot = await buildBootImage({
    entries: [{ name: "welcome.txt", data: welcome }, ...modules()],
    dataBytes: 4 * MIB,
  });
  const data = new Uint8Array(16 * MIB);
  writeGpt(data, {
    blockBytes: 4096,
    diskGuid: DATA_DISK,
    partitions: [{ type: LINUX_FILESYSTEM, guid: DATA_PARTITION, name: "scratch", blocks: 3072 }],
  });
  return [{ data: boot }, { data, blockBytes: 4096 }];
}
