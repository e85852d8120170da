// Numbers and times as people read them, in the browser's language. Formatters are costly to make, so each is made once.

const counts = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const shares = new Intl.NumberFormat(undefined, {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const smallShares = new Intl.NumberFormat(undefined, { style: "percent", maximumSignificantDigits: 2 });

const byteUnits = ["kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"].map(
  (unit) =>
    new Intl.NumberFormat(undefined, { style: "unit", unit, minimumFractionDigits: 1, maximumFractionDigits: 1 }),
);

const utc = (options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat(undefined, { timeZone: "UTC", hourCycle: "h23", ...options });
const clockSeconds = utc({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clockMinutes = utc({ hour: "2-digit", minute: "2-digit" });
const dayAndMinutes = utc({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const fullMinutes = utc({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

export const count = (value: number): string => counts.format(value);
export const rate = (value: number): string => (value >= 100 ? counts : tenths).format(value);

/** "1 hit", "2 hits". */
export const counted = (value: number, one: string): string => `${count(value)} ${value === 1 ? one : `${one}s`}`;

/** A part of a whole: "12.3%", and with two digits below one in a thousand, so that a few never read as none. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return shares.format(0);
  const value = part / whole;
  return (value > 0 && value < 0.001 ? smallShares : shares).format(value);
}

export function bytes(value: number): string {
  if (value < 1000) return `${counts.format(value)} B`;
  let unit = 0;
  value /= 1000;
  // 999.95 kB rounds to 1,000 kB: go on a little before the next unit is full.
  while (value >= 999.95 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return byteUnits[unit]!.format(value);
}

/** "38 ms", "1.2 s", "3 min". */
export function milliseconds(value: number): string {
  if (value < 10) return `${tenths.format(value)} ms`;
  if (value < 1000) return `${counts.format(value)} ms`;
  if (value < 60_000) return `${tenths.format(value / 1000)} s`;
  return `${counts.format(value / 60_000)} min`;
}

const date = (unixSeconds: number): Date => new Date(unixSeconds * 1000);

export const timeOfSecond = (unixSeconds: number): string => clockSeconds.format(date(unixSeconds));
export const timeOfMinute = (unixSeconds: number): string => clockMinutes.format(date(unixSeconds));
export const dayAndTime = (unixSeconds: number): string => dayAndMinutes.format(date(unixSeconds));

/** "17 May 2015, 10:05 to 20 May 2015, 21:05 UTC"; empty when there is neither. */
export function period(first: string, last: string): string {
  const from = Date.parse(first);
  const to = Date.parse(last);
  if (Number.isNaN(from) || Number.isNaN(to)) return "";
  return `${fullMinutes.formatRange(from, to)} UTC`;
}
