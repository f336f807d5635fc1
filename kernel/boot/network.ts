/** Stage: network. The controller is found, given memory and vectors, and started; many machines have none. */
import { interruptsMessageAddress, interruptsMessageData } from "../../hal/interrupts";
import { PAGE_BYTES, PAGE_SHIFT, pointer } from "../../hal/memory";
import { NIC_DRIVER_VIRTIO, NIC_FAILED, NIC_STARTING, nicAdvance, NicController, nicPages, nicStart } from "../../hal/nic";
import { PCI_DRIVER_ECAM, pciDevice, PciDevice, pciEnable, pciFindClass, PCI_OK } from "../../hal/pci";
import { pciMessages, PciMessages, pciRoute } from "../../hal/pci_messages";
import { newLine, print, printDecimal, printHex, printLine } from "../console";
import { kernelCpu } from "../cpu/cpu";
import { VECTOR_NETWORK, VECTORS_NETWORK } from "../cpu/vector_numbers";
import { ERROR_OUT_OF_FRAMES } from "../errors";
import { frameAllocZeroed, orderFor, OWNER_DRIVER } from "../mm/frames";
import { createNetwork, network } from "../network/network";
import { rootAllocate } from "../state";
import { clockNow } from "../time";
import { boot, fail, STAGE_DONE, waitUntil } from "./boot";
import { allowDma } from "./iommu";
import { pci } from "./pci";

const ETHERNET_CLASS: u32 = 0x020000;
const CLASS_MASK: u32 = 0xffffff;
/** Configuration space of a function in ECAM: 2^12 bytes. */
const ECAM_SHIFT: u64 = 12;

/** A controller that doesn't start is told of; the boot goes on without it. */
export function stageNetwork(): u32 {
  const state = boot();
  if (state.phase == 0) {
    createNetwork();
    const attached = attach();
    if (attached != STAGE_DONE || network().nic == 0) return attached;
    state.phase = 1;
  }
  const nic = changetype<NicController>(network().nic);
  nicAdvance(nic, clockNow());
  if (nic.state == NIC_STARTING) return waitUntil(nic.deadline);
  printController(nic);
  return STAGE_DONE;
}

/** Drives the first Ethernet controller, if it can be: reached by memory, with a vector for each use. */
function attach(): u32 {
  const index = pciFindClass(pci(), ETHERNET_CLASS, CLASS_MASK, 0);
  if (index == pci().deviceCount) return STAGE_DONE;
  const device = pciDevice(pci(), index);
  if (pci().driver != PCI_DRIVER_ECAM || pciEnable(pci(), device) != PCI_OK || !routeVectors(device)) {
    printLine("network: the controller is not usable");
    return STAGE_DONE;
  }
  const pages = nicPages(NIC_DRIVER_VIRTIO);
  const memory = frameAllocZeroed(orderFor(pages << PAGE_SHIFT), OWNER_DRIVER);
  if (memory == 0) return fail(ERROR_OUT_OF_FRAMES, VECTOR_NETWORK);
  // The first page is the driver's own.
  const allowed = allowDma(device.bdf, memory + PAGE_BYTES, (pages - 1) << PAGE_SHIFT);
  if (allowed != STAGE_DONE) return allowed;
  const nic = changetype<NicController>(pointer(memory));
  nic.driver = NIC_DRIVER_VIRTIO;
  nic.configuration = pci().ecamBase + (<u64>device.bdf << ECAM_SHIFT);
  nic.memory = memory;
  nic.vectors = VECTORS_NETWORK;
  network().nic = changetype<usize>(nic);
  nicStart(nic, clockNow());
  return STAGE_DONE;
}

/** Sends the controller's vectors to the bootstrap processor; whether it has enough of them. */
function routeVectors(device: PciDevice): bool {
  const messages = changetype<PciMessages>(rootAllocate(offsetof<PciMessages>()));
  if (pciMessages(pci(), device, messages) != PCI_OK || messages.vectors < <u32>VECTORS_NETWORK) return false;
  const address = interruptsMessageAddress(kernelCpu(0).apicId);
  for (let index: u32 = 0; index < <u32>VECTORS_NETWORK; index++) {
    const data = interruptsMessageData(VECTOR_NETWORK + index);
    if (pciRoute(pci(), device, messages, index, address, data) != PCI_OK) return false;
  }
  return true;
}

function printController(nic: NicController): void {
  if (nic.state == NIC_FAILED) {
    network().reported = 1;
    print("network: the controller has failed (");
    printDecimal(nic.error);
    return printLine(")");
  }
  print("network: ");
  for (let byte: u64 = 0; byte < 6; byte++) {
    if (byte != 0) print(":");
    printHex((nic.mac >> (byte << 3)) & 0xff, 2);
  }
  if (nic.linkUp == 0) print(", no link");
  newLine();
}
