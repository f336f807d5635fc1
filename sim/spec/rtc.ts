/** Registers of the real-time clock (Motorola MC146818A data sheet; Intel ICH9, 13.6). */
export const RTC_SECONDS = 0x00;
export const RTC_SECONDS_ALARM = 0x01;
export const RTC_MINUTES = 0x02;
export const RTC_MINUTES_ALARM = 0x03;
export const RTC_HOURS = 0x04;
export const RTC_HOURS_ALARM = 0x05;
/** 1 = Sunday. */
export const RTC_WEEKDAY = 0x06;
export const RTC_DAY = 0x07;
export const RTC_MONTH = 0x08;
export const RTC_YEAR = 0x09;
export const RTC_A = 0x0a;
export const RTC_B = 0x0b;
export const RTC_C = 0x0c;
export const RTC_D = 0x0d;
/** As the FADT's CENTURY field says (ACPI 6.5, 5.2.9). */
export const RTC_CENTURY = 0x32;

/** Register A. */
export const RTC_UPDATE_IN_PROGRESS = 0x80;
export const RTC_DIVIDER_MASK = 0x70;
export const RTC_DIVIDER_32768 = 0x20;
export const RTC_RATE_MASK = 0x0f;
/** Register B. The interrupt enables stand where register C has the flags. */
export const RTC_SET = 0x80;
export const RTC_PERIODIC = 0x40;
export const RTC_ALARM = 0x20;
export const RTC_UPDATE = 0x10;
export const RTC_BINARY = 0x04;
export const RTC_24_HOURS = 0x02;
/** Register C. */
export const RTC_INTERRUPT = 0x80;
/** Register D: RAM and time are valid. */
export const RTC_VALID = 0x80;
