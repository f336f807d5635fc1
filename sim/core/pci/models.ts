/** Which device model stands behind a PCI function. */
import { ahciBarRead, ahciBarWrite, ahciFunctionReset } from "../devices/ahci/hba";
import { nicBarRead, nicBarWrite, nicFunctionReset } from "../devices/virtio/function";
import { nvmeBarRead, nvmeBarWrite, nvmeReset } from "../devices/nvme/nvme";

/** Configuration space only: host bridge, LPC bridge. */
export const MODEL_NONE: u16 = 0;
export const MODEL_ROOT_PORT: u16 = 1;
export const MODEL_NVME: u16 = 2;
export const MODEL_AHCI: u16 = 3;
export const MODEL_VIRTIO_NET: u16 = 4;

/** A read of 1, 2, 4 or 8 bytes at `offset` of BAR `bar`. The access lies inside the BAR. */
export function barRead(model: u16, device: u32, bar: u32, offset: u32, bytes: u32): u64 {
  switch (model) {
    case MODEL_AHCI:
      return ahciBarRead(offset, bytes);
    case MODEL_VIRTIO_NET:
      return nicBarRead(bar, offset, bytes);
    case MODEL_NVME:
      return nvmeBarRead(offset, bytes);
    default:
      return 0xffff_ffff_ffff_ffff;
  }
}

/** A write inside a BAR. */
export function barWrite(model: u16, device: u32, bar: u32, offset: u32, bytes: u32, value: u64): void {
  switch (model) {
    case MODEL_AHCI:
      ahciBarWrite(offset, bytes, value);
      break;
    case MODEL_VIRTIO_NET:
      nicBarWrite(bar, offset, bytes, value);
      break;
    case MODEL_NVME:
      nvmeBarWrite(offset, bytes, value);
      break;
    default:
  }
}

/** Function Level Reset or reset of the bus above; configuration space is reset by the caller. */
export function functionReset(model: u16, device: u32): void {
  switch (model) {
    case MODEL_AHCI:
      ahciFunctionReset();
      break;
    case MODEL_VIRTIO_NET:
      nicFunctionReset();
      break;
    case MODEL_NVME:
      nvmeReset();
      break;
    default:
  }
}
