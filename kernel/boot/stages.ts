/** The stages of the boot, in their order. */
import { stageAgents } from "../agent/start";
import { stageDescriptors } from "../cpu/bringup";
import { stageBundle, stageDrives, stagePartitions } from "./drives";
import { stageInterrupts } from "./interrupts";
import { stageIommu } from "./iommu";
import { stageMemory, stagePaging } from "./memory";
import { stageNetwork } from "./network";
import { stagePci } from "./pci";
import { stagePlatform } from "./platform";
import { stageProcessors } from "./processors";
import { stageTimers } from "./timers";
import { stageIdle, stageOff, stageStop } from "./shutdown";
import {
  STAGE_AGENTS,
  STAGE_BUNDLE,
  STAGE_DESCRIPTORS,
  STAGE_DRIVES,
  STAGE_IDLE,
  STAGE_INTERRUPTS,
  STAGE_IOMMU,
  STAGE_MEMORY,
  STAGE_NETWORK,
  STAGE_PAGING,
  STAGE_PARTITIONS,
  STAGE_PCI,
  STAGE_PLATFORM,
  STAGE_PROCESSORS,
  STAGE_STOP,
  STAGE_TIMERS,
} from "./stage_numbers";

/** Runs stage `stage`; what it answers is in boot.ts. */
export function runStage(stage: u32): u32 {
  switch (stage) {
    case STAGE_MEMORY:
      return stageMemory();
    case STAGE_PAGING:
      return stagePaging();
    case STAGE_PLATFORM:
      return stagePlatform();
    case STAGE_DESCRIPTORS:
      return stageDescriptors();
    case STAGE_INTERRUPTS:
      return stageInterrupts();
    case STAGE_TIMERS:
      return stageTimers();
    case STAGE_PROCESSORS:
      return stageProcessors();
    case STAGE_PCI:
      return stagePci();
    case STAGE_IOMMU:
      return stageIommu();
    case STAGE_DRIVES:
      return stageDrives();
    case STAGE_PARTITIONS:
      return stagePartitions();
    case STAGE_BUNDLE:
      return stageBundle();
    case STAGE_NETWORK:
      return stageNetwork();
    case STAGE_AGENTS:
      return stageAgents();
    case STAGE_IDLE:
      return stageIdle();
    case STAGE_STOP:
      return stageStop();
    default:
      return stageOff();
  }
}
