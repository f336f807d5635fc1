/** 8259A programmable interrupt controller (Intel 8259A data sheet, order number 231468). */
/** Written to the even port: ICW1 when bit 4 is set, else OCW3 when bit 3 is set, else OCW2. */
export const ICW1_INIT = 0x10;
export const ICW1_LEVEL = 0x08;
export const ICW1_SINGLE = 0x02;
export const ICW1_ICW4 = 0x01;

export const ICW4_AUTO_EOI = 0x02;
export const ICW4_FULLY_NESTED = 0x10;

/** OCW2, bits 7-5: rotate, specific, end of interrupt. */
export const OCW2_ROTATE_AUTO_CLEAR = 0x00;
export const OCW2_EOI = 0x20;
export const OCW2_SPECIFIC_EOI = 0x60;
export const OCW2_ROTATE_AUTO_SET = 0x80;
export const OCW2_ROTATE_EOI = 0xa0;
export const OCW2_SET_PRIORITY = 0xc0;
export const OCW2_ROTATE_SPECIFIC_EOI = 0xe0;

export const OCW3 = 0x08;
export const OCW3_READ = 0x02;
export const OCW3_READ_ISR = 0x01;
export const OCW3_POLL = 0x04;
export const OCW3_SPECIAL_MASK_ENABLE = 0x40;
export const OCW3_SPECIAL_MASK = 0x20;

/** The slave's INT output drives this input of the master. */
export const PIC_CASCADE_IRQ = 2;
/** Inputs whose trigger the edge/level register can set: not 0, 1, 2, 8 and 13. */
export const PIC_EDGE_MASTER_MASK = 0xf8;
export const PIC_EDGE_SLAVE_MASK = 0xde;
