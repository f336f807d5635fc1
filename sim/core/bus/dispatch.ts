/** Which device answers: the one place where the bus and the event queue meet the devices. */
import {
  DEVICE_COPROCESSOR,
  DEVICE_HPET,
  DEVICE_IOAPIC,
  DEVICE_LAPIC,
  DEVICE_PIC,
  DEVICE_PIT,
  DEVICE_ECAM,
  DEVICE_IOMMU,
  DEVICE_PCI_BAR,
  DEVICE_PCI_PORTS,
  DEVICE_RTC,
  DEVICE_UART,
  DEVICE_POWER,
  EVENT_AHCI,
  EVENT_HPET,
  EVENT_LAPIC_TIMER,
  EVENT_NIC,
  EVENT_PIT,
  EVENT_POWER,
  EVENT_RTC,
  EVENT_NVME,
  EVENT_UART,
} from "../kinds";
import { iommuRead, iommuWrite } from "../iommu/vtd";
import { pciBarRead, pciBarWrite } from "../pci/bars";
import { configPortRead, configPortWrite, ecamRead, ecamWrite } from "../pci/ports";
import { coprocessorPortWrite } from "../interrupts/coprocessor";
import { ioapicRead, ioapicWrite } from "../interrupts/ioapic";
import { lapicRead, lapicTimerEvent, lapicWrite } from "../interrupts/lapic";
import { picPortRead, picPortWrite } from "../interrupts/pic";
import { ahciEvent } from "../devices/ahci/hba";
import { nicEvent } from "../devices/virtio/net";
import { nvmeEvent } from "../devices/nvme/nvme";
import { uartPortRead, uartPortWrite, uartEvent } from "../devices/uart";
import { hpetEvent, hpetRead, hpetWrite } from "../timers/hpet";
import { pitEvent, pitPortRead, pitPortWrite } from "../timers/pit";
import { powerEvent, powerPortRead, powerPortWrite } from "../platform/power";
import { rtcEvent, rtcPortRead, rtcPortWrite } from "../timers/rtc";

/** A read inside a memory-mapped region, at `offset` from its base. */
export function regionRead(kind: u16, device: u32, offset: u32, bytes: u32): u64 {
  switch (kind) {
    case DEVICE_LAPIC:
      return lapicRead(device, offset, bytes);
    case DEVICE_IOAPIC:
      return ioapicRead(offset, bytes);
    case DEVICE_IOMMU:
      return iommuRead(offset, bytes);
    case DEVICE_ECAM:
      return ecamRead(offset, bytes);
    case DEVICE_PCI_BAR:
      return pciBarRead(device, offset, bytes);
    case DEVICE_HPET:
      return hpetRead(offset, bytes);
    default:
      return 0xffff_ffff_ffff_ffff;
  }
}

/** A write inside a memory-mapped region. */
export function regionWrite(kind: u16, device: u32, offset: u32, bytes: u32, value: u64): void {
  switch (kind) {
    case DEVICE_LAPIC:
      lapicWrite(device, offset, bytes, value);
      break;
    case DEVICE_IOAPIC:
      ioapicWrite(offset, bytes, value);
      break;
    case DEVICE_IOMMU:
      iommuWrite(offset, bytes, value);
      break;
    case DEVICE_ECAM:
      ecamWrite(offset, bytes, value);
      break;
    case DEVICE_PCI_BAR:
      pciBarWrite(device, offset, bytes, value);
      break;
    case DEVICE_HPET:
      hpetWrite(offset, bytes, value);
      break;
    default:
  }
}

/** IN from a device's port at `offset` from the first of its range. */
export function portDeviceRead(kind: u16, device: u32, offset: u32, bytes: u32): u32 {
  switch (kind) {
    case DEVICE_PIC:
      return picPortRead(device, offset, bytes);
    case DEVICE_PIT:
      return pitPortRead(device, offset, bytes);
    case DEVICE_RTC:
      return rtcPortRead(offset, bytes);
    case DEVICE_UART:
      return uartPortRead(device, offset, bytes);
    case DEVICE_POWER:
      return powerPortRead(device, offset, bytes);
    case DEVICE_PCI_PORTS:
      return configPortRead(device, offset, bytes);
    case DEVICE_PCI_BAR:
      return <u32>pciBarRead(device, offset, bytes);
    default:
      return 0xffff_ffff;
  }
}

/** OUT to a device's port. */
export function portDeviceWrite(
  kind: u16,
  device: u32,
  offset: u32,
  bytes: u32,
  value: u32,
): void {
  switch (kind) {
    case DEVICE_COPROCESSOR:
      coprocessorPortWrite();
      break;
    case DEVICE_PIC:
      picPortWrite(device, offset, bytes, value);
      break;
    case DEVICE_PIT:
      pitPortWrite(device, offset, bytes, value);
      break;
    case DEVICE_RTC:
      rtcPortWrite(offset, bytes, value);
      break;
    case DEVICE_UART:
      uartPortWrite(device, offset, bytes, value);
      break;
    case DEVICE_POWER:
      powerPortWrite(device, offset, bytes, value);
      break;
    case DEVICE_PCI_PORTS:
      configPortWrite(device, offset, bytes, value);
      break;
    case DEVICE_PCI_BAR:
      pciBarWrite(device, offset, bytes, value);
      break;
    default:
  }
}

/** A slot's event has come due. */
export function dispatchEvent(kind: u16, argument: u32): void {
  switch (kind) {
    case EVENT_LAPIC_TIMER:
      lapicTimerEvent(argument);
      break;
    case EVENT_AHCI:
      ahciEvent(argument);
      break;
    case EVENT_NIC:
      nicEvent();
      break;
    case EVENT_PIT:
      pitEvent();
      break;
    case EVENT_HPET:
      hpetEvent();
      break;
    case EVENT_RTC:
      rtcEvent();
      break;
    case EVENT_NVME:
      nvmeEvent(argument);
      break;
    case EVENT_UART:
      uartEvent(argument);
      break;
    case EVENT_POWER:
      powerEvent(argument);
      break;
    default:
  }
}
