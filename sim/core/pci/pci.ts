/** What device models need of the PCI core. */
export {
  addCapability,
  config16,
  config32,
  createFunction,
  defineRegister,
  functionAt,
  PciFunction,
  setConfig16,
  setInterruptPin,
  setSubsystem,
} from "./function";
export { addBar, BAR_IO, BAR_MEMORY32, BAR_MEMORY64, BAR_PREFETCHABLE, busMaster } from "./decode";
export { addExpressCapability } from "./express";
export { addMsi, addMsix, notify, setIntx } from "./interrupts";
export { MODEL_AHCI, MODEL_NVME, MODEL_VIRTIO_NET } from "./models";
export { addPowerCapability } from "./power";
export { isGone } from "./presence";
export { ADDRESS_AHCI, ADDRESS_NIC, ADDRESS_NVME } from "./topology";
