/*
 * Runs cases of protected mode one after the other, each from the same state, and prints for each the
 * exception or interrupt that ended it: vector, error code, where, and the registers that aren't 0. A case after whose name nothing is printed
 * has ended the machine; the next run begins behind it.
 * Nothing that is printed depends on where the linker has put things.
 */
#include "console.h"
#include "legacy.h"

struct row { const char *name; u8 *code; u8 *low; };
extern struct row rows[] __asm__("__start_rows"), rows_end[] __asm__("__stop_rows");
extern u8 low_start[], low_end[];
extern u8 task_b[], task_b_end[], stubs[], gate_entry[], gate_entry_end[];
extern u8 stack_main[], stack_kernel[], stack_b[], stack_fault[], stack_user[], stack_2[];
extern u32 tss_main[], tss_b[], tss_fault[];
extern u16 tss_16[];
extern u64 gdt[], ldt[], idt[];
extern u32 directory[], table[], page[];
extern u64 pointers[], directory_pae[], table_pae[];
extern void fault_task(void);
extern void begin(u8 *code);
void report(u32 *frame);

u32 current, fault_vector;

static u64 segment(u32 base, u32 limit, u32 attributes) {
  u64 low = (limit & 0xffff) | ((u64)(base & 0xffffff) << 16) | ((u64)(attributes & 0xff) << 40);
  return low | ((u64)((limit >> 16) & 15) << 48) | ((u64)(attributes >> 8) << 52) | ((u64)(base >> 24) << 56);
}

static u64 gate(u32 selector, u32 offset, u32 attributes, u32 parameters) {
  u64 low = (offset & 0xffff) | ((u64)selector << 16) | ((u64)parameters << 32);
  return low | ((u64)attributes << 40) | ((u64)(offset >> 16) << 48);
}

static void clear(void *at, u32 bytes) {
  for (u32 n = 0; n < bytes; n++) ((u8 *)at)[n] = 0;
}

static void segments(void) {
  clear(gdt, GDT_ENTRIES * 8);
  gdt[CODE / 8] = segment(0, 0xfffff, 0xc9b);
  gdt[DATA / 8] = segment(0, 0xfffff, 0xc93);
  gdt[USER_CODE / 8] = segment(0, 0xfffff, 0xcfb);
  gdt[USER_DATA / 8] = segment(0, 0xfffff, 0xcf3);
  gdt[TASK / 8] = segment((u32)tss_main, TSS_BYTES - 1, 0x89);
  gdt[FAULT_TASK / 8] = segment((u32)tss_fault, 103, 0x89);
  gdt[TASK_B / 8] = segment((u32)tss_b, 103, 0xe9);
  gdt[TASK_16 / 8] = segment((u32)tss_16, 43, 0x81);
  gdt[LDT / 8] = segment((u32)ldt, 31, 0x82);
  gdt[TASK_GATE / 8] = gate(TASK_B, 0, 0xe5, 0);
  gdt[CALL_GATE / 8] = gate(CODE, (u32)gate_entry, 0xec, 1);
  gdt[CALL_GATE_16 / 8] = gate(CODE_16, 0, 0xe4, 1);
  gdt[CODE_16 / 8] = segment(LOW, 0xffff, 0x9b);
  gdt[DATA_16 / 8] = segment(LOW, 0xffff, 0x93);
  gdt[CONFORMING / 8] = segment(0, 0xfffff, 0xc9f);
  gdt[EXECUTE_ONLY / 8] = segment(0, 0xfffff, 0xc99);
  gdt[DATA_ABSENT / 8] = segment(0, 0xfffff, 0xc13);
  gdt[CODE_ABSENT / 8] = segment(0, 0xfffff, 0xc1b);
  gdt[READ_ONLY / 8] = segment(0, 0xfffff, 0xc91);
  gdt[EXPAND_DOWN / 8] = segment(0, 0xfff, 0x497);
  gdt[DATA_LIMITED / 8] = segment(LOW, 0xff, 0x493);
  gdt[CODE_LIMITED / 8] = segment(LOW, 0xfff, 0x49b);
  gdt[CODE_USER / 8] = segment(0, 0xfffff, 0xcff);
  gdt[TASK_SHORT / 8] = segment((u32)tss_b, 102, 0x89);
  gdt[TASK_ABSENT / 8] = segment((u32)tss_b, 103, 0x09);
  gdt[TASK_BUSY / 8] = segment((u32)tss_b, 103, 0x8b);
  gdt[GATE_ABSENT / 8] = gate(CODE, (u32)gate_entry, 0x6c, 0);
  gdt[GATE_TO_BUSY / 8] = gate(TASK_BUSY, 0, 0xe5, 0);
  gdt[GATE_LOCAL / 8] = gate(LOCAL_TASK, 0, 0xe5, 0);
  gdt[GATE_PRIVATE / 8] = gate(CODE, (u32)gate_entry, 0x8c, 0);
  gdt[LDT_ABSENT / 8] = segment((u32)ldt, 31, 0x02);
  gdt[CODE_2 / 8] = segment(0, 0xfffff, 0xcdb);
  gdt[DATA_2 / 8] = segment(0, 0xfffff, 0xcd3);
  gdt[GATE_2 / 8] = gate(CODE_2 | 2, (u32)gate_entry, 0xec, 0);
  clear(ldt, 32);
  ldt[1] = segment(0, 0xfffff, 0xc93);
  ldt[2] = segment((u32)tss_b, 103, 0x89);
}

static void tasks(void) {
  clear(tss_main, TSS_BYTES);
  clear(tss_b, 104);
  clear(tss_fault, 104);
  clear(tss_16, 44);
  tss_main[TSS_ESP0 / 4] = (u32)stack_kernel;
  tss_main[TSS_SS0 / 4] = DATA;
  tss_main[5] = (u32)stack_2;
  tss_main[6] = DATA_2 | 2;
  tss_main[TSS_TRAP / 4] = 104u << 16;
  for (u32 n = 104; n < TSS_BYTES; n++) ((u8 *)tss_main)[n] = 0xff;
  for (u32 n = 0; n < 2; n++) {
    u32 *task = n ? tss_fault : tss_b;
    task[TSS_ESP0 / 4] = (u32)stack_kernel;
    task[TSS_SS0 / 4] = DATA;
    task[TSS_CR3 / 4] = (u32)directory;
    task[TSS_EIP / 4] = n ? (u32)fault_task : (u32)task_b;
    task[TSS_EFLAGS / 4] = 2;
    task[TSS_ESP / 4] = n ? (u32)stack_fault : (u32)stack_b;
    task[TSS_CS / 4] = CODE;
    task[TSS_ES / 4] = task[TSS_SS / 4] = task[TSS_DS / 4] = DATA;
    task[TSS_TRAP / 4] = 104u << 16;
  }
  tss_16[8] = 2;
  tss_16[13] = 0x8000;
  tss_16[17] = tss_16[20] = DATA;
  tss_16[18] = CODE_16;
  tss_16[19] = DATA_16;
}

static void vectors(void) {
  clear(idt, IDT_ENTRIES * 8);
  for (u32 n = 0; n < 32; n++) idt[n] = gate(CODE, (u32)stubs + n * 16, 0x8e, 0);
  idt[3] = gate(CODE, (u32)stubs + 3 * 16, 0xee, 0);
  idt[4] = gate(CODE, (u32)stubs + 4 * 16, 0xee, 0);
  idt[8] = gate(FAULT_TASK, 0, 0x85, 0);
  idt[END] = gate(CODE, (u32)stubs + END * 16, 0xee, 0);
  idt[GATE_16] = gate(CODE_16, 0, 0x86, 0);
  idt[TO_TASK] = gate(TASK_B, 0, 0x85, 0);
  idt[TO_TASK_USER] = gate(TASK_B, 0, 0xe5, 0);
  idt[NOT_PRESENT] = gate(CODE, (u32)stubs + END * 16, 0x6e, 0);
  idt[PRIVATE] = gate(CODE, (u32)stubs + PRIVATE * 16, 0x8e, 0);
  idt[NO_GATE] = gate(CODE, 0, 0xec, 0);
  idt[TO_CONFORMING] = gate(CONFORMING, (u32)stubs + TO_CONFORMING * 16, 0xee, 0);
  idt[TO_DATA] = gate(DATA, 0, 0xee, 0);
  idt[TO_NULL] = gate(0, 0, 0xee, 0);
  idt[TRAP] = gate(CODE, (u32)stubs + TRAP * 16, 0xef, 0);
  idt[TO_ABSENT] = gate(CODE_ABSENT, 0, 0xee, 0);
}

/*
 * Identity for the first 4 MiB, and one page for the cases at 1 GiB: by tables of 32-bit and of PAE
 * paging.
 */
static void pages(void) {
  clear(directory, 4096);
  clear(table, 4096);
  clear(pointers, 32);
  clear(directory_pae, 4096);
  clear(table_pae, 4096);
  directory[0] = 0x83;
  directory[257] = 0x83;
  directory[256] = (u32)table | 7;
  table[0] = (u32)page | 7;
  pointers[0] = (u32)directory_pae | 1;
  pointers[1] = (u32)directory_pae | 1;
  directory_pae[0] = 0x83;
  directory_pae[1] = 0x200083;
  directory_pae[3] = 0x83;
  directory_pae[2] = (u32)table_pae | 7;
  table_pae[0] = (u32)page | 7;
}

static void place(u32 at, const char *name, u8 *from, u8 *to) {
  if (at - (u32)from >= (u32)(to - from)) return;
  text(name);
  field("+", at - (u32)from);
}

static void where(u32 cs, u32 eip, int virtual) {
  struct row *row = &rows[current];
  int low = virtual || (cs & ~3u) == CODE_16 || (cs & ~3u) == CODE_LIMITED;
  if (low) {
    text(" at low");
    u32 from = (u32)(row->low - low_start);
    if (virtual) eip += (cs - LOW_SEGMENT) << 4;
    if (eip >= from && eip < from + 0x100) field("+", eip - from);
    else field(":", eip);
    return;
  }
  text(" at ");
  u8 *next = row + 1 < rows_end ? row[1].code : row->code + 0x100;
  if (eip >= (u32)row->code && eip <= (u32)next) field("+", eip - (u32)row->code);
  else if (eip >= (u32)task_b && eip < (u32)task_b_end) place(eip, "task_b", task_b, task_b_end);
  else if (eip >= (u32)gate_entry && eip < (u32)gate_entry_end) place(eip, "gate", gate_entry, gate_entry_end);
  else hex(eip);
}

static void pointer(u32 esp) {
  static const struct { const char *name; u8 *top; } stacks[] = {
      {"main", stack_main}, {"kernel", stack_kernel}, {"b", stack_b}, {"fault", stack_fault},
      {"user", stack_user}, {"level2", stack_2},
  };
  text(" sp ");
  for (u32 n = 0; n < sizeof stacks / sizeof *stacks; n++) {
    u32 below = (u32)stacks[n].top - esp;
    if (below > 1024) continue;
    text(stacks[n].name);
    if (below) field("-", below);
    return;
  }
  hex(esp);
}

static const char *const NAMES[] = {"gs", "fs", "es", "ds", "di", "si", "bp", "", "bx", "dx", "cx", "ax"};

/* As pushed by the stub: gs, fs, es, ds, edi to eax, vector, error, eip, cs, eflags, then esp and ss. */
void report(u32 *frame) {
  u32 vector = frame[12], error = frame[13], eip = frame[14], cs = frame[15], flags = frame[16];
  int virtual = (flags >> 17) & 1;
  int outer = virtual || (cs & 3);
  u32 task;
  __asm__ volatile("str %0" : "=r"(task));
  if (vector == END) text("end");
  else field("#", vector);
  if (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17) {
    put('(');
    hex(error);
    put(')');
  }
  where(cs & 0xffff, eip, virtual);
  field(" cs ", cs & 0xffff);
  field(" fl ", flags & 0x37fd7 & ~0x8d5u);
  pointer(outer ? frame[17] : frame[7] + 20);
  if (outer) field(" ss ", frame[18] & 0xffff);
  if (task != TASK) field(" tr ", task);
  if (vector == 14) {
    u32 cr2;
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    field(" cr2 ", cr2);
  }
  u32 dr6;
  __asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
  if (dr6 != 0xffff0ff0) field(" dr6 ", dr6 & 0xe00f);
  for (u32 n = 12; n-- > 0;) {
    u32 value = n < 4 ? frame[n] & 0xffff : frame[n];
    u32 usual = n == 2 || n == 3 ? (virtual ? 0 : DATA) : 0;
    if (n == 7 || value == usual) continue;
    put(' ');
    text(NAMES[n]);
    field("=", value);
  }
  put('\n');
}

/* An exception whose gate is one of the fault task, in the task of the TSS that `link` names. */
void report_task(u32 link, u32 vector, u32 error) {
  const u32 *task = link == TASK ? tss_main : tss_b;
  u32 frame[23];
  frame[0] = task[TSS_GS / 4];
  frame[1] = task[TSS_FS / 4];
  frame[2] = task[TSS_ES / 4];
  frame[3] = task[TSS_DS / 4];
  for (u32 n = 0; n < 8; n++) frame[4 + n] = task[TSS_EAX / 4 + 7 - n];
  frame[12] = vector;
  frame[13] = error;
  frame[14] = task[TSS_EIP / 4];
  frame[15] = task[TSS_CS / 4];
  frame[16] = task[TSS_EFLAGS / 4];
  frame[17] = task[TSS_ESP / 4];
  frame[18] = task[TSS_SS / 4];
  frame[7] = task[TSS_ESP / 4] - 20;
  report(frame);
}

void next(void) {
  struct row *row = &rows[current];
  if (row >= rows_end) end();
  segments();
  tasks();
  vectors();
  pages();
  clear(page, 4096);
  fault_vector = 8;
  text(row->name);
  text(": ");
  drain(); /* the case may end the machine */
  begin(row->code);
}

/* The command line, of the PVH start info, is the number of the first case. */
void start_cases(const u32 *info) {
  const char *line = (const char *)info[6];
  current = 0;
  for (; line && *line; line++)
    if (*line >= '0' && *line <= '9') current = current * 10 + (u32)(*line - '0');
  for (u8 *from = low_start; from < low_end; from++) ((volatile u8 *)LOW)[from - low_start] = *from;
  /* Behind the limit of CODE_LIMITED: where a branch that isn't refused ends, INT END. */
  for (u32 n = 0; n < 32; n++) ((volatile u16 *)(LOW + 0x1000))[n] = 0x30cd;
  /* LOOP to there. */
  *(volatile u32 *)(LOW + 0xff0) = 0x30cd10e2;
  next();
}
