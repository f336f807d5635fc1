//! What an agent is given by name when it is born: arguments, streams, capabilities. The same program runs as
//! the first agent of a machine, which finds its arguments on the stack and writes to the console, and as one
//! that the system has started, whose parent sends a message (services/messages/birth_layout.ts).
use crate::{console_write, constants::*, receive, sys, Answer, Header, Start};
use core::{ffi::CStr, ptr, slice};

const NOBODY: *mut u8 = ptr::null_mut();

/// Lies in the room that [`born`] was given, or on the stack.
pub struct Birth<'a> {
    pub this: u64,
    pub pool: u64,
    /// Of a machine's first agent; else 0.
    pub kernel: u64,
    /// Capabilities: pipes, and the service for files; 0: there is none.
    pub input: u64,
    pub output: u64,
    pub errors: u64,
    pub files: u64,
    arguments: usize,
    variables: usize,
    /// Strings with a zero byte behind each: arguments, variables, names of capabilities.
    strings: &'a [u8],
    /// Of capabilities, eight bytes each.
    handles: &'a [u8],
}

/// Learns what the agent was given: its first call, most often. 66 KiB of room are enough for whatever there may
/// be. Refused with a call's status: `STATUS_TOO_LARGE` if the room is too small.
pub fn born<'a>(start: &Start, room: &'a mut [u8]) -> Result<Birth<'a>, u64> {
    if start.scope != 0 {
        return Ok(first(start));
    }
    let bytes = hear(start.this, room)?;
    let message = &room[..bytes];
    let count = |at: u64| word(message, at as usize) as u32 as usize;
    let named = count(BIRTH_CAPABILITIES);
    let strings = BIRTH_HANDLES as usize + 8 * named;
    let stream = |n: usize| word(message, BIRTH_STREAMS as usize + 8 * n);
    Ok(Birth {
        this: start.this,
        pool: start.pool,
        kernel: 0,
        input: stream(0),
        output: stream(1),
        errors: stream(2),
        files: word(message, BIRTH_FILES as usize),
        arguments: count(BIRTH_ARGUMENTS),
        variables: count(BIRTH_VARIABLES),
        strings: &message[strings..],
        handles: &message[BIRTH_HANDLES as usize..strings],
    })
}

/// The strings of a first agent follow each other on its stack, from `argv[0]` on.
fn first<'a>(start: &Start) -> Birth<'a> {
    let arguments = start.argc as usize;
    let mut variables = 0;
    // SAFETY: the kernel ends argv and envp with null pointers, and each string with a zero byte.
    let strings = unsafe {
        while !(*start.envp.add(variables)).is_null() {
            variables += 1;
        }
        let begin = *start.argv;
        let mut end = begin;
        for _ in 0..arguments + variables {
            end = end.add(CStr::from_ptr(end.cast()).to_bytes_with_nul().len());
        }
        slice::from_raw_parts(begin, end.offset_from(begin) as usize)
    };
    Birth {
        this: start.this,
        pool: start.pool,
        kernel: start.argument,
        input: 0,
        output: 0,
        errors: 0,
        files: 0,
        arguments,
        variables,
        strings,
        handles: &[],
    }
}

/// Waits for what the parent says; what others have sent before is passed over. How many bytes it has.
fn hear(this: u64, room: &mut [u8]) -> Result<usize, u64> {
    let mut info = [0u64; INFO_BYTES as usize / 8];
    // SAFETY: the kernel writes to `info` only.
    unsafe { sys::agent_info(this, info.as_mut_ptr().cast(), INFO_BYTES)? };
    loop {
        let header = next(this, room)?;
        let from_parent = header.sender == info[INFO_PARENT as usize / 8];
        let long = header.payload_bytes >= BIRTH_HANDLES;
        if from_parent && long && word(room, BIRTH_MARK as usize) == BIRTH_MARK_VALUE {
            return Ok(header.payload_bytes as usize);
        }
    }
}

/// Waits for the next message.
pub fn next(this: u64, room: &mut [u8]) -> Result<Header, u64> {
    loop {
        match receive(this, room) {
            Err(STATUS_EMPTY) => {
                // SAFETY: the call has no addresses but null pointers.
                unsafe { sys::wait(this, NOBODY, 0, u64::MAX, WAIT_MAILBOX, NOBODY)? };
            }
            other => return other,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    let part = &bytes[at..bytes.len().min(at + 8)];
    word[..part.len()].copy_from_slice(part);
    u64::from_le_bytes(word)
}

impl<'a> Birth<'a> {
    fn all(&self) -> impl Iterator<Item = &'a [u8]> {
        self.strings.split(|&byte| byte == 0)
    }

    /// The first one is its name.
    pub fn arguments(&self) -> impl Iterator<Item = &'a [u8]> {
        self.all().take(self.arguments)
    }

    /// The value of a variable of its environment.
    pub fn variable(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut each = self.all().skip(self.arguments).take(self.variables);
        each.find_map(|text| text.strip_prefix(name)?.strip_prefix(b"="))
    }

    /// What it may do, as text, with the handles.
    pub fn capabilities(&self) -> impl Iterator<Item = (&'a [u8], u64)> {
        let handles = self.handles;
        let names = self.all().skip(self.arguments + self.variables).take(handles.len() / 8);
        names.enumerate().map(move |(n, name)| (name, word(handles, 8 * n)))
    }

    /// Writes all of it, and waits while the pipe is full; the first agent's streams are the console.
    pub fn write(&self, stream: u64, bytes: &[u8]) -> Answer {
        if stream == 0 && self.kernel != 0 {
            return console_write(self.kernel, bytes);
        }
        let mut left = bytes;
        while !left.is_empty() {
            let part = left.len().min(4096) as u64;
            // SAFETY: the kernel only reads the part.
            match unsafe { sys::pipe_write(stream, left.as_ptr(), part) } {
                Ok(taken) => left = &left[taken as usize..],
                Err(STATUS_FULL) => self.room_in(stream)?,
                Err(status) => return Err(status),
            }
        }
        Ok(0)
    }

    /// What a pipe has, up to the length of `into`, and waits while that is none: how many bytes; 0 at its end, or
    /// without one.
    pub fn read(&self, stream: u64, into: &mut [u8]) -> Answer {
        if stream == 0 || into.is_empty() {
            return Ok(0);
        }
        let most = into.len().min(4096) as u64;
        let list = [stream];
        loop {
            // SAFETY: the kernel writes to `into`, as far as it may, and only reads the list.
            let answer = unsafe {
                match sys::pipe_read(stream, into.as_mut_ptr(), most) {
                    Err(STATUS_EMPTY) => {
                        sys::wait(self.this, list.as_ptr().cast(), 1, u64::MAX, 0, NOBODY).map(|_| None)
                    }
                    read => read.map(Some),
                }
            };
            match answer {
                Ok(Some(count)) => return Ok(count),
                Ok(None) => {}
                Err(STATUS_OBJECT_GONE | STATUS_ABANDONED) => return Ok(0),
                Err(status) => return Err(status),
            }
        }
    }

    fn room_in(&self, pipe: u64) -> Result<(), u64> {
        // SAFETY: the kernel reads the list, and nothing else of the agent's memory.
        unsafe {
            let queue = sys::endpoint_create(self.pool, ENDPOINT_QUEUE, 1)?;
            let list = [queue];
            let waited = sys::endpoint_notify(pipe, queue, NOTIFY_ROOM, 0, 1)
                .and_then(|_| sys::wait(self.this, list.as_ptr().cast(), 1, u64::MAX, 0, NOBODY));
            let _ = sys::endpoint_close(queue);
            let _ = sys::cap_revoke(queue, REVOKE_ITSELF);
            waited.map(|_| ())
        }
    }
}
