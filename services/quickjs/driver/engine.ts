/** What the engine exports (quickjs-wasi). Values of JavaScript are pointers to a JSValue on its heap. */
@external("engine", "_initialize") export declare function initialize(): void;
@external("engine", "qjs_init") export declare function qjs_init(): i32;
@external("engine", "qjs_set_max_stack_size") export declare function qjs_set_max_stack_size(bytes: usize): void;
@external("engine", "qjs_set_promise_rejection_handler")
export declare function qjs_set_promise_rejection_handler(enable: i32): void;
@external("engine", "wasm_malloc") export declare function malloc(bytes: usize): usize;
@external("engine", "wasm_free") export declare function free(at: usize): void;
@external("engine", "qjs_eval")
export declare function qjs_eval(code: usize, bytes: usize, name: usize, flags: i32): usize;
@external("engine", "qjs_get_global") export declare function qjs_get_global(): usize;
@external("engine", "qjs_set_prop_string")
export declare function qjs_set_prop_string(object: usize, name: usize, value: usize): i32;
@external("engine", "qjs_set_prop_uint32")
export declare function qjs_set_prop_uint32(object: usize, index: u32, value: usize): i32;
@external("engine", "qjs_new_host_function")
export declare function qjs_new_host_function(name: usize, bytes: usize, parameters: i32): usize;
@external("engine", "qjs_dup_value") export declare function qjs_dup_value(value: usize): usize;
@external("engine", "qjs_free_value") export declare function qjs_free_value(value: usize): void;
@external("engine", "qjs_call")
export declare function qjs_call(callee: usize, self: usize, count: i32, list: usize): usize;
@external("engine", "qjs_is_exception") export declare function qjs_is_exception(value: usize): i32;
@external("engine", "qjs_get_exception") export declare function qjs_get_exception(): usize;
@external("engine", "qjs_is_job_pending") export declare function qjs_is_job_pending(): i32;
@external("engine", "qjs_execute_pending_job") export declare function qjs_execute_pending_job(): i32;
@external("engine", "qjs_promise_state") export declare function qjs_promise_state(value: usize): i32;
@external("engine", "qjs_promise_result") export declare function qjs_promise_result(value: usize): usize;
@external("engine", "qjs_get_undefined") export declare function qjs_get_undefined(): usize;
@external("engine", "qjs_get_true") export declare function qjs_get_true(): usize;
@external("engine", "qjs_get_false") export declare function qjs_get_false(): usize;
@external("engine", "qjs_get_bool") export declare function qjs_get_bool(value: usize): i32;
@external("engine", "qjs_new_number") export declare function qjs_new_number(value: f64): usize;
@external("engine", "qjs_get_float64") export declare function qjs_get_float64(value: usize): f64;
@external("engine", "qjs_new_big_int64") export declare function qjs_new_big_int64(low: i32, high: i32): usize;
@external("engine", "qjs_get_big_int64")
export declare function qjs_get_big_int64(value: usize, low: usize, high: usize): i32;
@external("engine", "qjs_new_string") export declare function qjs_new_string(at: usize, bytes: usize): usize;
@external("engine", "qjs_is_string") export declare function qjs_is_string(value: usize): i32;
@external("engine", "qjs_get_string_len")
export declare function qjs_get_string_len(value: usize, bytes: usize): usize;
@external("engine", "qjs_free_cstring") export declare function qjs_free_cstring(at: usize): void;
@external("engine", "qjs_new_uint8_array")
export declare function qjs_new_uint8_array(at: usize, bytes: usize): usize;
@external("engine", "qjs_get_typed_array_buffer")
export declare function qjs_get_typed_array_buffer(value: usize, offset: usize, bytes: usize, size: usize): usize;
@external("engine", "qjs_get_array_buffer")
export declare function qjs_get_array_buffer(value: usize, bytes: usize): usize;
@external("engine", "qjs_new_array") export declare function qjs_new_array(): usize;
