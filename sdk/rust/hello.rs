//! An agent that says hello on the console.
#![no_std]
#![no_main]

#[no_mangle]
fn aios_main(start: &aios::Start) -> u64 {
    aios::console_write(start.argument, b"hello from ring 3\n").map_or_else(|status| status, |_| 0)
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
