/** Message-signalled interrupts of a function: MSI-X where it has it, else MSI. */
import {
  PCI_CAP_MSI,
  PCI_CAP_MSIX,
  PCI_MSIX_CONTROL,
  PCI_MSIX_ENABLE,
  PCI_MSIX_ENTRY_BYTES,
  PCI_MSIX_ENTRY_MASKED,
  PCI_MSIX_FUNCTION_MASK,
  PCI_MSIX_TABLE,
  PCI_MSI_64,
  PCI_MSI_ADDRESS,
  PCI_MSI_ADDRESS_HIGH,
  PCI_MSI_CONTROL,
  PCI_MSI_DATA,
  PCI_MSI_ENABLE,
} from "../sim/spec/pci";
import {
  Pci,
  pciBar,
  PCI_BARS,
  pciCapability,
  PciDevice,
  PCI_ERROR_PROTOCOL,
  PCI_ERROR_UNSUPPORTED,
  PCI_OK,
  pciRead,
  pciWrite,
} from "./pci";
import { mmioRead32, mmioWrite32 } from "./x86_64/machine";

/** How a function signals: filled in by `pciMessages`. */
@unmanaged
export class PciMessages {
  /** Configuration offset of MSI-X, or 0. */
  msix: u32;
  /** Configuration offset of MSI, or 0; used only without MSI-X. */
  msi: u32;
  /** Vectors that can be routed one by one. */
  vectors: u32;
  /** Physical address of the MSI-X table. */
  table: u64;
}

/**
 * Finds out how the function signals and turns it on with every MSI-X vector masked. The BARs are
 * assigned and decoding is on. MSI is used with one vector.
 */
export function pciMessages(pci: Pci, device: PciDevice, messages: PciMessages): u32 {
  messages.msi = 0;
  messages.vectors = 0;
  messages.msix = pciCapability(pci, device.bdf, PCI_CAP_MSIX);
  if (messages.msix != 0) return startMsix(pci, device, messages);
  messages.msi = pciCapability(pci, device.bdf, PCI_CAP_MSI);
  if (messages.msi == 0) return PCI_ERROR_UNSUPPORTED;
  messages.vectors = 1;
  return PCI_OK;
}

function startMsix(pci: Pci, device: PciDevice, messages: PciMessages): u32 {
  const at = messages.msix;
  const vectors = (pciRead(pci, device.bdf, at + PCI_MSIX_CONTROL, 2) & 0x7ff) + 1;
  const place = pciRead(pci, device.bdf, at + PCI_MSIX_TABLE, 4);
  if ((place & 7) >= PCI_BARS) return PCI_ERROR_PROTOCOL;
  const bar = pciBar(device, place & 7);
  const end = <u64>(place & ~7) + vectors * PCI_MSIX_ENTRY_BYTES;
  if (bar.base == 0 || (bar.flags & 1) != 0 || end > bar.bytes) return PCI_ERROR_PROTOCOL;
  messages.table = bar.base + (place & ~7);
  messages.vectors = vectors;
  const control = PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK;
  pciWrite(pci, device.bdf, at + PCI_MSIX_CONTROL, 2, control);
  for (let vector: u32 = 0; vector < vectors; vector++) pciMaskVector(messages, vector, true);
  pciWrite(pci, device.bdf, at + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
  return PCI_OK;
}

/** Sends `data` to `address` for `vector` from now on, unmasked. */
export function pciRoute(
  pci: Pci,
  device: PciDevice,
  messages: PciMessages,
  vector: u32,
  address: u64,
  data: u32,
): u32 {
  if (vector >= messages.vectors) return PCI_ERROR_UNSUPPORTED;
  if (messages.msix == 0) return routeMsi(pci, device.bdf, messages.msi, address, data);
  const entry = messages.table + vector * PCI_MSIX_ENTRY_BYTES;
  pciMaskVector(messages, vector, true);
  mmioWrite32(entry, <u32>address);
  mmioWrite32(entry + 4, <u32>(address >> 32));
  mmioWrite32(entry + 8, data);
  pciMaskVector(messages, vector, false);
  return PCI_OK;
}

/** Masks or unmasks an MSI-X vector; a message raised meanwhile comes when it is unmasked. */
export function pciMaskVector(messages: PciMessages, vector: u32, masked: bool): void {
  if (messages.msix == 0 || vector >= messages.vectors) return;
  const control = messages.table + vector * PCI_MSIX_ENTRY_BYTES + 12;
  const kept = mmioRead32(control) & ~PCI_MSIX_ENTRY_MASKED;
  mmioWrite32(control, kept | (masked ? PCI_MSIX_ENTRY_MASKED : 0));
}

function routeMsi(pci: Pci, bdf: u32, at: u32, address: u64, data: u32): u32 {
  const control = pciRead(pci, bdf, at + PCI_MSI_CONTROL, 2);
  const isWide = (control & PCI_MSI_64) != 0;
  if (!isWide && address >> 32 != 0) return PCI_ERROR_UNSUPPORTED;
  pciWrite(pci, bdf, at + PCI_MSI_ADDRESS, 4, <u32>address);
  if (isWide) pciWrite(pci, bdf, at + PCI_MSI_ADDRESS_HIGH, 4, <u32>(address >> 32));
  // The data register follows the address registers, of which a 32-bit function has one.
  pciWrite(pci, bdf, at + (isWide ? PCI_MSI_DATA : PCI_MSI_ADDRESS_HIGH), 2, data);
  // Multiple Message Enable 0: one vector.
  pciWrite(pci, bdf, at + PCI_MSI_CONTROL, 2, (control & ~0x70) | PCI_MSI_ENABLE);
  return PCI_OK;
}
