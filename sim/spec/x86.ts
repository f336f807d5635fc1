/**
 * Bits and numbers of the x86_64 processor that the machine, the kernel and TypeScript share
 * (Intel SDM 3A, 2.5 control registers, 4.5 paging, 6.3 vectors; SDM 4, 2 model-specific registers).
 */

/** Control register 0. */
export const CR0_PE = 0x1;
export const CR0_MP = 0x2;
export const CR0_EM = 0x4;
export const CR0_TS = 0x8;
export const CR0_ET = 0x10;
export const CR0_NE = 0x20;
export const CR0_WP = 0x1_0000;
export const CR0_AM = 0x4_0000;
export const CR0_NW = 0x2000_0000;
export const CR0_CD = 0x4000_0000;
export const CR0_PG = 0x8000_0000;

/** Control register 4. */
export const CR4_TSD = 0x4;
export const CR4_DE = 0x8;
export const CR4_PSE = 0x10;
export const CR4_PAE = 0x20;
export const CR4_PGE = 0x80;
export const CR4_PCE = 0x100;
export const CR4_OSFXSR = 0x200;
export const CR4_OSXMMEXCPT = 0x400;
export const CR4_UMIP = 0x800;
export const CR4_FSGSBASE = 0x1_0000;
export const CR4_PCIDE = 0x2_0000;
export const CR4_OSXSAVE = 0x4_0000;
export const CR4_SMEP = 0x10_0000;
export const CR4_SMAP = 0x20_0000;

export const EFER_SCE = 0x1;
export const EFER_LME = 0x100;
export const EFER_LMA = 0x400;
export const EFER_NXE = 0x800;

export const RFLAGS_CF = 0x1;
export const RFLAGS_FIXED = 0x2;
export const RFLAGS_PF = 0x4;
export const RFLAGS_AF = 0x10;
export const RFLAGS_ZF = 0x40;
export const RFLAGS_SF = 0x80;
export const RFLAGS_TF = 0x100;
export const RFLAGS_IF = 0x200;
export const RFLAGS_DF = 0x400;
export const RFLAGS_OF = 0x800;
/** The six that arithmetic sets. */
export const RFLAGS_STATUS = 0x8d5;
export const RFLAGS_IOPL = 0x3000;
export const RFLAGS_NT = 0x4000;
export const RFLAGS_RF = 0x1_0000;
export const RFLAGS_VM = 0x2_0000;
export const RFLAGS_AC = 0x4_0000;

/** Paging-structure entries; execute-disable is bit 63. */
export const PAGE_PRESENT = 0x1;
export const PAGE_WRITE = 0x2;
export const PAGE_USER = 0x4;
export const PAGE_ACCESSED = 0x20;
export const PAGE_DIRTY = 0x40;
/** In a PDPTE or PDE: maps a page of 1 GiB or 2 MiB. */
export const PAGE_SIZE = 0x80;
export const PAGE_GLOBAL = 0x100;

/** Error code of a page fault; the middle three also say what an access does. */
export const FAULT_PRESENT = 0x1;
export const FAULT_WRITE = 0x2;
export const FAULT_USER = 0x4;
export const FAULT_RESERVED = 0x8;
export const FAULT_FETCH = 0x10;

/** Exception vectors. */
export const VECTOR_DE = 0;
export const VECTOR_DB = 1;
export const VECTOR_NMI = 2;
export const VECTOR_BP = 3;
export const VECTOR_OF = 4;
export const VECTOR_BR = 5;
export const VECTOR_UD = 6;
export const VECTOR_NM = 7;
export const VECTOR_DF = 8;
export const VECTOR_TS = 10;
export const VECTOR_NP = 11;
export const VECTOR_SS = 12;
export const VECTOR_GP = 13;
export const VECTOR_PF = 14;
export const VECTOR_MF = 16;
export const VECTOR_AC = 17;
export const VECTOR_XM = 19;

/** Numbers by which `readRegister` knows what is no general register. */
export const REGISTER_RSP = 4;
export const REGISTER_RIP = 16;
export const REGISTER_RFLAGS = 17;

/** Segment registers in encoding order, for `loadSegment`. */
export const SEGMENT_NUMBER_ES = 0;
export const SEGMENT_NUMBER_CS = 1;
export const SEGMENT_NUMBER_SS = 2;
export const SEGMENT_NUMBER_DS = 3;
export const SEGMENT_NUMBER_FS = 4;
export const SEGMENT_NUMBER_GS = 5;

/** What `invalidateContext` (INVPCID) drops. */
export const INVALIDATE_ADDRESS = 0;
export const INVALIDATE_CONTEXT = 1;
export const INVALIDATE_ALL_GLOBAL = 2;
export const INVALIDATE_ALL = 3;

export const MSR_TSC = 0x10;
export const MSR_FEATURE_CONTROL = 0x3a;
export const MSR_TSC_ADJUST = 0x3b;
export const MSR_SPECULATION_CONTROL = 0x48;
export const MSR_PREDICTION_COMMAND = 0x49;
export const MSR_MICROCODE = 0x8b;
export const MSR_MTRR_CAPABILITY = 0xfe;
export const MSR_ARCH_CAPABILITIES = 0x10a;
export const MSR_SYSENTER_CS = 0x174;
export const MSR_SYSENTER_ESP = 0x175;
export const MSR_SYSENTER_EIP = 0x176;
export const MSR_MISC_ENABLE = 0x1a0;
export const MSR_MTRR_VARIABLE = 0x200;
export const MSR_PAT = 0x277;
export const MSR_MTRR_DEFAULT = 0x2ff;
export const MSR_EFER = 0xc000_0080;
export const MSR_STAR = 0xc000_0081;
export const MSR_LSTAR = 0xc000_0082;
export const MSR_CSTAR = 0xc000_0083;
export const MSR_FMASK = 0xc000_0084;
export const MSR_FS_BASE = 0xc000_0100;
export const MSR_GS_BASE = 0xc000_0101;
export const MSR_KERNEL_GS_BASE = 0xc000_0102;
export const MSR_TSC_AUX = 0xc000_0103;

/** Width of physical and linear addresses in bits; CPUID 0x80000008 says so too. */
export const PHYSICAL_ADDRESS_BITS = 40;
export const LINEAR_ADDRESS_BITS = 48;
