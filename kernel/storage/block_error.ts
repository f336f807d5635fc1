/** Errors of block devices as errors of the boot. */
import { BLOCK_ERROR_DEVICE, BLOCK_ERROR_TIMEOUT, BLOCK_ERROR_VANISHED } from "../../hal/block";
import { ERROR_CONTROLLER, ERROR_READ, ERROR_TIMEOUT, ERROR_VANISHED } from "../errors";

/** The boot's error for a request that ended with `error`. */
export function bootError(error: u32): u32 {
  switch (error) {
    case BLOCK_ERROR_TIMEOUT:
      return ERROR_TIMEOUT;
    case BLOCK_ERROR_VANISHED:
      return ERROR_VANISHED;
    case BLOCK_ERROR_DEVICE:
      return ERROR_READ;
    default:
      return ERROR_CONTROLLER;
  }
}
