/** Operations of CALL_INTEGER that are part of an instruction: numbers beyond those of instructions. */
export const INTEGER_PUSH: u32 = 0xff00;
export const INTEGER_PUSH_CONSTANT: u32 = 0xff01;
export const INTEGER_POP: u32 = 0xff02;
/** Reads the stack's top; INTEGER_DROP then moves the stack pointer. */
export const INTEGER_PEEK: u32 = 0xff03;
export const INTEGER_DROP: u32 = 0xff04;
/** Whether a near branch may go to slot a, outside of 64-bit mode. */
export const INTEGER_CHECK_TARGET: u32 = 0xff05;
/** The same of a direct branch, whose target is the immediate; of a conditional one if slot a isn't 0. */
export const INTEGER_CHECK_DIRECT: u32 = 0xff07;
export const INTEGER_CHECK_TAKEN: u32 = 0xff08;
/** The distance in bytes of a bit offset (BT with a register). */
export const INTEGER_BIT_OFFSET: u32 = 0xff06;
