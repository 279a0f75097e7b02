/** Numbers, times and sizes in the user's language. */

const locale = (): string | undefined => globalThis.navigator?.language;

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** 640 ms, 38 s, 4 min 12 s, 2 h 5 min. */
export function formatDuration(durationMs: number): string {
  // The symbols of units are the same in every language; only the number is written in the reader's.
  const unit = (value: number, symbol: string): string =>
    `${new Intl.NumberFormat(locale()).format(value)}\u00a0${symbol}`;
  if (durationMs < 1000) return unit(Math.round(durationMs), "ms");
  if (durationMs < 9_950) return unit(Math.round(durationMs / 100) / 10, "s");
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return unit(seconds, "s");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${unit(minutes, "min")} ${unit(seconds % 60, "s")}`;
  return `${unit(Math.floor(minutes / 60), "h")} ${unit(minutes % 60, "min")}`;
}

const pad = (value: number, length: number): string => String(value).padStart(length, "0");

/** 12:04:01. */
export function formatClock(timeMs: number): string {
  const time = new Date(timeMs);
  return `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}`;
}

/** What `formatClock` leaves out: .250. */
export const formatFraction = (timeMs: number): string => `.${pad(new Date(timeMs).getMilliseconds(), 3)}`;

export const formatExact = (timeMs: number): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" }).format(timeMs);

export const formatDay = (timeMs: number): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "full" }).format(timeMs);

/** Money is counted in millionths, so six decimals are all there are. */
export const formatNumber = (value: number): string =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: 6 }).format(value);

/** Relative under an hour, exact after. */
export function formatWhen(timeMs: number, nowMs: number): string {
  const agoMs = Math.max(0, nowMs - timeMs);
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  if (agoMs < minuteMs) return relative.format(-Math.floor(agoMs / 1000), "second");
  if (agoMs < hourMs) return relative.format(-Math.floor(agoMs / minuteMs), "minute");
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(timeMs);
}

/** Both ends of an id; the whole is copied. */
export const shortId = (id: string, length = 13): string =>
  id.length <= length ? id : `${id.slice(0, Math.ceil((length - 1) / 2))}…${id.slice(-Math.floor((length - 1) / 2))}`;

const byteUnits = ["B", "kB", "MB", "GB", "TB"] as const;

/** 640 B, 1.5 kB, 20 MB: powers of 1000. */
export function formatBytes(sizeBytes: number): string {
  const power = sizeBytes < 1 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log10(sizeBytes) / 3));
  const value = new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(sizeBytes / 1000 ** power);
  return `${value}\u00a0${byteUnits[power]}`;
}
