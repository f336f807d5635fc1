/** System calls for the prelude: the functions of "aios" (services/wasm/aios_calls.ts). */
import {
  aios_capability, aios_clone, aios_derive, aios_drop, aios_kill, aios_queue, aios_receive, aios_send, aios_spawn,
  aios_wait, AIOS_CHILD_CAPABILITY, AIOS_CHILD_ID, AIOS_EVENT_AGENT, AIOS_EVENT_CODE, AIOS_EVENT_INDEX,
  AIOS_EVENT_KIND, AIOS_EVENT_REASON, AIOS_GRANT_BYTES, AIOS_GRANT_NAME, AIOS_MESSAGE_CAPABILITY,
  AIOS_MESSAGE_PAYLOAD_BYTES, AIOS_MESSAGE_SENDER, AIOS_NEVER, AIOS_RIGHT_DERIVE, AIOS_RIGHT_SEND,
  AIOS_STATUS_OK, AIOS_STATUS_TOO_LARGE,
} from "../../../sdk/assemblyscript/aios";
import * as op from "../guest/operations";
import * as js from "./engine";
import {
  argument, firstView, give, handleAt, long, longAt, nothing, number, numberAt, put, room, ROOM_BYTES, secondView,
  take, told,
} from "./memory";

/** A status, which is above 0; 0 for success. */
@inline function status(code: u32): usize {
  return number(<f64>code);
}

/** A capability that a call has left, or below 0 the status. */
@inline function made(code: u32): usize {
  return number(code == AIOS_STATUS_OK ? <f64>load<i64>(told()) : -<f64>code);
}

export function find(list: usize): usize {
  const view = firstView();
  if (!take(argument(list, 1), view)) return number(0);
  const code = aios_capability(view.at, <u32>view.bytes, told());
  give(view);
  return number(code == AIOS_STATUS_OK ? <f64>load<i64>(told()) : 0);
}

export function send(list: usize): usize {
  const view = firstView();
  if (!take(argument(list, 2), view)) return nothing();
  const code = aios_send(handleAt(list, 1), view.at, <u32>view.bytes, handleAt(list, 3));
  give(view);
  return status(code);
}

export function receive(list: usize): usize {
  const at = told();
  const code = aios_receive(handleAt(list, 1), AIOS_NEVER, room, <u32>ROOM_BYTES, at);
  if (code != AIOS_STATUS_OK) return status(code);
  const message = js.qjs_new_array();
  const bytes = <usize>load<u64>(at + AIOS_MESSAGE_PAYLOAD_BYTES);
  put(message, 0, js.qjs_new_uint8_array(room, bytes));
  put(message, 1, number(<f64>load<u64>(at + AIOS_MESSAGE_SENDER)));
  put(message, 2, number(<f64>load<i64>(at + AIOS_MESSAGE_CAPABILITY)));
  return message;
}

export function wait(count: i32, list: usize): usize {
  const queues = max(min(count - 3, op.QUEUES_MAX), 0);
  for (let n = 0; n < queues; n++) store<i64>(room + (<usize>n << 3), handleAt(list, n + 3));
  const at = told();
  const code = aios_wait(room, queues, longAt(list, 1), <u32>numberAt(list, 2), at);
  if (code != AIOS_STATUS_OK) return status(code);
  const event = js.qjs_new_array();
  put(event, 0, number(<f64>load<u32>(at + AIOS_EVENT_KIND)));
  put(event, 1, number(<f64>load<u32>(at + AIOS_EVENT_INDEX)));
  put(event, 2, number(<f64>load<u64>(at + AIOS_EVENT_AGENT)));
  put(event, 3, number(<f64>load<u64>(at + AIOS_EVENT_REASON)));
  put(event, 4, long(load<u64>(at + AIOS_EVENT_CODE)));
  return event;
}

export function queue(): usize {
  return made(aios_queue(1, told()));
}

export function sender(list: usize): usize {
  return made(aios_derive(handleAt(list, 1), AIOS_RIGHT_SEND | AIOS_RIGHT_DERIVE, told()));
}

export function drop(list: usize): usize {
  return status(aios_drop(handleAt(list, 1)));
}

/** [identifier, capability], both 0 in a clone; or a status. */
function child(code: u32): usize {
  if (code != AIOS_STATUS_OK) return status(code);
  const array = js.qjs_new_array();
  put(array, 0, number(<f64>load<u64>(told() + AIOS_CHILD_ID)));
  put(array, 1, number(<f64>load<i64>(told() + AIOS_CHILD_CAPABILITY)));
  return array;
}

export function clone(): usize {
  return child(aios_clone(told()));
}

/** What is granted comes as the table's records, with the names behind them: their places count from there. */
export function spawn(list: usize): usize {
  const args = firstView();
  const grants = secondView();
  const count = <u32>numberAt(list, 4);
  if (!take(argument(list, 2), args)) return nothing();
  if (!take(argument(list, 5), grants)) {
    give(args);
    return nothing();
  }
  let code: u32 = AIOS_STATUS_TOO_LARGE;
  if (grants.bytes <= ROOM_BYTES && count * AIOS_GRANT_BYTES <= <u32>grants.bytes) {
    memory.copy(room, grants.at, grants.bytes);
    for (let n: u32 = 0; n < count; n++) {
      const name = room + n * AIOS_GRANT_BYTES + AIOS_GRANT_NAME;
      store<u32>(name, load<u32>(name) + <u32>room);
    }
    code = aios_spawn(handleAt(list, 1), args.at, <u32>args.bytes, room, count, <u64>numberAt(list, 3), told());
  }
  give(args);
  give(grants);
  return child(code);
}

export function kill(list: usize): usize {
  return status(aios_kill(handleAt(list, 1), <u64>numberAt(list, 2)));
}
