/** The machine interface: all that kernel.wasm imports. One function an instruction. */

@external("machine", "mmioRead8")
export declare function mmioRead8(address: u64): u32;
@external("machine", "mmioRead16")
export declare function mmioRead16(address: u64): u32;
@external("machine", "mmioRead32")
export declare function mmioRead32(address: u64): u32;
@external("machine", "mmioRead64")
export declare function mmioRead64(address: u64): u64;
@external("machine", "mmioWrite8")
export declare function mmioWrite8(address: u64, value: u32): void;
@external("machine", "mmioWrite16")
export declare function mmioWrite16(address: u64, value: u32): void;
@external("machine", "mmioWrite32")
export declare function mmioWrite32(address: u64, value: u32): void;
@external("machine", "mmioWrite64")
export declare function mmioWrite64(address: u64, value: u64): void;
@external("machine", "portRead8")
export declare function portRead8(port: u32): u32;
@external("machine", "portRead16")
export declare function portRead16(port: u32): u32;
@external("machine", "portRead32")
export declare function portRead32(port: u32): u32;
@external("machine", "portWrite8")
export declare function portWrite8(port: u32, value: u32): void;
@external("machine", "portWrite16")
export declare function portWrite16(port: u32, value: u32): void;
@external("machine", "portWrite32")
export declare function portWrite32(port: u32, value: u32): void;
@external("machine", "halt")
export declare function halt(): void;
@external("machine", "timestamp")
export declare function timestamp(): u64;
