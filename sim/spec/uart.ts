/** Registers of the 16550 UART (National Semiconductor PC16550D data sheet, 8.0). */
/** RBR when read, THR when written; divisor latch low when DLAB is set. */
export const UART_DATA = 0;
/** Interrupt enable; divisor latch high when DLAB is set. */
export const UART_IER = 1;
/** Interrupt identification when read, FIFO control when written. */
export const UART_IIR = 2;
export const UART_FCR = 2;
export const UART_LCR = 3;
export const UART_MCR = 4;
export const UART_LSR = 5;
export const UART_MSR = 6;
export const UART_SCR = 7;

export const UART_IER_RECEIVE = 1;
export const UART_IER_TRANSMIT = 2;
export const UART_IER_LINE = 4;
export const UART_IER_MODEM = 8;

/** Identification codes, most urgent first. */
export const UART_IIR_LINE = 6;
export const UART_IIR_RECEIVE = 4;
export const UART_IIR_TIMEOUT = 12;
export const UART_IIR_TRANSMIT = 2;
export const UART_IIR_MODEM = 0;
export const UART_IIR_NONE = 1;
export const UART_IIR_FIFO = 0xc0;

export const UART_FCR_ENABLE = 1;
export const UART_FCR_CLEAR_RECEIVE = 2;
export const UART_FCR_CLEAR_TRANSMIT = 4;
export const UART_FCR_DMA = 8;
export const UART_FCR_TRIGGER_SHIFT = 6;

export const UART_LCR_8_BITS = 3;
export const UART_LCR_STOP = 4;
export const UART_LCR_PARITY = 8;
export const UART_LCR_BREAK = 0x40;
export const UART_LCR_DLAB = 0x80;

export const UART_MCR_DTR = 1;
export const UART_MCR_RTS = 2;
export const UART_MCR_OUT1 = 4;
/** On a PC, OUT2 connects the interrupt to its line. */
export const UART_MCR_OUT2 = 8;
export const UART_MCR_LOOP = 16;

export const UART_LSR_READY = 0x01;
export const UART_LSR_OVERRUN = 0x02;
export const UART_LSR_PARITY = 0x04;
export const UART_LSR_FRAMING = 0x08;
export const UART_LSR_BREAK = 0x10;
export const UART_LSR_THR_EMPTY = 0x20;
export const UART_LSR_EMPTY = 0x40;
export const UART_LSR_FIFO_ERROR = 0x80;

export const UART_MSR_DCTS = 0x01;
export const UART_MSR_DDSR = 0x02;
export const UART_MSR_TERI = 0x04;
export const UART_MSR_DDCD = 0x08;
export const UART_MSR_CTS = 0x10;
export const UART_MSR_DSR = 0x20;
export const UART_MSR_RI = 0x40;
export const UART_MSR_DCD = 0x80;

export const UART_FIFO_BYTES = 16;
/** Bits a second with divisor 1: a 1.8432 MHz crystal, 16 clocks a bit. */
export const UART_BAUD = 115_200;
