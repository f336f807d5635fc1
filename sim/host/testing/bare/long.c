/* As legacy.c, in IA-32e mode: cases of 64-bit and of compatibility mode. */
#include "console.h"
#include "long.h"

struct row { const char *name; u8 *code; u8 *low; };
extern struct row rows[] __asm__("__start_rows"), rows_end[] __asm__("__stop_rows");
extern u8 low_start[], low_end[], stubs[], gate_entry[], gate_entry_end[], calls[], calls_end[];
extern u8 stack_main[], stack_kernel[], stack_user[], stack_ist[], stack_ist2[];
extern u64 gdt[], idt[], ldt[], top[], pointers[], directory[], directory_low[], table[], page[];
extern u32 tss[];
extern void begin(u8 *code);
void report(u64 *frame);

u64 current;

static u64 segment(u32 base, u32 limit, u32 attributes) {
  u64 low = (limit & 0xffff) | ((u64)(base & 0xffffff) << 16) | ((u64)(attributes & 0xff) << 40);
  return low | ((u64)((limit >> 16) & 15) << 48) | ((u64)(attributes >> 8) << 52) | ((u64)(base >> 24) << 56);
}

static void gate(u64 *at, u32 selector, u64 offset, u32 attributes, u32 stack) {
  at[0] = (offset & 0xffff) | ((u64)selector << 16) | ((u64)stack << 32) | ((u64)attributes << 40) |
          (((offset >> 16) & 0xffff) << 48);
  at[1] = offset >> 32;
}

static void clear(void *at, u32 bytes) {
  for (u32 n = 0; n < bytes; n++) ((volatile u8 *)at)[n] = 0;
}

static void segments(void) {
  clear(gdt, GDT_ENTRIES * 8);
  gdt[CODE / 8] = segment(0, 0xfffff, 0xa9b);
  gdt[DATA / 8] = segment(0, 0xfffff, 0xc93);
  gdt[USER_CODE_32 / 8] = segment(0, 0xfffff, 0xcfb);
  gdt[USER_DATA / 8] = gdt[USER_DATA / 8 + 2] = segment(0, 0xfffff, 0xcf3);
  gdt[USER_CODE / 8] = segment(0, 0xfffff, 0xafb);
  gdt[CODE_32 / 8] = segment(0, 0xfffff, 0xc9b);
  gdt[TASK / 8] = gdt[TASK_FREE / 8] = gdt[TASK_MALFORMED / 8] = segment((u32)(u64)tss, 239, 0x89);
  gdt[TASK_MALFORMED / 8 + 1] = 1ull << 40;
  gdt[LDT / 8] = segment((u32)(u64)ldt, 31, 0x82);
  gate(gdt + CALL_GATE / 8, CODE, (u64)gate_entry, 0xec, 0);
  gate(gdt + GATE_TO_32 / 8, CODE_32, (u64)gate_entry, 0xec, 0);
  gate(gdt + GATE_MALFORMED / 8, CODE, (u64)gate_entry, 0xec, 0);
  gdt[GATE_MALFORMED / 8 + 1] |= 1ull << 40;
  gate(gdt + GATE_ABSENT / 8, CODE, (u64)gate_entry, 0x6c, 0);
  gdt[CODE_16 / 8] = segment(LOW, 0xffff, 0x9b);
  gdt[DATA_ABSENT / 8] = segment(0, 0xfffff, 0xc13);
  gdt[CODE_ABSENT / 8] = segment(0, 0xfffff, 0xa1b);
  gdt[CODE_BOTH / 8] = segment(0, 0xfffff, 0xe9b);
  gdt[GATE_OLD / 8] = segment(0, 0, 0xe4);
  gdt[CONFORMING / 8] = segment(0, 0xfffff, 0xa9f);
  gdt[DATA_BASE / 8] = segment(0x12345000, 0xfffff, 0xc93);
  gdt[CODE_LIMITED / 8] = segment(LOW, 0xfff, 0x49b);
  gdt[READ_ONLY / 8] = segment(0, 0xfffff, 0xc91);
}

static void pointer_to(u32 at, void *stack) {
  tss[at / 4] = (u32)(u64)stack;
  tss[at / 4 + 1] = (u32)((u64)stack >> 32);
}

static void vectors(void) {
  clear(tss, 240);
  pointer_to(4, stack_kernel);
  pointer_to(36, stack_ist);
  pointer_to(44, stack_ist2);
  tss[25] = 104u << 16;
  for (u32 n = 104; n < 240; n++) ((u8 *)tss)[n] = 0xff;
  clear(idt, IDT_ENTRIES * 16);
  for (u64 n = 0; n < 32; n++) gate(idt + n * 2, CODE, (u64)stubs + n * 16, n == 3 || n == 4 ? 0xee : 0x8e, n == 8 ? 2 : 1);
  gate(idt + END * 2, CODE, (u64)stubs + END * 16, 0xee, 1);
  gate(idt + NOT_PRESENT * 2, CODE, (u64)stubs, 0x6e, 0);
  gate(idt + PRIVATE * 2, CODE, (u64)stubs, 0x8e, 0);
  gate(idt + TASK_TYPE * 2, CODE, (u64)stubs, 0xe5, 0);
  gate(idt + TO_CODE_32 * 2, CODE_32, (u64)stubs, 0xee, 0);
  gate(idt + INTERRUPT * 2, CODE, (u64)stubs + INTERRUPT * 16, 0x8e, 0);
  gate(idt + ON_IST * 2, CODE, (u64)stubs + ON_IST * 16, 0xee, 1);
  gate(idt + ON_STACK * 2, CODE, (u64)stubs + ON_STACK * 16, 0xef, 0);
  gate(idt + NON_CANONICAL * 2, CODE, NONCANONICAL, 0xee, 0);
  gate(idt + TO_NULL * 2, 0, (u64)stubs, 0xee, 0);
}

static void pages(void) {
  clear(directory, 4096);
  clear(table, 4096);
  clear(page, 4096);
  /* Level 4 once more for the reserved bits of its entry: the same tables at 512 GiB. */
  top[1] = (u64)pointers | 7;
  pointers[1] = (u64)directory | 7;
  pointers[0] |= 0x27;
  pointers[2] = 0x87;
  directory[0] = (u64)table | 7;
  directory[1] = 0x87;
  table[0] = (u64)page | 7;
}

static void where(u64 cs, u64 rip) {
  struct row *row = &rows[current];
  u8 *next = row + 1 < rows_end ? row[1].code : row->code + 0x100;
  u64 selector = cs & ~3ull;
  if (selector == CODE_16 || selector == CODE_LIMITED) {
    u64 from = (u64)(row->low - low_start);
    text(" at low");
    if (rip >= from && rip < from + 0x100) field("+", rip - from);
    else field(":", rip);
  } else if (rip >= (u64)row->code && rip <= (u64)next) field(" at +", rip - (u64)row->code);
  else if (rip >= (u64)gate_entry && rip < (u64)gate_entry_end) field(" at gate+", rip - (u64)gate_entry);
  else if (rip >= (u64)calls && rip < (u64)calls_end) field(" at call+", rip - (u64)calls);
  else field(" at ", rip);
}

static void pointer(u64 rsp) {
  static const struct { const char *name; u8 *top; } stacks[] = {
      {"main", stack_main}, {"kernel", stack_kernel}, {"user", stack_user}, {"ist", stack_ist}, {"ist2", stack_ist2},
  };
  text(" sp ");
  for (u64 n = 0; n < sizeof stacks / sizeof *stacks; n++) {
    u64 below = (u64)stacks[n].top - rsp;
    if (below > 1024) continue;
    text(stacks[n].name);
    if (below) field("-", below);
    return;
  }
  hex(rsp);
}

static const char *const NAMES[] = {"r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8",
                                    "di",  "si",  "bp",  "bx",  "dx",  "cx",  "ax"};

/* Addresses in the case's code are told as distances. */
static void value(u64 number) {
  u64 from = (u64)rows[current].code;
  if (number >= from && number < from + 0x100) field("=+", number - from);
  else field("=", number);
}

/* As pushed by the stub: gs, fs, es, ds, r15 to rax, vector, error, rip, cs, rflags, rsp, ss. */
void report(u64 *frame) {
  u64 vector = frame[19], error = frame[20], cs = frame[22] & 0xffff;
  if (vector == END) text("end");
  else field("#", vector);
  if (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17) {
    put('(');
    hex(error);
    put(')');
  }
  where(cs, frame[21]);
  field(" cs ", cs);
  field(" fl ", frame[23] & 0x37fd7 & ~0x8d5ull);
  pointer(frame[24]);
  field(" ss ", frame[25] & 0xffff);
  if (vector == 14) {
    u64 cr2;
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    field(" cr2 ", cr2);
  }
  u64 dr6;
  __asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
  if (dr6 != 0xffff0ff0) field(" dr6 ", dr6 & 0xe00f);
  for (u32 n = 15; n-- > 0;) {
    if (!frame[4 + n]) continue;
    put(' ');
    text(NAMES[n]);
    value(frame[4 + n]);
  }
  static const char *const SEGMENTS[] = {"gs", "fs", "es", "ds"};
  for (u32 n = 4; n-- > 0;) {
    u64 selector = frame[n] & 0xffff;
    if (selector == (n < 2 ? 0 : DATA)) continue;
    put(' ');
    text(SEGMENTS[n]);
    field("=", selector);
  }
  put('\n');
}

void next(void) {
  struct row *row = &rows[current];
  if (row >= rows_end) end();
  segments();
  vectors();
  pages();
  text(row->name);
  text(": ");
  drain(); /* the case may end the machine */
  begin(row->code);
}

/* The command line, of the PVH start info, is the number of the first case. */
void start_cases(const u32 *info) {
  const char *line = (const char *)(u64)info[6];
  current = 0;
  for (; line && *line; line++)
    if (*line >= '0' && *line <= '9') current = current * 10 + (u64)(*line - '0');
  for (u8 *from = low_start; from < low_end; from++) ((volatile u8 *)LOW)[from - low_start] = *from;
  for (u32 n = 0; n < 32; n++) ((volatile u16 *)(LOW + 0x1000))[n] = 0x30cd;
  next();
}
