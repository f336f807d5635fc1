//! Looks for the number below its argument from which the Collatz sequence takes longest to 1. Says first what it
//! was given: its name, the variable GREETING, and each capability.
#![no_std]
#![no_main]

use aios::birth::{born, Birth};
use core::fmt::{self, Write};

const ROOM: usize = 16 * 1024;

struct Output<'a>(&'a Birth<'a>);

impl Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Output(birth) = self;
        birth.write(birth.output, text.as_bytes()).map(|_| ()).map_err(|_| fmt::Error)
    }
}

fn steps(mut n: u64) -> u64 {
    let mut count = 0;
    while n != 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        count += 1;
    }
    count
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or("?")
}

fn run(birth: &Birth) -> Result<u64, fmt::Error> {
    let mut output = Output(birth);
    let mut arguments = birth.arguments().map(text);
    let name = arguments.next().unwrap_or("?");
    let greeting = text(birth.variable(b"GREETING").unwrap_or(b"hello"));
    writeln!(output, "{greeting} from {name}")?;
    for (capability, handle) in birth.capabilities() {
        writeln!(output, "given {} as {}", text(capability), if handle == 0 { "nothing" } else { "a handle" })?;
    }
    let Some(below) = arguments.next().and_then(|word| word.parse::<u64>().ok()) else {
        writeln!(output, "usage: collatz BELOW")?;
        return Ok(2);
    };
    let longest = (1..below).map(|n| (steps(n), n)).max_by_key(|&(count, n)| (count, u64::MAX - n));
    if let Some((count, n)) = longest {
        writeln!(output, "{n} takes {count} steps, the most below {below}")?;
    }
    Ok(0)
}

#[no_mangle]
fn aios_main(start: &aios::Start) -> u64 {
    let mut room = [0; ROOM];
    match born(start, &mut room) {
        Ok(birth) => run(&birth).unwrap_or(1),
        Err(status) => status,
    }
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
