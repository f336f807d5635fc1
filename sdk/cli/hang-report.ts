/** Where a guest was when its time was up: addresses, symbols if there are any, instructions. */
import { MachineError } from "../../sim/host/errors.ts";
import { instructionAt } from "../../sim/host/instruction-at.ts";
import type { Machine } from "../../sim/host/machine.ts";
import type { GuestEnd } from "./guest-run.ts";
import { INPUT_BYTES_MAX, readInputFile } from "./image-file.ts";

/** Ascending by address. */
export type Symbols = readonly { readonly address: bigint; readonly name: string }[];

/** What an address is at most behind its symbol: further, and it belongs to something else. */
const REACH = 0x10_0000n;
/** Debian's System.map has one line, which says that the real one is in another package. */
const PLACEHOLDER = 0xffff_ffff_ffff_ffffn;

/**
 * Reads lines of address, type and name, as in System.map or printed by nm.
 * @throws MachineError bad-argument that names the line
 */
export function readSymbols(path: string): Symbols {
  const symbols: { address: bigint; name: string }[] = [];
  new TextDecoder()
    .decode(readInputFile(path, INPUT_BYTES_MAX))
    .split("\n")
    .forEach((line, n) => {
      if (line === "") return;
      const match = /^([0-9a-f]{1,16}) [a-zA-Z?] (\S+)/.exec(line);
      if (!match)
        throw new MachineError(
          "bad-argument",
          `${path}: line ${n + 1} isn't an address, a type and a name`,
        );
      symbols.push({ address: BigInt(`0x${match[1]}`), name: match[2] ?? "" });
    });
  if (!symbols.some(({ address }) => address !== 0n && address !== PLACEHOLDER))
    throw new MachineError(
      "bad-argument",
      `${path}: there are no addresses in it; the guest's own /proc/kallsyms, read as root, has them`,
    );
  return symbols.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

export function symbolAt(symbols: Symbols, address: bigint): string | null {
  let low = 0;
  let high = symbols.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((symbols[middle]?.address ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  const found = symbols[low - 1];
  if (!found || address - found.address > REACH) return null;
  return `${found.name}+0x${(address - found.address).toString(16)}`;
}

export function hangReport(machine: Machine, end: GuestEnd, symbols: Symbols | null): string {
  const lines = [`aios: stopped (${end.reason}) after ${machine.time} ns of virtual time`];
  end.places.forEach((places, cpu) => {
    lines.push(`CPU ${cpu} was last at`);
    for (const place of places) {
      const symbol = symbols && symbolAt(symbols, place);
      const code = instructionAt(machine, cpu, place);
      const address = `0x${place.toString(16).padStart(16, "0")}`;
      lines.push(`  ${[address, symbol, code?.text].filter((word) => word).join(" ")}`);
    }
  });
  return `${lines.join("\n")}\n`;
}
