/**
 * The program around the engine: what `main` is to an interpreter's library. It is AssemblyScript, and
 * is linked to the engine's module, so that both are one module that runs from `_start`.
 *
 *   prepare   once, when the engine is built: runtime, context, prelude. What is then in memory is the
 *             state in which every script begins.
 *   _start    evaluates the script as a module; then jobs, and turns of the prelude, until there is
 *             nothing left to wait for.
 *
 * It has no data of its own in memory but a block from the engine's allocator. Values of JavaScript are
 * pointers to a JSValue on that heap; whoever gets one from a function of the engine frees it.
 */
import * as op from "./operations";

@external("engine", "_initialize") declare function initialize(): void;
@external("engine", "qjs_init") declare function qjs_init(): i32;
@external("engine", "qjs_set_max_stack_size") declare function qjs_set_max_stack_size(bytes: usize): void;
@external("engine", "qjs_set_promise_rejection_handler")
declare function qjs_set_promise_rejection_handler(enable: i32): void;
@external("engine", "wasm_malloc") declare function malloc(bytes: usize): usize;
@external("engine", "wasm_free") declare function free(at: usize): void;
@external("engine", "qjs_eval")
declare function qjs_eval(code: usize, bytes: usize, name: usize, flags: i32): usize;
@external("engine", "qjs_get_global") declare function qjs_get_global(): usize;
@external("engine", "qjs_set_prop_string")
declare function qjs_set_prop_string(object: usize, name: usize, value: usize): i32;
@external("engine", "qjs_set_prop_uint32")
declare function qjs_set_prop_uint32(object: usize, index: u32, value: usize): i32;
@external("engine", "qjs_new_host_function")
declare function qjs_new_host_function(name: usize, bytes: usize, parameters: i32): usize;
@external("engine", "qjs_dup_value") declare function qjs_dup_value(value: usize): usize;
@external("engine", "qjs_free_value") declare function qjs_free_value(value: usize): void;
@external("engine", "qjs_call")
declare function qjs_call(callee: usize, self: usize, count: i32, list: usize): usize;
@external("engine", "qjs_is_exception") declare function qjs_is_exception(value: usize): i32;
@external("engine", "qjs_get_exception") declare function qjs_get_exception(): usize;
@external("engine", "qjs_is_job_pending") declare function qjs_is_job_pending(): i32;
@external("engine", "qjs_execute_pending_job") declare function qjs_execute_pending_job(): i32;
@external("engine", "qjs_promise_state") declare function qjs_promise_state(value: usize): i32;
@external("engine", "qjs_promise_result") declare function qjs_promise_result(value: usize): usize;
@external("engine", "qjs_get_undefined") declare function qjs_get_undefined(): usize;
@external("engine", "qjs_get_true") declare function qjs_get_true(): usize;
@external("engine", "qjs_get_false") declare function qjs_get_false(): usize;
@external("engine", "qjs_get_bool") declare function qjs_get_bool(value: usize): i32;
@external("engine", "qjs_new_number") declare function qjs_new_number(value: f64): usize;
@external("engine", "qjs_get_float64") declare function qjs_get_float64(value: usize): f64;
@external("engine", "qjs_new_big_int64") declare function qjs_new_big_int64(low: i32, high: i32): usize;
@external("engine", "qjs_get_big_int64")
declare function qjs_get_big_int64(value: usize, low: usize, high: usize): i32;
@external("engine", "qjs_new_string") declare function qjs_new_string(at: usize, bytes: usize): usize;
@external("engine", "qjs_is_string") declare function qjs_is_string(value: usize): i32;
@external("engine", "qjs_get_string_len")
declare function qjs_get_string_len(value: usize, bytes: usize): usize;
@external("engine", "qjs_free_cstring") declare function qjs_free_cstring(at: usize): void;
@external("engine", "qjs_new_uint8_array")
declare function qjs_new_uint8_array(at: usize, bytes: usize): usize;
@external("engine", "qjs_get_typed_array_buffer")
declare function qjs_get_typed_array_buffer(value: usize, offset: usize, bytes: usize, size: usize): usize;
@external("engine", "qjs_get_array_buffer")
declare function qjs_get_array_buffer(value: usize, bytes: usize): usize;
@external("engine", "qjs_new_array") declare function qjs_new_array(): usize;

@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, written: usize): i32;
@external("wasi_snapshot_preview1", "clock_time_get")
declare function clock_time_get(clock: i32, precision: u64, at: usize): i32;
@external("wasi_snapshot_preview1", "random_get")
declare function random_get(at: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: i32): void;

@external("quickjs", "text") declare function hostText(which: i32, at: usize, room: usize): usize;
@external("quickjs", "who") declare function hostWho(): u64;
@external("quickjs", "find") declare function hostFind(at: usize, bytes: usize): f64;
@external("quickjs", "send")
declare function hostSend(to: f64, at: usize, bytes: usize, capability: f64): i32;
@external("quickjs", "receive")
declare function hostReceive(from: f64, at: usize, told: usize): i32;
@external("quickjs", "wait")
declare function hostWait(deadline: u64, mailbox: i32, list: usize, count: i32): i32;
@external("quickjs", "queue") declare function hostQueue(): f64;
@external("quickjs", "sender") declare function hostSender(queue: f64): f64;
@external("quickjs", "drop") declare function hostDrop(capability: f64): void;

/** Bytes that the agent has left of the host's stack. */
@external("aios", "room") declare function stackLeft(): i32;

const EVAL_MODULE: i32 = 1;
const PROMISE_PENDING: i32 = 0;
const PROMISE_REJECTED: i32 = 2;
const CLOCK_MONOTONIC: i32 = 1;
const STDERR: i32 = 2;
const CODE_UNCAUGHT: i32 = 1;
/** As Node's for a module whose top-level await never comes back. */
const CODE_UNSETTLED: i32 = 13;

/** How much the engine may take of its own stack, which has a mebibyte. */
const STACK_BYTES: usize = 960 * 1024;
/** Bytes of the host's stack that there must be where the engine checks: what it takes between two checks. */
const STACK_LEFT_MIN: i32 = 128 * 1024;

/** SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014, figure 17). */
const GOLDEN: u64 = 0x9e3779b97f4a7c15;
const MIX_1: u64 = 0xbf58476d1ce4e5b9;
const MIX_2: u64 = 0x94d049bb133111eb;

/** The driver's block: its state, and places for results. */
@unmanaged
class Block {
  /** The prelude's functions. */
  turn: usize;
  report: usize;
  rejected: usize;
  begin: usize;
  /** The generator's state, and the agent whose it is: a clone begins one of its own. */
  seed: u64;
  owner: u64;
  /** Results of calls. */
  word0: u32;
  word1: u32;
  word2: u32;
  word3: u32;
  told0: f64;
  told1: f64;
  name: u64;
  args0: usize;
  args1: usize;
  args2: usize;
}

let block: Block = changetype<Block>(0);
/** Room for a message, and for a list of queues. */
let room: usize = 0;

// ── Values ───────────────────────────────────────────────────────────────────────────────────────

/** Bytes of a string or a typed array. `owned` is a C string to be freed, or 0. */
@unmanaged
class View {
  at: usize;
  bytes: usize;
  owned: usize;
}

/** The bytes of `value`: false, and nothing to free, if it is neither text nor bytes. */
function take(value: usize, view: View): bool {
  const out = changetype<usize>(block);
  const word0 = out + offsetof<Block>("word0");
  view.owned = 0;
  view.at = 0;
  view.bytes = 0;
  if (qjs_is_string(value)) {
    view.at = qjs_get_string_len(value, word0);
    view.owned = view.at;
    view.bytes = block.word0;
    return view.at != 0;
  }
  const buffer = qjs_get_typed_array_buffer(
    value, word0, out + offsetof<Block>("word1"), out + offsetof<Block>("word2"));
  if (qjs_is_exception(buffer)) {
    qjs_free_value(buffer);
    qjs_free_value(qjs_get_exception());
    return false;
  }
  const offset = block.word0;
  const bytes = block.word1;
  const at = qjs_get_array_buffer(buffer, out + offsetof<Block>("word3"));
  // The array that was given keeps its buffer.
  qjs_free_value(buffer);
  if (at == 0 || offset + bytes > block.word3) {
    if (at == 0) qjs_free_value(qjs_get_exception());
    return bytes == 0;
  }
  view.at = at + offset;
  view.bytes = bytes;
  return true;
}

function give(view: View): void {
  if (view.owned != 0) qjs_free_cstring(view.owned);
}

@inline function argument(list: usize, index: i32): usize {
  return load<usize>(list + (<usize>index << 2));
}

@inline function numberAt(list: usize, index: i32): f64 {
  return qjs_get_float64(argument(list, index));
}

/** A text of the host with a zero behind it; freed by the caller. Its length is in `word0`. */
function fetch(which: i32): usize {
  const bytes = hostText(which, 0, 0);
  const at = malloc(bytes + 1);
  if (at == 0) outOfMemory();
  hostText(which, at, bytes);
  store<u8>(at + bytes, 0);
  block.word0 = bytes;
  return at;
}

function outOfMemory(): void {
  // "no room\n"
  block.name = 0x0a6d6f6f72206f6e;
  write(STDERR, changetype<usize>(block) + offsetof<Block>("name"), 8);
  proc_exit(CODE_UNCAUGHT);
}

// ── What the prelude asks for ────────────────────────────────────────────────────────────────────

/** Writes all of it; a stream that isn't there, or has nobody behind it, takes nothing. */
function write(fd: i32, at: usize, bytes: usize): void {
  const list = changetype<usize>(block) + offsetof<Block>("word0");
  let done: usize = 0;
  while (done < bytes) {
    block.word0 = at + done;
    block.word1 = bytes - done;
    block.word2 = 0;
    if (fd_write(fd, list, 1, list + 8) != 0) return;
    done += block.word2;
  }
}

function chance(): f64 {
  const who = hostWho();
  if (block.owner != who) {
    random_get(changetype<usize>(block) + offsetof<Block>("seed"), 8);
    block.owner = who;
  }
  block.seed += GOLDEN;
  let mixed = block.seed;
  mixed = (mixed ^ (mixed >> 30)) * MIX_1;
  mixed = (mixed ^ (mixed >> 27)) * MIX_2;
  mixed ^= mixed >> 31;
  return <f64>(mixed >> 11) * (1.0 / 9007199254740992.0);
}

function now(): usize {
  const at = changetype<usize>(block) + offsetof<Block>("word0");
  clock_time_get(CLOCK_MONOTONIC, 0, at);
  return qjs_new_big_int64(<i32>block.word0, <i32>block.word1);
}

function random(count: f64): usize {
  const bytes = <usize>min(max(count, 0.0), <f64>op.MESSAGE_BYTES_MAX);
  random_get(room, bytes);
  return qjs_new_uint8_array(room, bytes);
}

function text(which: i32): usize {
  const at = fetch(which);
  const value = qjs_new_string(at, block.word0);
  free(at);
  return value;
}

function writeText(fd: i32, value: usize, view: View): usize {
  if (take(value, view)) {
    write(fd, view.at, view.bytes);
    give(view);
  }
  return qjs_get_undefined();
}

function encode(value: usize, view: View): usize {
  if (!take(value, view)) return qjs_get_undefined();
  const bytes = qjs_new_uint8_array(view.at, view.bytes);
  give(view);
  return bytes;
}

function decode(value: usize, view: View): usize {
  if (!take(value, view)) return qjs_get_undefined();
  const string = qjs_new_string(view.at, view.bytes);
  give(view);
  return string;
}

function find(name: usize, view: View): usize {
  if (!take(name, view)) return qjs_new_number(0);
  const place = hostFind(view.at, view.bytes);
  give(view);
  return qjs_new_number(place);
}

function send(list: usize, view: View): usize {
  if (!take(argument(list, 2), view)) return qjs_get_undefined();
  const status = hostSend(numberAt(list, 1), view.at, view.bytes, numberAt(list, 3));
  give(view);
  return qjs_new_number(<f64>status);
}

function receive(list: usize): usize {
  const told = changetype<usize>(block) + offsetof<Block>("told0");
  const bytes = hostReceive(numberAt(list, 1), room, told);
  if (bytes < 0) return qjs_new_number(<f64>bytes);
  const message = qjs_new_array();
  put(message, 0, qjs_new_uint8_array(room, bytes));
  put(message, 1, qjs_new_number(block.told0));
  put(message, 2, qjs_new_number(block.told1));
  return message;
}

function put(array: usize, index: u32, value: usize): void {
  qjs_set_prop_uint32(array, index, value);
  qjs_free_value(value);
}

function wait(count: i32, list: usize): usize {
  const low = changetype<usize>(block) + offsetof<Block>("word0");
  block.word0 = u32.MAX_VALUE;
  block.word1 = u32.MAX_VALUE;
  qjs_get_big_int64(argument(list, 1), low, low + 4);
  const queues = min(count - 3, op.QUEUES_MAX);
  for (let n = 0; n < queues; n++) store<f64>(room + (<usize>n << 3), numberAt(list, n + 3));
  const deadline = (<u64>block.word1 << 32) | <u64>block.word0;
  return qjs_new_number(<f64>hostWait(deadline, <i32>numberAt(list, 2), room, max(queues, 0)));
}

function hooks(list: usize): usize {
  block.turn = qjs_dup_value(argument(list, 1));
  block.report = qjs_dup_value(argument(list, 2));
  block.rejected = qjs_dup_value(argument(list, 3));
  block.begin = qjs_dup_value(argument(list, 4));
  return qjs_get_undefined();
}

/** How many arguments an operation must have; a script can't come here, but the prelude may err. */
@inline function has(count: i32, wanted: i32): bool {
  return count > wanted;
}

/** The engine calls this for the host function. 0 would mean that it has thrown. */
export function host_call(_name: usize, _bytes: usize, _self: usize, count: i32, list: usize): usize {
  if (count < 1) return qjs_get_undefined();
  const view = changetype<View>(changetype<usize>(block) + offsetof<Block>());
  switch (<i32>numberAt(list, 0)) {
    case op.OP_WRITE: if (has(count, 2)) return writeText(<i32>numberAt(list, 1), argument(list, 2), view); break;
    case op.OP_EXIT: if (has(count, 1)) proc_exit(<i32>numberAt(list, 1)); break;
    case op.OP_NOW: return now();
    case op.OP_RANDOM: if (has(count, 1)) return random(numberAt(list, 1)); break;
    case op.OP_CHANCE: return qjs_new_number(chance());
    case op.OP_TEXT: if (has(count, 1)) return text(<i32>numberAt(list, 1)); break;
    case op.OP_ENCODE: if (has(count, 1)) return encode(argument(list, 1), view); break;
    case op.OP_DECODE: if (has(count, 1)) return decode(argument(list, 1), view); break;
    case op.OP_SEND: if (has(count, 3)) return send(list, view); break;
    case op.OP_RECEIVE: if (has(count, 1)) return receive(list); break;
    case op.OP_WAIT: if (has(count, 2)) return wait(count, list); break;
    case op.OP_QUEUE: return qjs_new_number(hostQueue());
    case op.OP_SENDER: if (has(count, 1)) return qjs_new_number(hostSender(numberAt(list, 1))); break;
    case op.OP_DROP: if (has(count, 1)) hostDrop(numberAt(list, 1)); break;
    case op.OP_FIND: if (has(count, 1)) return find(argument(list, 1), view); break;
    case op.OP_HOOKS: if (has(count, 4)) return hooks(list); break;
  }
  return qjs_get_undefined();
}

/** A promise was rejected with nobody to see it (`handled` 0), or somebody sees it after all. */
export function host_promise_rejection(promise: usize, reason: usize, handled: i32): void {
  if (block.rejected != 0) {
    block.args0 = promise;
    block.args1 = reason;
    block.args2 = handled ? qjs_get_true() : qjs_get_false();
    const self = qjs_get_undefined();
    qjs_free_value(qjs_call(block.rejected, self, 3, changetype<usize>(block) + offsetof<Block>("args0")));
    qjs_free_value(self);
    qjs_free_value(block.args2);
  }
  qjs_free_value(promise);
  qjs_free_value(reason);
}

/** There are no interrupts from within, no modules but the one that is there, and one time zone. */
export function host_interrupt(): i32 { return 0; }
export function host_module_normalize(_base: usize, _name: usize): usize { return 0; }
export function host_module_load(_name: usize, _bytes: usize): usize { return 0; }
export function host_get_timezone_offset(_high: i32, _low: i32): i32 { return 0; }

/** What each of the engine's checks of its stack compares its stack pointer with: engine/stack.ts. */
export function stack_limit(runtime: usize): usize {
  return stackLeft() < STACK_LEFT_MIN ? usize.MAX_VALUE : load<usize>(runtime, op.STACK_LIMIT_AT);
}

// ── Running ──────────────────────────────────────────────────────────────────────────────────────

/** Shows what was thrown and not caught, and ends. */
function fail(reason: usize): void {
  block.args0 = reason;
  const self = qjs_get_undefined();
  const shown = qjs_call(block.report, self, 1, changetype<usize>(block) + offsetof<Block>("args0"));
  if (qjs_is_exception(shown)) outOfMemory();
  proc_exit(CODE_UNCAUGHT);
}

function runJobs(): void {
  while (qjs_is_job_pending()) if (qjs_execute_pending_job() < 0) fail(qjs_get_exception());
}

/** Calls one of the prelude's functions; what it returns, as a boolean. */
function call(hook: usize): bool {
  const self = qjs_get_undefined();
  const result = qjs_call(hook, self, 0, 0);
  qjs_free_value(self);
  if (qjs_is_exception(result)) fail(qjs_get_exception());
  const value = qjs_get_bool(result);
  qjs_free_value(result);
  return value != 0;
}

/** Evaluates a module whose name is `name`, as bytes of a word; its promise. */
function evaluate(which: i32, name: u64): usize {
  block.name = name;
  const at = fetch(which);
  const bytes = block.word0;
  const promise = qjs_eval(at, bytes, changetype<usize>(block) + offsetof<Block>("name"), EVAL_MODULE);
  if (qjs_is_exception(promise)) fail(qjs_get_exception());
  free(at);
  return promise;
}

export function prepare(): void {
  initialize();
  if (qjs_init() != 0) unreachable();
  qjs_set_max_stack_size(STACK_BYTES);
  const bytes = offsetof<Block>() + offsetof<View>();
  block = changetype<Block>(malloc(bytes));
  memory.fill(changetype<usize>(block), 0, bytes);
  room = malloc(op.MESSAGE_BYTES_MAX);
  // "host"
  block.name = 0x74736f68;
  const name = changetype<usize>(block) + offsetof<Block>("name");
  const host = qjs_new_host_function(name, 4, 1);
  const global = qjs_get_global();
  qjs_set_prop_string(global, name, host);
  qjs_free_value(host);
  qjs_free_value(global);
  // "aios"
  qjs_free_value(evaluate(op.TEXT_PRELUDE, 0x736f6961));
  runJobs();
  if (block.turn == 0) unreachable();
  qjs_set_promise_rejection_handler(1);
}

export function _start(): void {
  call(block.begin);
  // "main.js"
  const promise = evaluate(op.TEXT_SCRIPT, 0x736a2e6e69616d);
  do {
    runJobs();
    if (qjs_promise_state(promise) == PROMISE_REJECTED) fail(qjs_promise_result(promise));
  } while (call(block.turn));
  proc_exit(qjs_promise_state(promise) == PROMISE_PENDING ? CODE_UNSETTLED : 0);
}
