/** Numbers, times and sizes in the user's language. */

const locale = (): string | undefined => globalThis.navigator?.language;

const minuteMs = 60_000;
const hourMs = 3_600_000;

export const formatCount = (count: number): string => new Intl.NumberFormat(locale()).format(count);

/** 640 ms, 38 s, 4 min 12 s, 2 h 5 min. */
export function formatDuration(durationMs: number): string {
  const unit = (value: number, name: string): string =>
    new Intl.NumberFormat(locale(), { style: "unit", unit: name, unitDisplay: "short" }).format(value);
  if (durationMs < 1000) return unit(Math.round(durationMs), "millisecond");
  if (durationMs < 10_000) return unit(Math.round(durationMs / 100) / 10, "second");
  if (durationMs < minuteMs) return unit(Math.round(durationMs / 1000), "second");
  if (durationMs < hourMs) {
    return `${unit(Math.floor(durationMs / minuteMs), "minute")} ${unit(Math.floor((durationMs % minuteMs) / 1000), "second")}`;
  }
  return `${unit(Math.floor(durationMs / hourMs), "hour")} ${unit(Math.floor((durationMs % hourMs) / minuteMs), "minute")}`;
}

const pad = (value: number, length: number): string => String(value).padStart(length, "0");

/** 12:04:01, or 12:04:01.250. */
export function formatClock(timeMs: number, hasMs = false): string {
  const time = new Date(timeMs);
  const clock = `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}`;
  return hasMs ? `${clock}.${pad(time.getMilliseconds(), 3)}` : clock;
}

export const formatExact = (timeMs: number): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" }).format(timeMs);

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
