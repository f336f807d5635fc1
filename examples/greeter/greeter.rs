#[path = "../../sdk/rust/wasm/aios.rs"]
mod aios;
use aios::*;

fn main() {
    let (mut room, mut message) = (vec![0u8; 65536], [0u8; 32]);
    for greeted in 1.. {
        let (at, told) = (room.as_mut_ptr(), message.as_mut_ptr());
        if unsafe { aios_receive(0, AIOS_NEVER, at, 65536, told) } != AIOS_STATUS_OK {
            return;
        }
        let word = |at: u32| u64::from_le_bytes(message[at as usize..][..8].try_into().unwrap());
        let name = String::from_utf8_lossy(&room[..word(AIOS_MESSAGE_PAYLOAD_BYTES) as usize]);
        let to = word(AIOS_MESSAGE_CAPABILITY) as i64;
        let text = format!("hello {name}");
        unsafe {
            aios_send(to, text.as_ptr(), text.len() as u32, 0);
            aios_drop(to);
        }
        println!("{greeted} {name}");
    }
}
