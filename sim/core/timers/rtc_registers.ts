/** The clock registers of the MC146818A: BCD or binary, 12 or 24 hours, alarm, calendar. */
import * as Spec from "../../spec/rtc";
import { dateFromDays, daysFromDate, daysInMonth } from "./calendar";

const DAY_SECONDS: u32 = 86_400;
const PM: u32 = 0x80;
const NOON: u32 = 12;
/** What a register holds that is no number of its format. */
const INVALID: u32 = 0xffff;
/** Alarm bytes from 0xC0 match any time. */
const ALARM_ANY: u32 = 0xc0;
const ANY: u32 = 0xfffe;

@inline
function register(cmos: usize, index: u32): u32 {
  return <u32>load<u8>(cmos + <usize>index);
}

@inline
function binary(cmos: usize): bool {
  return (register(cmos, Spec.RTC_B) & Spec.RTC_BINARY) != 0;
}

@inline
function hours24(cmos: usize): bool {
  return (register(cmos, Spec.RTC_B) & Spec.RTC_24_HOURS) != 0;
}

/** Number that the byte stands for, INVALID above `most` or for a digit above 9. */
function decode(cmos: usize, byte: u32, most: u32): u32 {
  let value = byte;
  if (!binary(cmos)) {
    if ((byte & 15) > 9) return INVALID;
    value = (byte >> 4) * 10 + (byte & 15);
  }
  return value <= most ? value : INVALID;
}

function encode(cmos: usize, index: u32, value: u32): void {
  const byte = binary(cmos) ? value : ((value / 10) << 4) | (value % 10);
  store<u8>(cmos + <usize>index, <u8>byte);
}

/** Hour 0-23; 12-hour registers count 12, 1 to 11, and have bit 7 set after noon. */
function decodeHours(cmos: usize, byte: u32): u32 {
  if (hours24(cmos)) return decode(cmos, byte, 23);
  const hour = decode(cmos, byte & ~PM, NOON);
  if (hour == 0 || hour == INVALID) return INVALID;
  return (hour % NOON) + ((byte & PM) != 0 ? NOON : 0);
}

function encodeHours(cmos: usize, hour: u32): void {
  if (hours24(cmos)) return encode(cmos, Spec.RTC_HOURS, hour);
  const half = hour % NOON;
  encode(cmos, Spec.RTC_HOURS, half == 0 ? NOON : half);
  if (hour < NOON) return;
  const at = cmos + Spec.RTC_HOURS;
  store<u8>(at, <u8>(<u32>load<u8>(at) | PM));
}

/** Second of the day that the registers show; DAY_SECONDS when they show no time. */
function secondOfDay(cmos: usize): u32 {
  const seconds = decode(cmos, register(cmos, Spec.RTC_SECONDS), 59);
  const minutes = decode(cmos, register(cmos, Spec.RTC_MINUTES), 59);
  const hours = decodeHours(cmos, register(cmos, Spec.RTC_HOURS));
  if (seconds == INVALID || minutes == INVALID || hours == INVALID) return DAY_SECONDS;
  return hours * 3600 + minutes * 60 + seconds;
}

function encodeTime(cmos: usize, second: u32): void {
  encode(cmos, Spec.RTC_SECONDS, second % 60);
  encode(cmos, Spec.RTC_MINUTES, (second / 60) % 60);
  encodeHours(cmos, second / 3600);
}

function encodeDate(cmos: usize, days: i32): void {
  const date = dateFromDays(days);
  const year = date >> 9;
  encode(cmos, Spec.RTC_DAY, date & 31);
  encode(cmos, Spec.RTC_MONTH, (date >> 5) & 15);
  encode(cmos, Spec.RTC_YEAR, year % 100);
  encode(cmos, Spec.RTC_CENTURY, year / 100);
}

/** Shows the time `seconds` after 1970-01-01 00:00; 1970 began on a Thursday, day 5 of the week. */
export function setRegisters(cmos: usize, seconds: u64): void {
  const days = <u32>((seconds / DAY_SECONDS) % (146_097 * 25));
  encodeTime(cmos, <u32>(seconds % DAY_SECONDS));
  encodeDate(cmos, <i32>days);
  encode(cmos, Spec.RTC_WEEKDAY, ((days + 4) % 7) + 1);
}

/** Does `updates` update cycles at once. */
export function advanceRegisters(cmos: usize, updates: u64): void {
  const second = secondOfDay(cmos);
  if (second == DAY_SECONDS) return;
  const total = <u64>second + updates;
  encodeTime(cmos, <u32>(total % DAY_SECONDS));
  const days = <u32>(total / DAY_SECONDS);
  if (days != 0) advanceDate(cmos, days);
}

function advanceDate(cmos: usize, days: u32): void {
  const weekday = decode(cmos, register(cmos, Spec.RTC_WEEKDAY), 7);
  if (weekday != 0 && weekday != INVALID)
    encode(cmos, Spec.RTC_WEEKDAY, ((weekday - 1 + (days % 7)) % 7) + 1);
  const century = decode(cmos, register(cmos, Spec.RTC_CENTURY), 99);
  const year = decode(cmos, register(cmos, Spec.RTC_YEAR), 99);
  const month = decode(cmos, register(cmos, Spec.RTC_MONTH), 12);
  const day = decode(cmos, register(cmos, Spec.RTC_DAY), 31);
  if (century == INVALID || year == INVALID || month == INVALID || month == 0) return;
  const civil = century * 100 + year;
  if (day == 0 || day > daysInMonth(civil, month)) return;
  encodeDate(cmos, daysFromDate(civil, month, day) + <i32>days);
}

function decodeAlarm(cmos: usize, index: u32): u32 {
  const byte = register(cmos, index);
  if (byte >= ALARM_ANY) return ANY;
  return index == Spec.RTC_HOURS_ALARM ? decodeHours(cmos, byte) : decode(cmos, byte, 59);
}

/** Whether the alarm matched in one of the last `updates` seconds, the one now shown included. */
export function alarmInLast(cmos: usize, updates: u64): bool {
  const seconds = decodeAlarm(cmos, Spec.RTC_SECONDS_ALARM);
  const minutes = decodeAlarm(cmos, Spec.RTC_MINUTES_ALARM);
  const hours = decodeAlarm(cmos, Spec.RTC_HOURS_ALARM);
  let second = secondOfDay(cmos);
  if (second == DAY_SECONDS) return false;
  // A day shows every time there is; at most one turn of the loop a second of virtual time.
  const count = <u32>min<u64>(updates, DAY_SECONDS);
  for (let index: u32 = 0; index < count; index++) {
    const shown =
      (seconds == ANY || seconds == second % 60) &&
      (minutes == ANY || minutes == (second / 60) % 60) &&
      (hours == ANY || hours == second / 3600);
    if (shown) return true;
    second = second == 0 ? DAY_SECONDS - 1 : second - 1;
  }
  return false;
}
