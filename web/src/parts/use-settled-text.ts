/** A field whose text becomes part of the address once its typing rests. */
import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

/** Typing settles before it becomes an address, or Back would walk letter by letter. */
const settleMs = 300;

/** `value` is what the address holds. What is typed stays typed: only an address that came by another way takes its place. */
export function useSettledText(
  value: string,
  settle: (text: string) => void,
): readonly [text: string, setText: (text: string) => void] {
  const router = useRouter();
  const [text, setText] = useState(value);
  const settled = useRef(value);
  const latest = useRef(settle);
  useEffect(() => {
    latest.current = settle;
  });
  useEffect(() => {
    if (value === settled.current) return;
    settled.current = value;
    setText(value);
  }, [value]);
  useEffect(() => {
    if (text === settled.current) return undefined;
    const typedAt = router.latestLocation.pathname;
    const timer = setTimeout(() => {
      // Who is on the way to another page by now is not called back.
      if (router.latestLocation.pathname !== typedAt) return;
      settled.current = text;
      latest.current(text);
    }, settleMs);
    return () => clearTimeout(timer);
  }, [text, router]);
  return [text, setText];
}
