/** Registers and structures of the IOMMU (Intel VT-d 3.3, chapters 9 to 11). */
export const VTD_BYTES = 0x1000;
export const VTD_VER = 0x00;
export const VTD_CAP = 0x08;
export const VTD_ECAP = 0x10;
export const VTD_GCMD = 0x18;
export const VTD_GSTS = 0x1c;
export const VTD_RTADDR = 0x20;
export const VTD_CCMD = 0x28;
export const VTD_FSTS = 0x34;
export const VTD_FECTL = 0x38;
export const VTD_FEDATA = 0x3c;
export const VTD_FEADDR = 0x40;
export const VTD_FEUADDR = 0x44;
export const VTD_IQH = 0x80;
export const VTD_IQT = 0x88;
export const VTD_IQA = 0x90;
export const VTD_ICS = 0x9c;
export const VTD_IECTL = 0xa0;
export const VTD_IEDATA = 0xa4;
export const VTD_IEADDR = 0xa8;
export const VTD_IEUADDR = 0xac;
export const VTD_IRTA = 0xb8;
/** Where CAP and ECAP say that the IOTLB and fault recording registers are. */
export const VTD_IVA = 0xf0;
export const VTD_IOTLB = 0xf8;
export const VTD_FRCD = 0x220;
export const VTD_FRCD_COUNT = 8;

/** GCMD and GSTS bit numbers (11.4.4). */
export const VTD_TE_BIT = 31;
export const VTD_SRTP_BIT = 30;
export const VTD_QIE_BIT = 26;
export const VTD_IRE_BIT = 25;
export const VTD_SIRTP_BIT = 24;
export const VTD_CFI_BIT = 23;

/** IRTA: extended interrupt mode, and log2 of the table's entries less one. */
export const VTD_IRTA_EIME = 0x800;
export const VTD_IRTA_SIZE = 0xf;

/** FSTS (11.4.9). */
export const VTD_FSTS_PFO = 0x01;
export const VTD_FSTS_PPF = 0x02;
export const VTD_FSTS_IQE = 0x10;

/** Bit numbers of FECTL and IECTL (11.4.10). */
export const VTD_EVENT_MASK_BIT = 31;
export const VTD_EVENT_PENDING_BIT = 30;

/** Granularities of invalidation (6.5.1): in CCMD, IOTLB and in descriptors. */
export const VTD_GLOBAL = 1;
export const VTD_DOMAIN = 2;
/** A device's context entry, or pages of a domain. */
export const VTD_SELECTIVE = 3;

/** Types of invalidation descriptors (6.5.2). */
export const VTD_INVALIDATE_CONTEXT = 1;
export const VTD_INVALIDATE_IOTLB = 2;
export const VTD_INVALIDATE_INTERRUPTS = 4;
export const VTD_INVALIDATE_WAIT = 5;
export const VTD_WAIT_INTERRUPT = 0x10;
export const VTD_WAIT_STATUS = 0x20;

/** Context entry: translation types and address widths (9.3). */
export const VTD_TRANSLATE = 0;
export const VTD_PASS_THROUGH = 2;
export const VTD_WIDTH_39 = 1;
export const VTD_WIDTH_48 = 2;

/** Second-level entry bits (9.8). */
export const VTD_READ = 0x1;
export const VTD_WRITE = 0x2;
export const VTD_LARGE = 0x80;
export const VTD_SNOOP = 0x800;
/** Maximum address mask of page-selective invalidation: 2^18 pages = 1 GiB. */
export const VTD_MASK_MAX = 18;

/**
 * Address of an interrupt request in remappable format (5.1.2.2). Its index is the handle, plus with
 * SHV the subhandle, which is the low half of the data.
 *
 *   31-20 0xfee | 19-5 handle 14-0 | 4 remappable | 3 SHV | 2 handle 15
 */
export const VTD_REQUEST_REMAPPABLE = 0x10;
export const VTD_REQUEST_SHV = 0x8;

/**
 * Interrupt remapping table entry of 16 bytes (9.10).
 *
 *   low:  63-32 destination (47-40 without EIME) | 23-16 vector | 15 posted | 11-8 free
 *         7-5 delivery mode | 4 level | 3 redirection hint | 2 logical | 1 FPD | 0 P
 *   high: 19-18 source validation type | 17-16 source-id qualifier | 15-0 source-id
 */
export const VTD_IRTE_BYTES = 16;
export const VTD_IRTE_PRESENT = 0x1;
export const VTD_IRTE_FAULT_DISABLE = 0x2;
export const VTD_IRTE_LEVEL = 0x10;
/** Source validation: no source, one but for what the qualifier ignores, a range of buses. */
export const VTD_SVT_NONE = 0;
export const VTD_SVT_SOURCE = 1;
export const VTD_SVT_BUSES = 2;
/** Maximum handle mask: 2^15 entries by one descriptor. */
export const VTD_HANDLE_MASK_MAX = 15;

/** Fault reasons (7.1.3). */
export const VTD_FAULT_ROOT_PRESENT = 0x1;
export const VTD_FAULT_CONTEXT_PRESENT = 0x2;
export const VTD_FAULT_CONTEXT_INVALID = 0x3;
export const VTD_FAULT_ADDRESS_WIDTH = 0x4;
export const VTD_FAULT_WRITE = 0x5;
export const VTD_FAULT_READ = 0x6;
export const VTD_FAULT_TABLE_ACCESS = 0x7;
export const VTD_FAULT_ROOT_ACCESS = 0x8;
export const VTD_FAULT_CONTEXT_ACCESS = 0x9;
export const VTD_FAULT_ROOT_RESERVED = 0xa;
export const VTD_FAULT_CONTEXT_RESERVED = 0xb;
export const VTD_FAULT_TABLE_RESERVED = 0xc;
/** Those of interrupt requests. */
export const VTD_FAULT_REQUEST_RESERVED = 0x20;
export const VTD_FAULT_INDEX = 0x21;
export const VTD_FAULT_ENTRY_PRESENT = 0x22;
export const VTD_FAULT_ENTRY_ACCESS = 0x23;
export const VTD_FAULT_ENTRY_RESERVED = 0x24;
export const VTD_FAULT_COMPATIBILITY = 0x25;
export const VTD_FAULT_SOURCE = 0x26;
