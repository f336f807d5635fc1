/** Faults that the host can arm on a device, named by its PCI function (bus << 8 | device.fn). */
/** The next command is never completed. */
export const FAULT_TIMEOUT = 1;
/** The next command completes with the status `argument` (0 = the device's generic error). */
export const FAULT_ERROR = 2;
/** The next interrupt message or line change is lost. */
export const FAULT_INTERRUPT_LOST = 3;
/** The device raises an interrupt for which there is no reason. */
export const FAULT_INTERRUPT_SPURIOUS = 4;
/** The next transfer goes to address `argument` instead, as a device gone wrong would do. */
export const FAULT_DMA_STRAY = 5;
/** The device is gone from the bus: reads return all ones, writes and DMA go nowhere. */
export const FAULT_VANISH = 6;
