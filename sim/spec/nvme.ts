/**
 * NVM Express Base Specification 1.4: registers, queue entries, opcodes and status codes.
 *
 * Shared by the device model, its driver and the tests. Figures are those of revision 1.4.
 */

// Controller registers, byte offsets (3.1, figure 68).
export const NVME_CAP = 0x00;
export const NVME_VS = 0x08;
export const NVME_INTMS = 0x0c;
export const NVME_INTMC = 0x10;
export const NVME_CC = 0x14;
export const NVME_CSTS = 0x1c;
export const NVME_NSSR = 0x20;
export const NVME_AQA = 0x24;
export const NVME_ASQ = 0x28;
export const NVME_ACQ = 0x30;
/** Doorbell of submission queue y at 2y strides from here, of completion queue y at 2y + 1. */
export const NVME_DOORBELLS = 0x1000;

/** Version 1.4.0 (3.1.2). */
export const NVME_VERSION = 0x10400;

/*
 * CAP (3.1.1)
 *   63     57  56  55     52 51     48 47 46 45 44     37  36  35     32 31     24
 *  | CMBS …|PMRS| MPSMAX  | MPSMIN  |    |BPS|   CSS   |NSSRS| DSTRD   |    TO   |
 *   23    19 18 17  16  15                     0
 *  |        | AMS |CQR |         MQES           |
 */
export const NVME_CAP_CQR = 0x10000;
export const NVME_CAP_TO_SHIFT = 24;
/** Bits of the upper half of CAP. */
export const NVME_CAP_HIGH_CSS_NVM = 0x20;
export const NVME_CAP_HIGH_MPSMAX_SHIFT = 20;

/*
 * CC (3.1.5)
 *   31    24 23    20 19    16 15 14 13  11 10    7 6   4 3  1  0
 *  |        | IOCQES | IOSQES | SHN | AMS  |  MPS  | CSS |    |EN|
 */
export const NVME_CC_EN = 0x1;
export const NVME_CC_CSS_SHIFT = 4;
export const NVME_CC_MPS_SHIFT = 7;
export const NVME_CC_AMS_SHIFT = 11;
export const NVME_CC_SHN_MASK = 0xc000;
export const NVME_CC_SHN_NORMAL = 0x4000;
export const NVME_CC_SHN_ABRUPT = 0x8000;
export const NVME_CC_IOSQES_SHIFT = 16;
export const NVME_CC_IOCQES_SHIFT = 20;

// CSTS (3.1.6).
export const NVME_CSTS_RDY = 0x1;
export const NVME_CSTS_CFS = 0x2;
export const NVME_CSTS_SHST_MASK = 0xc;
export const NVME_CSTS_SHST_OCCURRING = 0x4;
export const NVME_CSTS_SHST_COMPLETE = 0x8;

/** Entry sizes as powers of two: 64-byte commands, 16-byte completions (4.2, 4.6). */
export const NVME_SQE_SHIFT = 6;
export const NVME_CQE_SHIFT = 4;

/*
 * Submission queue entry (4.2)            Completion queue entry (4.6)
 *  00  CID 31:16  PSDT 15:14               00  command specific
 *      FUSE 9:8   OPC 7:0                  04  reserved
 *  04  NSID                                08  SQID 31:16  SQHD 15:0
 *  10  MPTR                                0c  DNR 31  M 30  CRD 29:28  SCT 27:25  SC 24:17
 *  18  PRP1       20  PRP2                     P 16  CID 15:0
 *  28  CDW10 … 3c CDW15
 */
export const NVME_SQE_NSID = 0x04;
export const NVME_SQE_PRP1 = 0x18;
export const NVME_SQE_PRP2 = 0x20;
export const NVME_SQE_CDW10 = 0x28;
export const NVME_SQE_CDW11 = 0x2c;
export const NVME_SQE_CDW12 = 0x30;
export const NVME_SQE_CDW13 = 0x34;
export const NVME_SQE_CDW14 = 0x38;
export const NVME_SQE_CDW15 = 0x3c;
export const NVME_FUSE_MASK = 0x300;
export const NVME_PSDT_MASK = 0xc000;

// Admin opcodes (5, figure 139).
export const NVME_ADMIN_DELETE_SQ = 0x00;
export const NVME_ADMIN_CREATE_SQ = 0x01;
export const NVME_ADMIN_GET_LOG_PAGE = 0x02;
export const NVME_ADMIN_DELETE_CQ = 0x04;
export const NVME_ADMIN_CREATE_CQ = 0x05;
export const NVME_ADMIN_IDENTIFY = 0x06;
export const NVME_ADMIN_ABORT = 0x08;
export const NVME_ADMIN_SET_FEATURES = 0x09;
export const NVME_ADMIN_GET_FEATURES = 0x0a;
export const NVME_ADMIN_ASYNC_EVENT = 0x0c;
export const NVME_ADMIN_KEEP_ALIVE = 0x18;

// NVM opcodes (6, figure 346).
export const NVME_CMD_FLUSH = 0x00;
export const NVME_CMD_WRITE = 0x01;
export const NVME_CMD_READ = 0x02;
export const NVME_CMD_COMPARE = 0x05;
export const NVME_CMD_WRITE_ZEROES = 0x08;
export const NVME_CMD_DATASET_MANAGEMENT = 0x09;

// CDW12 of Read and Write (6.9, 6.15), CDW11 of Dataset Management (6.7).
export const NVME_RW_FUA = 0x4000_0000;
export const NVME_WRITE_DIRECTIVE_MASK = 0xf0_0000;
export const NVME_DSM_DEALLOCATE = 0x4;

// Create I/O queue, CDW11 (5.3, 5.4).
export const NVME_QUEUE_CONTIGUOUS = 0x1;
export const NVME_CQ_INTERRUPTS = 0x2;

// Identify, CNS values (5.15.1).
export const NVME_CNS_NAMESPACE = 0x00;
export const NVME_CNS_CONTROLLER = 0x01;
export const NVME_CNS_ACTIVE_LIST = 0x02;
export const NVME_CNS_DESCRIPTORS = 0x03;

// Feature identifiers (5.21.1, figure 271).
export const NVME_FEATURE_ARBITRATION = 0x01;
export const NVME_FEATURE_POWER = 0x02;
export const NVME_FEATURE_TEMPERATURE = 0x04;
export const NVME_FEATURE_ERROR_RECOVERY = 0x05;
export const NVME_FEATURE_WRITE_CACHE = 0x06;
export const NVME_FEATURE_QUEUES = 0x07;
export const NVME_FEATURE_COALESCING = 0x08;
export const NVME_FEATURE_VECTOR = 0x09;
export const NVME_FEATURE_ATOMICITY = 0x0a;
export const NVME_FEATURE_ASYNC_EVENTS = 0x0b;

// Log pages (5.14.1).
export const NVME_LOG_ERRORS = 0x01;
export const NVME_LOG_HEALTH = 0x02;
export const NVME_LOG_FIRMWARE = 0x03;
export const NVME_LOG_COMMANDS = 0x05;

/*
 * Status, as in CQE bits 31:17 shifted down: DNR 14, M 13, CRD 12:11, SCT 10:8, SC 7:0
 * (4.6.1, figures 126-131).
 */
export const NVME_STATUS_DNR = 0x4000;
export const NVME_STATUS_MORE = 0x2000;
export const NVME_STATUS_CODE_MASK = 0x7ff;
export const NVME_SUCCESS = 0x000;
export const NVME_INVALID_OPCODE = 0x001;
export const NVME_INVALID_FIELD = 0x002;
export const NVME_COMMAND_ID_CONFLICT = 0x003;
export const NVME_DATA_TRANSFER_ERROR = 0x004;
export const NVME_INTERNAL_ERROR = 0x006;
export const NVME_ABORT_REQUESTED = 0x007;
export const NVME_ABORTED_SQ_DELETION = 0x008;
export const NVME_INVALID_NAMESPACE = 0x00b;
export const NVME_COMMAND_SEQUENCE_ERROR = 0x00c;
export const NVME_PRP_OFFSET_INVALID = 0x013;
export const NVME_NAMESPACE_WRITE_PROTECTED = 0x020;
export const NVME_LBA_OUT_OF_RANGE = 0x080;
export const NVME_CQ_INVALID = 0x100;
export const NVME_INVALID_QUEUE_ID = 0x101;
export const NVME_INVALID_QUEUE_SIZE = 0x102;
export const NVME_ABORT_LIMIT = 0x103;
export const NVME_ASYNC_EVENT_LIMIT = 0x105;
export const NVME_INVALID_VECTOR = 0x108;
export const NVME_INVALID_LOG_PAGE = 0x109;
export const NVME_INVALID_QUEUE_DELETION = 0x10c;
export const NVME_FEATURE_NOT_SAVEABLE = 0x10d;
export const NVME_FEATURE_NOT_CHANGEABLE = 0x10e;
export const NVME_WRITE_FAULT = 0x280;
export const NVME_UNRECOVERED_READ = 0x281;
export const NVME_COMPARE_FAILURE = 0x285;

// Asynchronous event types and information (5.2.1, figures 146-149).
export const NVME_EVENT_ERROR = 0;
export const NVME_EVENT_HEALTH = 1;
export const NVME_EVENT_INVALID_DOORBELL = 0x00;
export const NVME_EVENT_INVALID_DOORBELL_VALUE = 0x01;
export const NVME_EVENT_TEMPERATURE = 0x01;
