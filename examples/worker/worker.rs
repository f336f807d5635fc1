//! Does tasks by asking tools, which are other agents: each task names its tool. It holds a capability to
//! some of them and to others not; tools refuse, or don't answer in time. Whatever happens, each task has a
//! line of its own in the report, and the code says how many have failed.
#[path = "../../sdk/rust/wasm/aios.rs"]
mod aios;
use aios::*;
use std::fmt;

const MILLISECOND: u64 = 1_000_000;
/// A tool that takes longer is given up.
const PATIENCE: u64 = 50 * MILLISECOND;
const MESSAGE_BYTES: usize = 65_536;

enum Failure {
    /// It wasn't given a capability to the tool.
    NotGranted,
    /// The tool hasn't answered in time.
    TimedOut,
    /// The kernel has refused the call: the status.
    Refused(u32),
    /// The tool has refused the task: why.
    Tool(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Failure::NotGranted => write!(to, "no capability to this tool"),
            Failure::TimedOut => write!(to, "no answer in time"),
            Failure::Refused(status) => write!(to, "refused with status {status}"),
            Failure::Tool(why) => write!(to, "{why}"),
        }
    }
}

fn word(at: &[u8], place: u32) -> u64 {
    let place = place as usize;
    u64::from_le_bytes(at[place..place + 8].try_into().unwrap())
}

fn now() -> u64 {
    let mut time = [0; 8];
    unsafe { aios_now(time.as_mut_ptr()) };
    word(&time, 0)
}

/// The capability that it was given under this name.
fn tool(name: &str) -> Result<i64, Failure> {
    let mut handle = [0; 8];
    match unsafe { aios_capability(name.as_ptr(), name.len() as u32, handle.as_mut_ptr()) } {
        AIOS_STATUS_OK => Ok(word(&handle, 0) as i64),
        _ => Err(Failure::NotGranted),
    }
}

/// Tools answer "ok RESULT" or "error REASON".
fn ask(tool: i64, text: &str) -> Result<String, Failure> {
    let mut room = vec![0; MESSAGE_BYTES];
    let mut message = [0; 32];
    let status = unsafe {
        let (at, bytes) = (text.as_ptr(), text.len() as u32);
        let (into, most) = (room.as_mut_ptr(), MESSAGE_BYTES as u32);
        aios_request(tool, at, bytes, now() + PATIENCE, into, most, message.as_mut_ptr())
    };
    match status {
        AIOS_STATUS_OK => {}
        AIOS_STATUS_TIMED_OUT => return Err(Failure::TimedOut),
        _ => return Err(Failure::Refused(status)),
    }
    let answer = String::from_utf8_lossy(&room[..word(&message, AIOS_MESSAGE_PAYLOAD_BYTES) as usize]);
    match answer.split_once(' ') {
        Some(("ok", result)) => Ok(result.to_string()),
        Some(("error", why)) => Err(Failure::Tool(why.to_string())),
        _ => Err(Failure::Tool("an answer that is none".to_string())),
    }
}

fn perform(task: &str) -> Result<String, Failure> {
    let (name, what) = task.split_once(' ').unwrap_or((task, ""));
    ask(tool(name)?, what)
}

fn main() {
    let mut failed = 0;
    for task in std::env::args().skip(1) {
        match perform(&task) {
            Ok(result) => println!("{task}: {result}"),
            Err(why) => {
                failed += 1;
                println!("{task}: failed, {why}");
            }
        }
    }
    std::process::exit(failed);
}
