/** Names of the errors, as they are printed and as the host reports them. */
import * as errors from "./errors";

/** The name of an error of errors.ts. */
export function errorName(error: u32): string {
  switch (error) {
    case errors.ERROR_NONE:
      return "none";
    case errors.ERROR_HANDOFF:
      return "handoff";
    case errors.ERROR_MEMORY_MAP:
      return "memory-map";
    case errors.ERROR_MEMORY_TOO_SMALL:
      return "memory-too-small";
    case errors.ERROR_OUT_OF_FRAMES:
      return "out-of-frames";
    case errors.ERROR_ACPI:
      return "acpi";
    case errors.ERROR_TOO_MANY_CPUS:
      return "too-many-cpus";
    case errors.ERROR_CPU_NOT_STARTED:
      return "cpu-not-started";
    case errors.ERROR_TIMER:
      return "timer";
    case errors.ERROR_PCI:
      return "pci";
    case errors.ERROR_IOMMU:
      return "iommu";
    case errors.ERROR_NO_DRIVE:
      return "no-drive";
    case errors.ERROR_CONTROLLER:
      return "controller";
    case errors.ERROR_READ:
      return "read";
    case errors.ERROR_TIMEOUT:
      return "timeout";
    case errors.ERROR_VANISHED:
      return "vanished";
    case errors.ERROR_NOT_GPT:
      return "not-gpt";
    case errors.ERROR_GPT_DAMAGED:
      return "gpt-damaged";
    case errors.ERROR_NO_BUNDLE:
      return "no-bundle";
    case errors.ERROR_BUNDLE_FORMAT:
      return "bundle-format";
    case errors.ERROR_BUNDLE_TRUNCATED:
      return "bundle-truncated";
    case errors.ERROR_BUNDLE_MANIFEST:
      return "bundle-manifest";
    case errors.ERROR_BUNDLE_DIGEST:
      return "bundle-digest";
    case errors.ERROR_EXCEPTION:
      return "exception";
    case errors.ERROR_DMA_FAULT:
      return "dma-fault";
    case errors.ERROR_INTERRUPTS:
      return "interrupts";
    case errors.ERROR_POWER:
      return "power";
    case errors.ERROR_NO_ENTROPY:
      return "no-entropy";
    default:
      return "unknown";
  }
}
