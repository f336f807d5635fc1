/* Layout that the legacy monitor (legacy.c, legacy.S) and its cases share. Selectors of the GDT: */
#define CODE 0x08
#define DATA 0x10
#define USER_CODE 0x1b
#define USER_DATA 0x23
#define TASK 0x28
#define FAULT_TASK 0x30
#define TASK_B 0x38
#define TASK_16 0x40
#define LDT 0x48
#define TASK_GATE 0x50
#define CALL_GATE 0x58
#define CALL_GATE_16 0x60
#define CODE_16 0x68
#define DATA_16 0x70
#define CONFORMING 0x78
#define EXECUTE_ONLY 0x80
#define DATA_ABSENT 0x88
#define CODE_ABSENT 0x90
#define READ_ONLY 0x98
#define EXPAND_DOWN 0xa0
#define DATA_LIMITED 0xa8
#define CODE_LIMITED 0xb0
#define CODE_USER 0xb8
#define TASK_SHORT 0xc0
#define TASK_ABSENT 0xc8
#define TASK_BUSY 0xd0
#define GATE_ABSENT 0xd8
#define GATE_TO_BUSY 0xe0
#define GATE_LOCAL 0xe8
#define GATE_PRIVATE 0xf0
#define LDT_ABSENT 0xf8
#define CODE_2 0x100
#define DATA_2 0x108
#define GATE_2 0x110
#define GDT_ENTRIES 35
/* In the LDT. */
#define LOCAL_DATA 0x0c
#define LOCAL_TASK 0x14

/* Vectors: end of a case, a 16-bit gate, a task gate, gates that aren't right. */
#define END 0x30
#define GATE_16 0x31
#define TO_TASK 0x32
#define NOT_PRESENT 0x33
#define PRIVATE 0x34
#define NO_GATE 0x35
#define TO_CONFORMING 0x36
#define TO_DATA 0x37
#define TO_NULL 0x38
#define TRAP 0x39
#define TO_ABSENT 0x3a
#define TO_TASK_USER 0x3b
#define IDT_ENTRIES 0x40

/* The section "low", 16-bit code, is copied to this address; real-mode segment LOW >> 4. */
#define LOW 0x20000
#define LOW_SEGMENT 0x2000

/* Offsets in a TSS of 32 bits. */
#define TSS_ESP0 4
#define TSS_SS0 8
#define TSS_CR3 28
#define TSS_EIP 32
#define TSS_EFLAGS 36
#define TSS_EAX 40
#define TSS_ESP 56
#define TSS_ES 72
#define TSS_CS 76
#define TSS_SS 80
#define TSS_DS 84
#define TSS_FS 88
#define TSS_GS 92
#define TSS_LDT 96
#define TSS_TRAP 100
#define TSS_MAP 102
#define TSS_BYTES 240
