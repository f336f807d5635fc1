/** PCI functions as people name them. */

/** Where the board has its devices (sim/core/pci/topology.ts). */
const PLACES: Readonly<Record<string, number>> = { nic: 0x0010, ahci: 0x00fa, nvme: 0x0100 };

export const ADDRESS_NAMES: readonly string[] = Object.keys(PLACES);

/** Bus << 8 | device << 3 | function of a name or of a place like "01:00.0"; null for neither. */
export function deviceAddress(name: string): number | null {
  const known = PLACES[name];
  if (known !== undefined) return known;
  const match = /^([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/i.exec(name);
  if (!match) return null;
  const [bus, device, fn] = match.slice(1).map((part) => Number.parseInt(part, 16));
  return ((bus ?? 0) << 8) | ((device ?? 0) << 3) | (fn ?? 0);
}

/** "01:00.0", with the device's name when the board has one there. */
export function deviceName(address: number): string {
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  const place = `${hex(address >> 8)}:${hex((address >> 3) & 31)}.${address & 7}`;
  const name = ADDRESS_NAMES.find((known) => PLACES[known] === address);
  return name ? `${name} ${place}` : place;
}
