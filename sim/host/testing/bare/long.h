/* Layout that the monitor of IA-32e mode (long.c, long.S) and its cases share. Selectors of the GDT, of
   which those for SYSCALL, SYSRET, SYSENTER and SYSEXIT are in the order that these ask for: */
#define CODE 0x08
#define DATA 0x10
#define USER_CODE_32 0x1b
#define USER_DATA 0x23
#define USER_CODE 0x2b
#define CODE_32 0x38
#define TASK 0x40
#define LDT 0x50
#define CALL_GATE 0x60
#define GATE_TO_32 0x70
#define GATE_MALFORMED 0x80
#define CODE_16 0x90
#define DATA_ABSENT 0x98
#define CODE_ABSENT 0xa0
#define CODE_BOTH 0xa8
#define GATE_OLD 0xb0
#define CONFORMING 0xb8
#define DATA_BASE 0xc0
#define TASK_FREE 0xc8
#define CODE_LIMITED 0xd8
#define READ_ONLY 0xe0
#define GATE_ABSENT 0xe8
#define TASK_MALFORMED 0xf8
#define GDT_ENTRIES 34

/* Vectors: end of a case; gates that aren't right; one with a stack of its own; an interrupt. */
#define END 0x30
#define NOT_PRESENT 0x31
#define PRIVATE 0x32
#define TASK_TYPE 0x33
#define TO_CODE_32 0x34
#define INTERRUPT 0x35
#define ON_IST 0x36
#define ON_STACK 0x37
#define NON_CANONICAL 0x38
#define TO_NULL 0x39
#define IDT_ENTRIES 0x40

/* 16- and 32-bit code with a limit is copied to this address. */
#define LOW 0x20000
/* One page for the cases, mapped by all four levels; one of 2 MiB, one of 1 GiB; nothing. */
#define PAGE 0x40000000
#define LARGE 0x40200000
#define HUGE 0x80000000
#define NOTHING 0x50000000
#define APIC 0xfee00000
#define NONCANONICAL 0x0000800000000000
