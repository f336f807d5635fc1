/** Gregorian calendar in whole days, for the clock registers. */

/** Days from 0000-03-01, where the year's leap day comes last, to 1970-01-01. */
const DAYS_TO_1970: u32 = 719_468;
const DAYS_IN_400_YEARS: u32 = 146_097;

/** A date packed for one return value: year in 31-9, month (1-12) in 8-5, day (1-31) in 4-0. */
export function packDate(year: u32, month: u32, day: u32): u32 {
  return (year << 9) | (month << 5) | day;
}

/** Days before month `index` of a year that begins in March (0 = March): 31 30 31 30 31 twice over. */
@inline
function daysBefore(index: u32): u32 {
  return (153 * index + 2) / 5;
}

/** Days before March of year `year`, counted from 0000-03-01. */
@inline
function daysBeforeYear(year: u32): u32 {
  return year * 365 + year / 4 - year / 100 + year / 400;
}

export function isLeapYear(year: u32): bool {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/** Days of the month 1 to 12. */
export function daysInMonth(year: u32, month: u32): u32 {
  if (month == 2) return isLeapYear(year) ? 29 : 28;
  return 30 + ((month + (month >> 3)) & 1);
}

/** Days since 1970-01-01; negative before. The year may be 0 to 9999. */
export function daysFromDate(year: u32, month: u32, day: u32): i32 {
  // January and February end the year before; year 0's own begin 400 years, one cycle, later.
  const shifted = month > 2 ? year + 400 : year + 399;
  const index = month > 2 ? month - 3 : month + 9;
  return <i32>(daysBeforeYear(shifted) + daysBefore(index) + day - 1) - <i32>(DAYS_IN_400_YEARS + DAYS_TO_1970);
}

/** The date `days` after 1970-01-01, packed; years go around at 10,000. */
export function dateFromDays(days: i32): u32 {
  const count = <u32>(days + <i32>DAYS_TO_1970 + <i32>DAYS_IN_400_YEARS);
  // The average year is at most a day off at either end, so the guess needs one correction.
  let year = <u32>((<u64>count * 400) / DAYS_IN_400_YEARS);
  if (daysBeforeYear(year) > count) year -= 1;
  else if (daysBeforeYear(year + 1) <= count) year += 1;
  const dayOfYear = count - daysBeforeYear(year);
  const index = (5 * dayOfYear + 2) / 153;
  const month = index < 10 ? index + 3 : index - 9;
  const civil = month > 2 ? year : year + 1;
  return packDate((civil - 400) % 10_000, month, dayOfYear - daysBefore(index) + 1);
}
