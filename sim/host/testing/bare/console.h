/* What both monitors print with: COM1 (16550), and the ports that end QEMU and Bochs. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

static inline void outb(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline u8 inb(u16 port) {
  u8 value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static void put(char c) {
  while (!(inb(0x3fd) & 0x20)) {
  }
  outb(0x3f8, (u8)c);
}

static void text(const char *from) {
  while (*from) put(*from++);
}

static void hex(u64 value) {
  int shift = 60;
  while (shift > 0 && !(value >> shift)) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[(value >> shift) & 15]);
}

static void field(const char *name, u64 value) {
  text(name);
  hex(value);
}

/* Until all has left the transmitter. */
static void drain(void) {
  while (!(inb(0x3fd) & 0x40)) {
  }
}

static inline void end(void) {
  text("end\n");
  drain();
  for (const char *word = "Shutdown"; *word; word++) outb(0x8900, (u8)*word);
  __asm__ volatile("outl %0, %1" : : "a"(0), "Nd"((u16)0xf4));
  for (;;) __asm__ volatile("cli; hlt");
}
