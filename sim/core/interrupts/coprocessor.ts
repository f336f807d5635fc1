/**
 * How a PC tells of x87 exceptions while CR0.NE is clear: FERR# of the processors is interrupt 13,
 * and a write to port 0xF0 takes it back (Intel SDM 1, appendix D.2.1). The board asserts IGNNE# with
 * that write; here the unit goes on in any case, so between an exception and its interrupt it
 * executes what a processor would have held back.
 */
import { addPorts } from "../bus/bus";
import { DEVICE_COPROCESSOR } from "../kinds";
import { COPROCESSOR_PORT, GSI_COPROCESSOR } from "../../spec/platform";
import { setLine } from "./lines";

export function createCoprocessor(): void {
  addPorts(DEVICE_COPROCESSOR, 0, <u16>COPROCESSOR_PORT, 1);
}

/** FERR# rises: an exception has become pending. */
export function signalError(): void {
  setLine(GSI_COPROCESSOR, true);
}

export function coprocessorPortWrite(): void {
  setLine(GSI_COPROCESSOR, false);
}
