/** Whether a machine is made of what a journal or a snapshot was made with. */
import { buildId } from "./digest.ts";
import type { Drive } from "./drives.ts";
import { MachineError } from "./errors.ts";
import { type DriveShape, driveShape } from "./journal.ts";
import type { Modules } from "./modules.ts";
import type { GuestShape } from "./options.ts";
import type { HostState } from "./snapshot.ts";

const SHAPE_FIELDS = ["bytes", "blockBytes", "interface", "readOnly"] as const;

/** @throws MachineError `code` that names the first drive that differs, and how */
export function requireSame(
  code: "journal-mismatch" | "snapshot-drives",
  expected: readonly DriveShape[],
  drives: readonly Drive[],
): void {
  if (expected.length !== drives.length)
    throw new MachineError(
      code,
      `drives: it was made with ${expected.length}, not ${drives.length}`,
    );
  expected.forEach((shape, number) => {
    const drive = drives[number];
    const given = drive && driveShape(drive);
    for (const field of SHAPE_FIELDS)
      if (given?.[field] !== shape[field])
        throw new MachineError(
          code,
          `drive ${number}: ${field} was ${shape[field]} and is ${given?.[field]}`,
        );
  });
}

/** @throws MachineError snapshot-modules */
export function requireSameModules(expected: HostState["modules"], modules: Modules): void {
  for (const name of ["sim", "kernel"] as const) {
    const own = buildId(modules[name]);
    if (expected[name] !== own)
      throw new MachineError(
        "snapshot-modules",
        `snapshot: it was made with another ${name}.wasm (build ${expected[name]}, this is ${own})`,
      );
  }
}

/** @throws MachineError journal-mismatch that says which of the guest's parts differs */
export function requireSameGuest(expected: GuestShape | undefined, given?: GuestShape): void {
  for (const field of ["kernel", "initrd", "commandLine"] as const)
    if (expected?.[field] !== given?.[field])
      throw new MachineError(
        "journal-mismatch",
        `guest: its ${field} was ${expected?.[field] ?? "none"} and is ${given?.[field] ?? "none"}`,
      );
}
