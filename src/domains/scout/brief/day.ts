const dayMs = 24 * 60 * 60 * 1000;
const monthNames = "January February March April May June July August September October November December".split(" ");

/** Beyond so many days "in 312 days" helps nobody; the date alone does. */
const relativeDaysMax = 60;

/** `2026-05-12` as `12 May 2026`. */
export function formatDay(isoDate: string): string {
  const [year = "", month = "", day = ""] = isoDate.split("-");
  return `${Number(day)} ${monthNames[Number(month) - 1] ?? month} ${year}`;
}

/** ` (in 12 days)`, ` (3 days ago)`, ` (today)`; empty when far away. Days are those of UTC. */
export function relativeDay(isoDate: string, todayMs: number): string {
  const days = Math.floor(Date.parse(isoDate) / dayMs) - Math.floor(todayMs / dayMs);
  if (Math.abs(days) > relativeDaysMax) return "";
  if (days === 0) return " (today)";
  if (Math.abs(days) === 1) return days === 1 ? " (tomorrow)" : " (yesterday)";
  return days > 0 ? ` (in ${days} days)` : ` (${-days} days ago)`;
}

/** The same day with day and month the other way round. */
export function swappedDay(isoDate: string): string {
  const [year = "", month = "", day = ""] = isoDate.split("-");
  return `${year}-${day}-${month}`;
}
