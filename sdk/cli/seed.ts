import { MachineError } from "../../sim/host/errors.ts";

/**
 * Boot entropy from the command line.
 * @throws MachineError bad-seed
 */
export function seedBytes(hex: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(hex))
    throw new MachineError("bad-seed", `seed: "${hex}" is not 64 hexadecimal digits`);
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
