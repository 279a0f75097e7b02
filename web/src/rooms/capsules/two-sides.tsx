import type { ReactNode } from "react";
import own from "./capsules.module.css";

export interface TwoSidesProps {
  readonly then: { readonly title: string; readonly body: ReactNode };
  readonly now: { readonly title: string; readonly body: ReactNode };
}

/** Two things beside each other; below each other where there is no room. */
export function TwoSides({ then, now }: TwoSidesProps) {
  return (
    <div className={own["two"]}>
      <div className={own["side"]} role="group" aria-label={then.title}>
        <h3>{then.title}</h3>
        {then.body}
      </div>
      <div className={`${own["side"]} ${own["now"]}`} role="group" aria-label={now.title}>
        <h3>{now.title}</h3>
        {now.body}
      </div>
    </div>
  );
}
