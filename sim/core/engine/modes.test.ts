/**
 * Two programs. One goes through the processor's modes as a startup interrupt leads a kernel: real
 * mode, protected mode with 32-bit and PAE paging, long mode, compatibility mode and back. The other
 * goes from level to level in 32-bit protected mode, and to virtual-8086 mode. They were assembled by
 * nasm; when that is there, the bytes are judged by it.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { bytesOf, CodeBench } from "../../host/testing/code.ts";
import { requireTool } from "../../host/testing/tools.ts";

const AT = 0x8000;
const REAL_DATA = 0x93;
const HALTED = 2;

const SOURCE = `
; At 0x8000 in real mode, as a startup interrupt begins. Results go to 0x9000.
bits 16
org 0x8000
start:
  mov ax, cs                ; 0x800
  mov [cs:0x1000], ax
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7f00
  jmp 0:flat
flat:
  mov word [4 * 0x21], handler
  mov word [4 * 0x21 + 2], 0x800
  sti
  int 0x21
  mov [0x9008], bx
  pushf
  pop word [0x900c]
  call 0x7ff:far16 - 0x7ff0
  lds si, [cs:pointer]      ; ds = 0x1000
  mov [si], si
  xor ax, ax
  mov ds, ax
  lgdt [table]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword 0x8:protected
far16:
  mov word [0x9010], 0xfa16
  retf
pointer: dw 0x20, 0x1000
bits 16
handler_at:
handler equ handler_at - 0x8000
  mov bx, 0x1234
  iret
bits 32
protected:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov esp, 0x7f00
  ; 32-bit paging: the first 4 MiB to themselves, 0x4000_0000 to 0x40_0000, by pages of 4 MiB
  mov dword [0xa000], 0x83
  mov dword [0xa000 + 4 * 0x100], 0x400083
  mov eax, 0x10
  mov cr4, eax
  mov eax, 0xa000
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  mov dword [0x40000000 + 0x234560], 0x32323232
  and eax, 0x7fffffff
  mov cr0, eax
  ; PAE paging: the same, and 0x8000_0000 by a page of 4 KiB to 0x50_0000
  mov dword [0xb000], 0xc001
  mov dword [0xb000 + 8], 0xd001
  mov dword [0xb000 + 16], 0xe001
  mov dword [0xc000], 0x83
  mov dword [0xd000], 0x400083
  mov dword [0xe000], 0xf003
  mov dword [0xf000], 0x500003
  mov eax, 0x20
  mov cr4, eax
  mov eax, 0xb000
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  mov dword [0x40000000 + 0x34560], 0xae36ae36
  mov dword [0x80000000 + 0x560], 0x4b4b4b4b
  and eax, 0x7fffffff
  mov cr0, eax
  ; 4-level paging and long mode: an entry of each of the tables above
  mov dword [0x10000], 0xb003
  mov dword [0xb000], 0xc003
  mov eax, 0x10000
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x100
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  rdmsr
  mov [0x9018], eax
  jmp 0x18:wide
bits 64
wide:
  mov r15, 0x123456789abcdef0
  mov [0x9020], r15
  push 0x8                  ; to compatibility mode
  push compatible
  retfq
bits 32
compatible:
  mov dword [0x9028], 0x3232
  jmp 0x18:again
bits 64
again:
  mov [0x902c], cs
  hlt
table:
  dw 0x1f
  dd gdt
gdt:
  dq 0
  dq 0x00cf9b000000ffff
  dq 0x00cf93000000ffff
  dq 0x00af9b000000ffff
`;

const BYTES = `
8cc82ea3001031c08ed88ec08ed0bc007fea16800000c70684005e00c70686000008fbcd21891e08909c8f060c909a63
00ff072ec5365a80893431c08ed80f0116a6810f20c00c010f22c066ea628000000800c706109016facb20000010bb34
12cf66b810008ed88ec08ed0bc007f0000c70500a0000083000000c70500a4000083004000b8100000000f22e0b800a0
00000f22d80f20c00d000000800f22c0c705604523403232323225ffffff7f0f22c0c70500b0000001c00000c70508b0
000001d00000c70510b0000001e00000c70500c0000083000000c70500d0000083004000c70500e0000003f00000c705
00f0000003005000b8200000000f22e0b800b000000f22d80f20c00d000000800f22c0c7056045034036ae36aec70560
0500804b4b4b4b25ffffff7f0f22c0c7050000010003b00000c70500b0000003c00000b8000001000f22d8b9800000c0
0f320d000100000f300f20c00d000000800f22c00f32a318900000ea72810000180049bff0debc9a785634124c893c25
209000006a08688d81000048cbc7052890000032320000ea9e81000018008c0c252c900000f41f00ac81000000000000
00000000ffff0000009bcf00ffff00000093cf00ffff0000009baf00`;

const RINGS_SOURCE = `
; In 32-bit protected mode at level 0, without paging. Results go to 0x9000.
bits 32
org 0x8000
start:
  lgdt [table]
  lidt [vectors]
  mov ax, 0x10
  mov ds, ax
  mov ss, ax
  mov esp, 0x7000
  mov ax, 0x28
  ltr ax
  mov word [0x6000 + 102], 104    ; I/O bitmap: port 0x80 is allowed, the others aren't
  mov dword [0x6000 + 104], -1
  mov dword [0x6000 + 108], -1
  mov dword [0x6000 + 112], -1
  mov dword [0x6000 + 116], -1
  mov dword [0x6000 + 120], 0xfffffffe
  mov dword [0x6000 + 4], 0x5000  ; ESP0
  mov dword [0x6000 + 8], 0x10    ; SS0
  push 0x23                       ; to level 3
  push 0x4000
  push 0x2
  push 0x1b
  push user
  iretd
user:
  mov ax, 0x23
  mov ds, ax
  mov eax, 0x11
  int 14                          ; a gate of level 3
  mov [0x9000], eax
  mov [0x9004], cs
  out 0x80, al                    ; allowed by the bitmap
  int 15                          ; a gate of level 0: #GP, whose handler goes on behind it
  out 0x84, al                    ; not allowed: the same
  push dword 0xbbbb
  push dword 0xaaaa
  call 0x3b:0                     ; a call gate with two parameters, which are on the stack
  mov [0x9020], eax
  pushfd
  pop eax
  or eax, 0x3200
  push eax
  popfd                           ; changes neither IF nor IOPL here
  pushfd
  pop dword [0x9024]
  int 16                          ; on to virtual-8086 mode
interrupt:
  mov [0x9008], ss
  mov ebx, [esp + 12]             ; the caller's ESP
  mov [0x900c], ebx
  add eax, 0x100
  iretd
protection:                       ; notes the error code, and skips an instruction of two bytes
  pop dword [0x9040]
  mov ecx, [0x9044]
  mov edx, [0x9040]
  mov [0x9050 + ecx * 4], edx
  inc dword [0x9044]
  add dword [esp], 2
  iretd
gate:
  mov eax, [esp + 8]
  shl eax, 16
  mov ax, [esp + 12]
  retf 8
virtual:
  push dword 0                    ; GS, FS, DS, ES
  push dword 0
  push dword 0x900
  push dword 0
  push dword 0x300                ; SS, ESP
  push dword 0x100
  push dword 0x23002              ; VM, IOPL 3
  push dword 0x800                ; CS, EIP
  push dword old - 0x8000
  iretd
bits 16
old:
  mov [0x60], cs                  ; in segment 0x900
  mov word [0x62], 0x8086
  int 17
bits 32
done:
  mov ax, 0x10
  mov ds, ax
  mov eax, [esp]
  mov [0x9030], eax               ; EIP
  mov eax, [esp + 4]
  mov [0x9034], eax               ; CS
  mov eax, [esp + 8]
  mov [0x9038], eax               ; EFLAGS
  mov eax, [esp + 24]
  mov [0x903c], eax               ; DS
  hlt
table:
  dw 0x3f
  dd gdt
vectors:
  dw 17 * 8 + 7
  dd gates - 13 * 8
align 8
gdt:
  dq 0
  dq 0x00cf9b000000ffff
  dq 0x00cf93000000ffff
  dq 0x00cffb000000ffff
  dq 0x00cff3000000ffff
  dq 0x00008900600000ff            ; TSS
  dq 0
  dw gate
  dw 0x8
  db 2, 0xec
  dw 0
%macro vector 2
  dw %1, 0x8
  db 0, %2
  dw 0
%endmacro
gates:
  vector protection, 0x8e
  vector interrupt, 0xee
  vector interrupt, 0x8e
  vector virtual, 0xee
  vector done, 0xee
`;

const RINGS_BYTES = `
0f01156c8100000f011d7281000066b810008ed88ed0bc0070000066b828000f00d866c705666000006800c705686000
00ffffffffc7056c600000ffffffffc70570600000ffffffffc70574600000ffffffffc70578600000feffffffc70504
60000000500000c70508600000100000006a2368004000006a026a1b6882800000cf66b823008ed8b811000000cd0ea3
009000008c0d04900000e680cd0fe68468bbbb000068aaaa00009a000000003b00a3209000009c580d00320000509d9c
8f0524900000cd108c15089000008b5c240c891d0c9000000500010000cf8f05409000008b0d449000008b1540900000
89148d50900000ff054490000083042402cf8b442408c1e010668b44240cca08006a006a0068000900006a0068000300
006800010000680230020068000800006836010000cf8c0e6000c70662008680cd1166b810008ed88b0424a330900000
8b442404a3349000008b442408a3389000008b442418a33c900000f43f00788100008f00508100000000000000000000
ffff0000009bcf00ffff00000093cf00ffff000000fbcf00ffff000000f3cf00ff000060008900000000000000000000
0281080002ec0000de800800008e0000c880080000ee0000c8800800008e00001181080000ee00004281080000ee0000`;

test.each([
  ["modes", SOURCE, BYTES],
  ["levels", RINGS_SOURCE, RINGS_BYTES],
])("nasm assembles the source of %s to these bytes", (_, text, bytes) => {
  const nasm = requireTool("nasm");
  const folder = mkdtempSync(join(tmpdir(), "modes-"));
  try {
    const source = join(folder, "modes.asm");
    const binary = join(folder, "modes.bin");
    writeFileSync(source, text);
    execFileSync(nasm, ["-f", "bin", "-o", binary, source]);
    expect(readFileSync(binary).toString("hex")).toBe(Buffer.from(bytesOf(bytes)).toString("hex"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** As after a startup interrupt that names page 8. */
function enterRealMode({ cpu }: CodeBench): void {
  Object.assign(cpu, { cr0: 0x10n, cr4: 0n, efer: 0n, rflags: 2n, cpl: 0, activity: 1 });
  for (let n = 0; n < 6; n++)
    Object.assign(cpu.segmentsAt(n), {
      selector: 0,
      base: 0n,
      limit: 0xffff,
      attributes: REAL_DATA,
    });
  Object.assign(cpu.segmentsAt(1), { selector: AT >> 4, base: BigInt(AT) });
  Object.assign(cpu, { rip: 0n, idtBase: 0n, idtLimit: 0x3ff });
}

describe("the modes of the processor, one after the other", () => {
  let on: CodeBench;
  const word = (at: number) => Number(on.on.bench.read64(at) & 0xffff_ffffn);
  beforeAll(async () => {
    on = await CodeBench.create();
    enterRealMode(on);
    on.put(bytesOf(BYTES), AT);
    on.put("55 aa", 0x1_0020);
    on.run(20_000);
  });

  test("the program comes to its end in 64-bit mode", () => {
    expect(on.cpu.activity).toBe(HALTED);
    expect(on.cpu.segmentsAt(1).selector).toBe(0x18);
    expect(word(0x902c) & 0xffff).toBe(0x18);
  });
  test("real mode: a startup interrupt's CS, an interrupt through the vectors and back", () => {
    expect(word(0x9000) & 0xffff).toBe(0x800);
    expect(word(0x9008) & 0xffff).toBe(0x1234);
    // IF is set again by IRET.
    expect(word(0x900c) & 0x200).toBe(0x200);
  });
  test("real mode: a far call and return, a far pointer into DS", () => {
    expect(word(0x9010) & 0xffff).toBe(0xfa16);
    expect(word(0x1_0020) & 0xffff).toBe(0x20);
  });
  test("32-bit paging leads a page of 4 MiB to its place", () => {
    expect(word(0x40_0000 + 0x23_4560)).toBe(0x3232_3232);
  });
  test("PAE paging leads pages of 2 MiB and 4 KiB to theirs", () => {
    expect(word(0x40_0000 + 0x3_4560)).toBe(0xae36_ae36);
    expect(word(0x50_0560)).toBe(0x4b4b_4b4b);
  });
  test("long mode is active once paging is on, and has 64-bit registers", () => {
    expect(word(0x9018)).toBe(0x500);
    expect(on.on.bench.read64(0x9020)).toBe(0x1234_5678_9abc_def0n);
  });
  test("compatibility mode is entered by RETFQ and left by a far jump", () => {
    expect(word(0x9028)).toBe(0x3232);
  });
});

/** As a boot loader leaves it: 32-bit protected mode, flat segments, no paging. */
function enterProtectedMode(bench: CodeBench): void {
  const { cpu } = bench;
  enterRealMode(bench);
  cpu.cr0 = 0x11n;
  for (let n = 0; n < 6; n++)
    Object.assign(cpu.segmentsAt(n), { base: 0n, limit: 0xffff_ffff, attributes: 0xc93 });
  Object.assign(cpu.segmentsAt(1), { selector: 8, base: 0n, attributes: 0xc9b });
  cpu.rip = BigInt(AT);
}

describe("the levels of 32-bit protected mode", () => {
  let on: CodeBench;
  const word = (at: number) => Number(on.on.bench.read64(at) & 0xffff_ffffn);
  beforeAll(async () => {
    on = await CodeBench.create();
    enterProtectedMode(on);
    on.put(bytesOf(RINGS_BYTES), AT);
    on.run(20_000);
  });

  test("the program comes to its end at level 0", () => {
    expect([on.cpu.activity, on.cpu.cpl]).toEqual([HALTED, 0]);
  });
  test("IRETD leads to level 3, an interrupt to the TSS's stack of level 0 and back", () => {
    expect(word(0x9004) & 0xffff).toBe(0x1b);
    expect(word(0x9000)).toBe(0x111);
    expect(word(0x9008) & 0xffff).toBe(0x10);
    expect(word(0x900c)).toBe(0x4000);
  });
  test("a gate of level 0 and a port that the bitmap forbids are #GP", () => {
    expect(word(0x9044)).toBe(2);
    expect([word(0x9050), word(0x9054)]).toEqual([15 * 8 + 2, 0]);
  });
  test("a call gate copies its parameters, and RET drops them from both stacks", () => {
    expect(word(0x9020)).toBe(0xaaaa_bbbb);
  });
  test("POPF at level 3 changes neither IF nor IOPL", () => {
    expect(word(0x9024) & 0x3200).toBe(0);
  });
  test("virtual-8086 mode has segments of paragraphs, and its interrupts save them all", () => {
    expect(word(0x9060) & 0xffff).toBe(0x800);
    expect(word(0x9060) >>> 16).toBe(0x8086);
    expect(word(0x9034) & 0xffff).toBe(0x800);
    expect(word(0x9038) & 0x2_3000).toBe(0x2_3000);
    expect(word(0x903c) & 0xffff).toBe(0x900);
  });
});
