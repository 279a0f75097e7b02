/** Exceptions from the house rules: each has a reason, and their number may only fall. */
import type { Fault } from "./source.ts";

export interface Waivers {
  /** Exactly how many there are, so that one more is seen in review as a raised number. */
  readonly max: number;
  readonly waivers: readonly { readonly file: string; readonly rule: string; readonly reason: string }[];
}

const place = "tools/tidy/waivers.json";

export function withWaivers(faults: readonly Fault[], { max, waivers }: Waivers): Fault[] {
  const matches = (fault: Fault) => waivers.some(({ file, rule }) => file === fault.file && rule === fault.rule);
  const unused = waivers.filter(
    ({ file, rule }) => !faults.some((fault) => fault.file === file && fault.rule === rule),
  );
  const own = (message: string): Fault => ({ file: place, line: 1, rule: "waivers", message });
  return [
    ...faults.filter((fault) => !matches(fault)),
    ...unused.map(({ file, rule }) => own(`nothing to waive for ${rule} in ${file}; remove it`)),
    ...waivers
      .filter(({ reason }) => reason.length < 20)
      .map(({ file }) => own(`say in a sentence why ${file} is an exception`)),
    ...(waivers.length === max ? [] : [own(`${waivers.length} waivers, but max says ${max}`)]),
  ];
}
