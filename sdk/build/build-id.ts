/** Marks modules with what they are made of, so that a snapshot can tell whose state it holds. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const NAME = "build_id";
const CUSTOM_SECTION = 0;

/**
 * Appends a `build_id` section with the SHA-256 of the module as it is (WebAssembly tool
 * conventions, BuildId): custom section, its size, name with length, digest with length.
 */
export function addBuildId(path: string): void {
  const module = readFileSync(path);
  const digest = createHash("sha256").update(module).digest();
  const content = Buffer.from([NAME.length, ...Buffer.from(NAME), digest.length, ...digest]);
  // Below 128, so the size is one byte of LEB128.
  writeFileSync(
    path,
    Buffer.concat([module, Buffer.from([CUSTOM_SECTION, content.length]), content]),
  );
}
