/** Times of the kind that crontab(5) describes; all of them UTC. */
import { RequestError } from "../messages/errors.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** February 29 on a given weekday comes back after 40 years at the latest (1900 to 2099). */
const DAYS_MAX = 41 * 366;

const FIELDS = [
  { name: "minute", low: 0, high: 59 },
  { name: "hour", low: 0, high: 23 },
  { name: "day of the month", low: 1, high: 31 },
  { name: "month", low: 1, high: 12 },
  { name: "day of the week", low: 0, high: 7 },
] as const;
const PART = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/;

export interface Cron {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Neither of the two fields of days is a star: either of them is enough then. */
  readonly anyDay: boolean;
}

/** @throws RequestError bad-request, with the field */
export function parseCron(text: string): Cron {
  const parts = text.split(" ");
  const [minutes, hours, days, months, weekdays] = FIELDS.map(({ name, low, high }, index) =>
    fieldOf(parts[index] ?? "", name, low, high),
  ) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>];
  if (weekdays.has(7)) weekdays.add(0);
  const anyDay = !parts[2]?.startsWith("*") && !parts[4]?.startsWith("*");
  return { minutes, hours, days, months, weekdays, anyDay };
}

function fieldOf(text: string, name: string, low: number, high: number): Set<number> {
  const refuse = (): never => {
    const message = `cron: "${text}" is no ${name} from ${low} to ${high}, range, list or step`;
    throw new RequestError("bad-request", message);
  };
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const [whole, first, last, step = "1"] = PART.exec(part) ?? refuse();
    const from = first === undefined ? low : Number(first);
    // "5/10" begins at 5 and goes on to the end.
    const single = first !== undefined && last === undefined && !whole.includes("/");
    const to = single ? from : Number(last ?? high);
    if (from < low || to > high || from > to || Number(step) === 0) refuse();
    for (let value = from; value <= to; value += Number(step)) values.add(value);
  }
  return values;
}

/** The first time after one, seconds since 1970; null if there is none. */
export function nextTime(cron: Cron, after: number): number | null {
  const start = (Math.floor(after / MINUTE) + 1) * MINUTE;
  const firstDay = Math.floor(start / DAY);
  for (let day = firstDay; day < firstDay + DAYS_MAX; day++) {
    if (!isDay(cron, new Date(day * DAY * 1000))) continue;
    for (let time = Math.max(start, day * DAY); time < (day + 1) * DAY; ) {
      if (!cron.hours.has(Math.floor((time % DAY) / HOUR))) time += HOUR - (time % HOUR);
      else if (cron.minutes.has(Math.floor((time % HOUR) / MINUTE))) return time;
      else time += MINUTE;
    }
  }
  return null;
}

function isDay({ months, days, weekdays, anyDay }: Cron, date: Date): boolean {
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const day = days.has(date.getUTCDate());
  const weekday = weekdays.has(date.getUTCDay());
  return anyDay ? day || weekday : day && weekday;
}
