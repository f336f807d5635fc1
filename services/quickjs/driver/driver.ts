/**
 * The program around the engine: what `main` is to an interpreter's library. It is AssemblyScript, and
 * is linked to the engine's module, so that both are one module that runs from `_start`.
 *
 *   prepare   once, when the engine is built: runtime, context, prelude. What is then in memory is the
 *             state in which every script begins.
 *   _start    evaluates the script as a module; then jobs, and turns of the prelude, until there is
 *             nothing left to wait for.
 *
 * It has no data of its own in memory but a block from the engine's allocator (memory.ts).
 */
import * as op from "../guest/operations";
import * as calls from "./calls";
import * as js from "./engine";
import * as files from "./files";
import { argument, block, Block, firstView, give, nothing, number, numberAt, reserve, take } from "./memory";

@external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: i32): void;
@external("quickjs", "text") declare function hostText(which: i32, at: usize, room: usize): usize;
@external("quickjs", "who") declare function hostWho(): u64;

/** Bytes that the agent has left of the host's stack. */
@external("aios", "room") declare function stackLeft(): i32;

const EVAL_MODULE: i32 = 1;
const PROMISE_PENDING: i32 = 0;
const PROMISE_REJECTED: i32 = 2;
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

/** A text of the host with a zero behind it; freed by the caller. Its length is in `word0`. */
function fetch(which: i32): usize {
  const bytes = hostText(which, 0, 0);
  const at = js.malloc(bytes + 1);
  if (at == 0) outOfMemory();
  hostText(which, at, bytes);
  store<u8>(at + bytes, 0);
  block.word0 = bytes;
  return at;
}

function outOfMemory(): void {
  // "no room\n"
  block.name = 0x0a6d6f6f72206f6e;
  files.writeAll(STDERR, changetype<usize>(block) + offsetof<Block>("name"), 8);
  proc_exit(CODE_UNCAUGHT);
}

// ── What the prelude asks for ────────────────────────────────────────────────────────────────────

function chance(): f64 {
  const who = hostWho();
  if (block.owner != who) {
    files.random_get(changetype<usize>(block) + offsetof<Block>("seed"), 8);
    block.owner = who;
  }
  block.seed += GOLDEN;
  let mixed = block.seed;
  mixed = (mixed ^ (mixed >> 30)) * MIX_1;
  mixed = (mixed ^ (mixed >> 27)) * MIX_2;
  mixed ^= mixed >> 31;
  return <f64>(mixed >> 11) * (1.0 / 9007199254740992.0);
}

function text(which: i32): usize {
  const at = fetch(which);
  const value = js.qjs_new_string(at, block.word0);
  js.free(at);
  return value;
}

function encode(value: usize): usize {
  const view = firstView();
  if (!take(value, view)) return nothing();
  const bytes = js.qjs_new_uint8_array(view.at, view.bytes);
  give(view);
  return bytes;
}

function decode(value: usize): usize {
  const view = firstView();
  if (!take(value, view)) return nothing();
  const string = js.qjs_new_string(view.at, view.bytes);
  give(view);
  return string;
}

function hooks(list: usize): usize {
  block.turn = js.qjs_dup_value(argument(list, 1));
  block.report = js.qjs_dup_value(argument(list, 2));
  block.rejected = js.qjs_dup_value(argument(list, 3));
  block.begin = js.qjs_dup_value(argument(list, 4));
  return nothing();
}

/** How many arguments an operation must have; a script can't come here, but the prelude may err. */
@inline function has(count: i32, wanted: i32): bool {
  return count > wanted;
}

/** The engine calls this for the host function. 0 would mean that it has thrown. */
export function host_call(_name: usize, _bytes: usize, _self: usize, count: i32, list: usize): usize {
  if (count < 1) return nothing();
  switch (<i32>numberAt(list, 0)) {
    case op.OP_WRITE: if (has(count, 2)) return files.write(list); break;
    case op.OP_READ: if (has(count, 1)) return files.read(list); break;
    case op.OP_EXIT: if (has(count, 1)) proc_exit(<i32><u32>numberAt(list, 1)); break;
    case op.OP_NOW: return files.now();
    case op.OP_RANDOM: if (has(count, 1)) return files.random(list); break;
    case op.OP_CHANCE: return number(chance());
    case op.OP_TEXT: if (has(count, 1)) return text(<i32>numberAt(list, 1)); break;
    case op.OP_ENCODE: if (has(count, 1)) return encode(argument(list, 1)); break;
    case op.OP_DECODE: if (has(count, 1)) return decode(argument(list, 1)); break;
    case op.OP_HOOKS: if (has(count, 4)) return hooks(list); break;
    case op.OP_WHO: return number(<f64>hostWho());
    case op.OP_FIND: if (has(count, 1)) return calls.find(list); break;
    case op.OP_SEND: if (has(count, 3)) return calls.send(list); break;
    case op.OP_RECEIVE: if (has(count, 1)) return calls.receive(list); break;
    case op.OP_WAIT: if (has(count, 2)) return calls.wait(count, list); break;
    case op.OP_QUEUE: return calls.queue();
    case op.OP_SENDER: if (has(count, 1)) return calls.sender(list); break;
    case op.OP_DROP: if (has(count, 1)) return calls.drop(list); break;
    case op.OP_CLONE: return calls.clone();
    case op.OP_SPAWN: if (has(count, 5)) return calls.spawn(list); break;
    case op.OP_KILL: if (has(count, 2)) return calls.kill(list); break;
    case op.OP_FOLDER: if (has(count, 1)) return files.folder(list); break;
    case op.OP_OPEN: if (has(count, 5)) return files.open(list); break;
    case op.OP_CLOSE: if (has(count, 1)) return files.close(list); break;
    case op.OP_ENTRIES: if (has(count, 2)) return files.entries(list); break;
    case op.OP_STAT: if (has(count, 2)) return files.stat(list); break;
    case op.OP_CHANGE: if (has(count, 5)) return files.change(list); break;
  }
  return nothing();
}

/** A promise was rejected with nobody to see it (`handled` 0), or somebody sees it after all. */
export function host_promise_rejection(promise: usize, reason: usize, handled: i32): void {
  if (block.rejected != 0) {
    block.args0 = promise;
    block.args1 = reason;
    block.args2 = handled ? js.qjs_get_true() : js.qjs_get_false();
    const self = nothing();
    js.qjs_free_value(js.qjs_call(block.rejected, self, 3, changetype<usize>(block) + offsetof<Block>("args0")));
    js.qjs_free_value(self);
    js.qjs_free_value(block.args2);
  }
  js.qjs_free_value(promise);
  js.qjs_free_value(reason);
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
  const self = nothing();
  const shown = js.qjs_call(block.report, self, 1, changetype<usize>(block) + offsetof<Block>("args0"));
  if (js.qjs_is_exception(shown)) outOfMemory();
  proc_exit(CODE_UNCAUGHT);
}

function runJobs(): void {
  while (js.qjs_is_job_pending()) if (js.qjs_execute_pending_job() < 0) fail(js.qjs_get_exception());
}

/** Calls one of the prelude's functions; what it returns, as a boolean. */
function call(hook: usize): bool {
  const self = nothing();
  const result = js.qjs_call(hook, self, 0, 0);
  js.qjs_free_value(self);
  if (js.qjs_is_exception(result)) fail(js.qjs_get_exception());
  const value = js.qjs_get_bool(result);
  js.qjs_free_value(result);
  return value != 0;
}

/** Evaluates a module whose name is `name`, as bytes of a word; its promise. */
function evaluate(which: i32, name: u64): usize {
  block.name = name;
  const at = fetch(which);
  const bytes = block.word0;
  const promise = js.qjs_eval(at, bytes, changetype<usize>(block) + offsetof<Block>("name"), EVAL_MODULE);
  if (js.qjs_is_exception(promise)) fail(js.qjs_get_exception());
  js.free(at);
  return promise;
}

export function prepare(): void {
  js.initialize();
  if (js.qjs_init() != 0) unreachable();
  js.qjs_set_max_stack_size(STACK_BYTES);
  reserve();
  // "host"
  block.name = 0x74736f68;
  const name = changetype<usize>(block) + offsetof<Block>("name");
  const host = js.qjs_new_host_function(name, 4, 1);
  const global = js.qjs_get_global();
  js.qjs_set_prop_string(global, name, host);
  js.qjs_free_value(host);
  js.qjs_free_value(global);
  // "aios"
  js.qjs_free_value(evaluate(op.TEXT_PRELUDE, 0x736f6961));
  runJobs();
  if (block.turn == 0) unreachable();
  js.qjs_set_promise_rejection_handler(1);
}

export function _start(): void {
  call(block.begin);
  // "main.js"
  const promise = evaluate(op.TEXT_SCRIPT, 0x736a2e6e69616d);
  do {
    runJobs();
    if (js.qjs_promise_state(promise) == PROMISE_REJECTED) fail(js.qjs_promise_result(promise));
  } while (call(block.turn));
  proc_exit(js.qjs_promise_state(promise) == PROMISE_PENDING ? CODE_UNSETTLED : 0);
}
